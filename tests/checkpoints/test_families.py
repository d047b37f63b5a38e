"""Every family's layout imports whole and gives the source model's own features."""

from __future__ import annotations

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from loocbench.checkpoints import native, networks
from loocbench.checkpoints.foreign import importing
from tests.checkpoints.foreign_layouts import LAYOUTS, resnet18, seeded


@pytest.fixture(scope="module")
def source():
    """The network whose weights every layout holds."""
    return resnet18()


def images(size: int = 64) -> torch.Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(2))


def spaces_of(checkpoint: native.Checkpoint, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    """What the imported network gives for normalised images."""
    network = networks.build_from_card(checkpoint.card)
    network.load_state_dict(dict(checkpoint.weights), strict=True)
    with torch.inference_mode():
        return network.eval().forward_spaces(pixels)


def imported(path, **choice) -> tuple[importing.Inspection, native.Checkpoint]:
    chosen = importing.ImportOptions(**choice)
    found = importing.inspect_file(path, chosen)
    return found, importing.convert_to_checkpoint(found, chosen)


def assert_same(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Within 1e-6 of the largest feature."""
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) <= 1e-6 * float(expected.abs().max())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_imports_whole_and_gives_the_source_models_features(layout, source, tmp_path):
    family, build = LAYOUTS[layout]
    torch.save(build(source.state_dict()), tmp_path / "source.pth")
    found, checkpoint = imported(tmp_path / "source.pth")
    assert found.family == family
    assert found.unknown == ()
    assert found.architecture.name == "resnet18"
    assert len(found.match.weights) == len(source.state_dict())
    assert found.spaces == {"general": 512}
    with torch.inference_mode():
        assert_same(spaces_of(checkpoint, images())["general"], source(images()))


def test_a_safetensors_file_is_read_alike(source, tmp_path):
    save_file(source.state_dict(), tmp_path / "model.safetensors")
    found, checkpoint = imported(tmp_path / "model.safetensors")
    assert found.contents.format == "safetensors"
    with torch.inference_mode():
        assert_same(spaces_of(checkpoint, images())["general"], source(images()))


def test_what_is_left_out_is_counted_by_name(source, tmp_path):
    torch.save(LAYOUTS["moco"][1](source.state_dict()), tmp_path / "moco.pth")
    found, _ = imported(tmp_path / "moco.pth")
    assert found.left_out == {"training state": 1, "encoder_k": 12, "queue": 1, "queue_ptr": 1, "fc": 4}


def test_which_of_two_copies_was_taken_is_said(source, tmp_path):
    torch.save(LAYOUTS["moving-average-beside"][1](source.state_dict()), tmp_path / "net.pth")
    found, _ = imported(tmp_path / "net.pth")
    assert found.notes[0] == "the weights as trained, not their moving average (model_ema)"


@pytest.mark.parametrize("layout", ["solo-learn-swav", "solo-learn-old-simsiam"])
def test_every_method_of_solo_learn_has_its_stem_for_small_images(source, layout, tmp_path):
    """The padding is not in the shapes: it follows from whose file it is."""
    small = {**source.state_dict(), "conv1.weight": torch.zeros(64, 3, 3, 3)}
    torch.save(LAYOUTS[layout][1](small), tmp_path / "net.ckpt")
    found, _ = imported(tmp_path / "net.ckpt")
    assert found.architecture.options == {"stem_padding": 2}


def test_lightning_writes_what_is_imported(source, tmp_path):
    """The real libraries: a lightly-style module, saved by Lightning with hyper-parameters and an optimiser."""
    lightning = pytest.importorskip("pytorch_lightning")
    heads = pytest.importorskip("lightly.models.modules")

    class Model(lightning.LightningModule):
        def __init__(self, rate: float = 0.1) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.backbone = nn.Sequential(*list(source.children())[:-1])
            self.projection_head = heads.MoCoProjectionHead(512, 512, 128)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

        def training_step(self, batch, _):
            return self.projection_head(self.backbone(batch[0]).flatten(1)).sum() * 0

    trainer = lightning.Trainer(
        max_epochs=1, logger=False, accelerator="cpu", enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, default_root_dir=tmp_path,
    )  # fmt: skip
    model = Model()
    state = {name: tensor.clone() for name, tensor in model.backbone.state_dict().items()}
    trainer.fit(model, torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.rand(2, 3, 32, 32)), 2))
    model.backbone.load_state_dict(state)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    source.eval()
    found, checkpoint = imported(tmp_path / "last.ckpt")
    assert found.family == "lightly"
    with torch.inference_mode():
        assert_same(spaces_of(checkpoint, images())["general"], source(images()))


@pytest.mark.parametrize(
    "name", ["mobilenet_v2", "densenet121", "regnet_y_400mf", "shufflenet_v2_x0_5", "squeezenet1_1"]
)
def test_torchvisions_other_networks_give_what_enters_their_classifier(name, tmp_path):
    net = seeded(torchvision.models.get_model(name, weights=None))
    torch.save(net.state_dict(), tmp_path / "net.pth")
    found, checkpoint = imported(tmp_path / "net.pth")
    assert found.architecture.name == f"torchvision:{name}"
    entered = []
    classifiers = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    if classifiers:
        classifiers[-1].register_forward_hook(lambda _, inputs, __: entered.append(inputs[0]))
    else:  # SqueezeNet classifies by a convolution of the maps
        net.features.register_forward_hook(lambda _, __, output: entered.append(output.mean(dim=(2, 3))))
    with torch.inference_mode():
        net(images())
    assert_same(spaces_of(checkpoint, images())["general"], entered[0])


@pytest.mark.parametrize(("family", "padding", "given"), [("solo-learn", 2, None), ("bare", 1, None), ("bare", 2, 2)])
def test_the_stem_for_small_images_is_recognised(family, padding, given, tmp_path):
    net = resnet18()
    net.conv1 = nn.Conv2d(3, 64, 3, 1, padding, bias=False)
    net.maxpool = nn.Identity()
    torch.save(LAYOUTS[family][1](net.state_dict()), tmp_path / "cifar.pth")
    found, checkpoint = imported(tmp_path / "cifar.pth", stem_padding=given)
    assert any(f"padding {padding}" in note for note in found.notes)
    assert checkpoint.card.preprocessing.image_size == 32
    with torch.inference_mode():
        assert_same(spaces_of(checkpoint, images(32))["general"], net(images(32)))


@pytest.mark.parametrize(
    "name", ["resnet34", "resnet50", "resnet101", "wide_resnet50_2", "resnext50_32x4d", "resnext101_32x8d"]
)
def test_the_architecture_is_recognised_from_shapes(name):
    from loocbench.checkpoints.foreign import recognising

    with torch.device("meta"):
        state = torchvision.models.get_model(name, weights=None).state_dict()
    assert recognising.recognise_by_tensors(state, "").architecture.name.removeprefix("torchvision:") == name


@pytest.mark.parametrize(("layout", "said"), [("bare", True), ("lightly", True), ("moco", False)])
def test_that_a_resnet_is_torchvisions_is_said_to_be_assumed(source, layout, said, tmp_path):
    """Anti-aliasing and the place of the stride have no weights; official scripts build torchvision's own."""
    torch.save(LAYOUTS[layout][1](source.state_dict()), tmp_path / "net.pth")
    found, _ = imported(tmp_path / "net.pth")
    assert ("assumed a plain ResNet, without anti-aliasing: --arch says otherwise" in found.notes) is said


def test_half_precision_becomes_float32_and_is_said(source, tmp_path):
    torch.save({name: t.half() if t.is_floating_point() else t for name, t in source.state_dict().items()}, "half.pth")
    found, checkpoint = imported(tmp_path / "half.pth")
    assert "float16 made float32" in found.notes
    assert {tensor.dtype for tensor in checkpoint.weights.values()} == {torch.float32, torch.int64}


def test_counters_of_batches_may_be_absent(source, tmp_path):
    kept = {name: t for name, t in source.state_dict().items() if not name.endswith("num_batches_tracked")}
    torch.save(kept, tmp_path / "old.pth")
    found, checkpoint = imported(tmp_path / "old.pth")
    assert found.notes[-1] == "20 num_batches_tracked absent, set to 0 (only training reads them)"
    with torch.inference_mode():
        assert_same(spaces_of(checkpoint, images())["general"], source(images()))
