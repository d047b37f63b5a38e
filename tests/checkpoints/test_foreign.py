"""What an import says and keeps: cards, key maps, one's own architecture, preprocessing, references, trust."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

import loocbench
from loocbench.checkpoints import locate, native, networks, remote, untrained
from loocbench.checkpoints.foreign import importing, preprocessing
from loocbench.errors import UserError
from loocbench.models.network import Network
from loocbench.pretraining.labels import model_label
from loocbench.types import CheckpointCard
from tests.checkpoints.test_families import assert_same, images, imported, seeded, spaces_of

DOCS = Path(__file__).parents[2] / "docs" / "checkpoints.md"


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """The documented example, saved in the current folder as the page says."""
    page = DOCS.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(import torch\n.*?)```", page, re.DOTALL)
    (tmp_path / "cifar_resnets.py").write_text(code)
    monkeypatch.delitem(sys.modules, "cifar_resnets", raising=False)
    yield "cifar_resnets"
    sys.modules.pop("cifar_resnets", None)


class IndependentResNet20(nn.Module):
    """The same network, written as one loop over the tensors' names."""

    def __init__(self, state: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.state = state

    def norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        s = self.state
        mean, var = s[f"{name}.running_mean"], s[f"{name}.running_var"]
        return F.batch_norm(x, mean, var, s[f"{name}.weight"], s[f"{name}.bias"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(F.conv2d(x, self.state["conv1.weight"], padding=1), "bn1").relu()
        for stage in (1, 2, 3):
            for block in range(3):
                name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
                y = self.norm(F.conv2d(x, self.state[f"{name}.conv1.weight"], None, stride, 1), f"{name}.bn1").relu()
                y = self.norm(F.conv2d(y, self.state[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
                if stride == 2:
                    zeros = torch.zeros(len(x), x.shape[1] // 2, *y.shape[2:])
                    x = torch.cat([zeros, x[:, :, ::2, ::2], zeros], dim=1)
                x = (x + y).relu()
        return x.mean(dim=(2, 3))


def own_file(path: Path, module: str) -> dict[str, torch.Tensor]:
    """A checkpoint of the example's network as its author's script writes it. Returns the plain tensors."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        net = seeded(__import__(module).resnet20())
    finally:
        sys.path.pop(0)
    state = dict(net.state_dict())
    file = {f"module.{name}": t for name, t in state.items() if not name.endswith("num_batches_tracked")}
    file |= {"module.linear.weight": torch.zeros(10, 64), "module.linear.bias": torch.zeros(10)}
    torch.save({"state_dict": file, "best_prec1": 91.78}, path)
    return state


def test_an_architecture_of_ones_own_as_documented(own_module, tmp_path):
    state = own_file(tmp_path / "net.th", own_module)
    overrides = preprocessing.PreprocessingOverrides(image_size=32, resize=32)
    found, checkpoint = imported(tmp_path / "net.th", arch=f"{own_module}:resnet20", preprocessing=overrides)
    assert found.left_out == {"linear": 2}
    assert checkpoint.card.preprocessing.resize == 32
    with torch.inference_mode():
        assert_same(spaces_of(checkpoint, images(32))["general"], IndependentResNet20(state)(images(32)))


def test_a_network_of_ones_own_may_offer_spaces(tmp_path):
    (tmp_path / "two_spaces.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.conv = nn.Conv2d(3, 5, 3)\n"
        "    def forward(self, x):\n"
        "        maps = self.conv(x)\n"
        "        return {'general': maps.mean((2, 3)), 'largest': maps.amax((2, 3))}\n"
        "def make(): return Net()\n"
        "def maps(): return nn.Conv2d(3, 5, 3)\n"
    )
    torch.save({"conv.weight": torch.randn(5, 3, 3, 3), "conv.bias": torch.zeros(5)}, tmp_path / "net.pth")
    found, checkpoint = imported(tmp_path / "net.pth", arch="two_spaces:make")
    assert found.spaces == {"general": 5, "largest": 5}
    assert checkpoint.card.spaces == ("largest",)
    torch.save({"weight": torch.randn(5, 3, 3, 3), "bias": torch.zeros(5)}, tmp_path / "maps.pth")
    with pytest.raises(UserError, match=r"returns \(1, 5, 222, 222\) for general, not features \[N, D\]"):
        imported(tmp_path / "maps.pth", arch="two_spaces:maps")


def test_a_card_alone_never_runs_code(own_module, tmp_path, monkeypatch):
    """What one user confirmed by importing is refused to another who only has the file, until they name the code."""
    from loocbench.jobs import checkpoints as job

    own_file(tmp_path / "net.th", own_module)
    choice = importing.ImportOptions(arch=f"{own_module}:resnet20", name="mine")
    _, place, _ = job.import_checkpoint(str(tmp_path / "net.th"), choice, Path("runs"), overwrite=False)
    assert locate.load("mine").card.backbone == "python:cifar_resnets:resnet20"
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "another user" / name)
    Path("cifar_resnets.py").write_text("raise SystemExit('code ran')")
    sys.modules.pop("cifar_resnets", None)
    with pytest.raises(UserError, match=r"wants to run cifar_resnets:resnet20 .* confirm it with"):
        loocbench.load("mine")
    with pytest.raises(UserError, match="confirm it with"):
        job.import_checkpoint(str(place), importing.ImportOptions(name="again"), Path("runs"), overwrite=False)
    job.import_checkpoint(
        str(place), importing.ImportOptions(arch=f"{own_module}:resnet20", name="again"), Path("runs"), overwrite=False
    )
    assert native.load(Path("runs/again/checkpoint.safetensors")).card.name == "again"


def test_features_of_code_that_changed_are_made_anew(own_module, tmp_path):
    """The cache's key holds the code: the weights alone would not tell."""
    before = networks.cache_identity(locate.load(f"random:{own_module}:resnet20").card)
    page = Path("cifar_resnets.py")
    page.write_text(page.read_text().replace("maps.mean(dim=(2, 3))", "maps.amax(dim=(2, 3))"))
    sys.modules.pop(own_module)
    after = networks.cache_identity(locate.load(f"random:{own_module}:resnet20").card)
    assert before.pop("code") != after.pop("code")
    assert before == after


def looc_state(separate: bool) -> tuple[Network, dict[str, torch.Tensor]]:
    """A LooC network of ours, and its tensors as a reimplementation might call them."""
    network = Network(
        "resnet18", ("invariant", "color"), separate=separate, embedding_dim=16, hidden_dim=24, stem_padding=1
    )
    seeded(network)
    state = {}
    for name, tensor in network.state_dict().items():
        for ours, theirs in (
            ("trunk.", "module.trunk."),
            ("stages.general.", "module.trunk.layer4."),
            ("stages.invariant.", "module.branches.0."),
            ("stages.color.", "module.branches.1."),
            ("heads.invariant.0.", "module.mlp.0.fc1."),
            ("heads.invariant.2.", "module.mlp.0.fc2."),
            ("heads.color.0.", "module.mlp.1.fc1."),
            ("heads.color.2.", "module.mlp.1.fc2."),
        ):
            if name.startswith(ours):
                state[theirs + name.removeprefix(ours)] = tensor
    state["module.queue"] = torch.zeros(2, 16, 8)
    return network, state


@pytest.mark.parametrize("separate", [False, True])
def test_a_looc_reimplementation_imports_through_a_key_map(tmp_path, separate):
    network, state = looc_state(separate)
    torch.save({"state_dict": state}, tmp_path / "looc.pth")
    stages = (
        '"module.branches.0." = "stage:invariant"\n"state_dict.module.branches.1." = "stage:color"\n'
        if separate
        else ""
    )
    (tmp_path / "looc.toml").write_text(
        f"separate = {str(separate).lower()}\n"
        'leave_out = ["state_dict.module.queue"]\n[prefixes]\n"module.trunk." = "backbone"\n'
        f'{stages}"state_dict.module.mlp.0." = "head:invariant"\n"state_dict.module.mlp.1." = "head:color"\n'
    )
    found, checkpoint = imported(tmp_path / "looc.pth", key_map=tmp_path / "looc.toml")
    assert checkpoint.card.spaces == ("invariant", "color")
    assert networks.has_separate_stages(checkpoint.card) is separate
    assert found.unknown == ()
    with torch.inference_mode():
        expected = network.forward_spaces(images(32))
    every = spaces_of(checkpoint, images(32))
    assert every.keys() == expected.keys()
    for name, values in expected.items():
        assert_same(every[name], values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[prefixes]\n"a." = "backbones"', "'a.' is mapped to 'backbones'"),
        ('separate = true\n[prefixes]\n"a." = "backbone"', "separate = true goes with stage:NAME"),
        ('[prefixes]\n"nowhere." = "backbone"', "no tensor's name begins with 'nowhere.'; the file's begin with conv1"),
        ("prefixes = 3", "prefixes: input should be a valid dictionary"),
    ],
)
def test_a_wrong_key_map_is_one_line(tmp_path, text, message):
    torch.save({"conv1.weight": torch.zeros(2)}, tmp_path / "net.pth")
    (tmp_path / "map.toml").write_text(text)
    with pytest.raises(UserError, match=re.escape(message)):
        importing.inspect_file(tmp_path / "net.pth", importing.ImportOptions(key_map=tmp_path / "map.toml"))


def test_two_prefixes_that_lead_to_one_place_are_refused(tmp_path):
    torch.save({"q.conv1.weight": torch.zeros(2), "k.conv1.weight": torch.ones(2)}, tmp_path / "net.pth")
    for target in ("backbone", "head:color"):
        (tmp_path / "map.toml").write_text(f'[prefixes]\n"q." = "{target}"\n"k." = "{target}"\n')
        with pytest.raises(UserError, match=f"two tensors become conv1.weight of {target}, one is k.conv1.weight; put"):
            importing.inspect_file(tmp_path / "net.pth", importing.ImportOptions(key_map=tmp_path / "map.toml"))


def test_the_card_tells_the_source_and_what_is_not_known(tmp_path):
    net = torchvision.models.shufflenet_v2_x0_5()
    torch.save(net.state_dict(), tmp_path / "my net (1).pth")
    _, checkpoint = imported(tmp_path / "my net (1).pth")
    card = checkpoint.card
    assert card.name == model_label(card) == "my-net-1"
    assert (card.format, card.recipe, card.dataset) == (2, None, "unknown")
    assert card.source.sha256 in str(card.source)
    assert card.source.preprocessing == "assumed: ImageNet's"
    assert CheckpointCard.model_validate_json(card.model_dump_json()) == card


def test_cards_written_before_still_load():
    """A card of format 1, as the first version wrote it: no architecture, no source."""
    card = untrained.build_checkpoint("resnet8", 0).card
    written = card.model_dump(mode="json", exclude={"architecture", "source"})
    assert CheckpointCard.model_validate(written) == card
    with pytest.raises(ValueError, match="a card has a recipe, or an architecture and a source"):
        CheckpointCard.model_validate({**written, "recipe": None})


def test_a_card_cannot_hand_anything_to_a_librarys_constructor():
    card = locate.load("random:shufflenet_v2_x0_5").card.model_dump(mode="json")
    for options in (
        *({"checkpoint_path": "/etc/passwd"}, {"depth": 10**9}, {"embed_dim": -1}, {"depth": 257}),
        *({"depth": "3"}, {"image_size": 1.5}, {"num_heads": True}, {"qkv_bias": 1}, {"global_pool": 3}),
    ):
        hostile = {**card, "architecture": {**card["architecture"], "options": options}}
        with pytest.raises(ValueError, match="is no option of an architecture"):
            CheckpointCard.model_validate(hostile)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("torchvision:mobilenet_v2", {"depth": 3}),
        ("torchvision:vit_b_16", {"image_size": 3}),
        ("timm:resnet18", {"img_size": 64}),
        ("timm:vit_tiny_patch16_224", {"num_heads": 7}),
        ("timm:vit_tiny_patch16_224", {"num_heads": 0}),
    ],
)
def test_options_that_a_library_does_not_take_are_one_line(name, options):
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    card = locate.load("random:shufflenet_v2_x0_5").card
    architecture = card.architecture.model_copy(update={"name": name, "options": options})
    wrong = native.Checkpoint(card.model_copy(update={"architecture": architecture}), {}, "x")
    with pytest.raises(UserError, match=r"there is no .* with .*; name another with --arch"):
        networks.require_weights_fit(wrong)


def test_a_card_with_a_recipe_cannot_also_name_code():
    """Both at once, each reader might look at another one of them."""
    card = untrained.build_checkpoint("resnet8", 0).card.model_dump(mode="json")
    foreign = {"architecture": {"name": "python:os:system"}, "source": {"kind": "file", "name": "x"}}
    with pytest.raises(ValueError, match="a card has a recipe, or an architecture and a source"):
        CheckpointCard.model_validate({**card, **foreign})


@pytest.mark.parametrize("name", ["/tmp/elsewhere", "../elsewhere", "a/b", ""])
def test_a_cards_spaces_cannot_name_other_files(name):
    """Features of a space are cached in a file of its name."""
    card = untrained.build_checkpoint("resnet8", 0).card.model_dump(mode="json")
    with pytest.raises(ValueError, match="should match pattern"):
        CheckpointCard.model_validate({**card, "spaces": [name]})


def test_a_card_of_another_network_than_the_weights_is_refused_before_it_is_built(tmp_path):
    checkpoint = locate.load("random:shufflenet_v2_x0_5")
    larger = checkpoint.card.architecture.model_copy(update={"name": "torchvision:shufflenet_v2_x2_0"})
    card = checkpoint.card.model_copy(update={"architecture": larger})
    native.save(tmp_path / "x.safetensors", card, checkpoint.weights)
    with pytest.raises(UserError, match=r"does not fit its card: net\.stage2.*; import it anew"):
        loocbench.load(tmp_path / "x.safetensors")


def test_a_card_of_spaces_that_its_network_does_not_give_is_refused(tmp_path):
    checkpoint = locate.load("random:shufflenet_v2_x0_5")
    native.save(
        tmp_path / "x.safetensors", checkpoint.card.model_copy(update={"spaces": ("color",)}), checkpoint.weights
    )
    with pytest.raises(UserError, match="does not fit its card: space color; import it anew"):
        loocbench.load(tmp_path / "x.safetensors")


def test_known_weights_of_torchvision_state_their_preprocessing(monkeypatch):
    entry = torchvision.models.ResNet50_Weights.IMAGENET1K_V2
    mark = re.search(r"-([0-9a-f]{8})\.pth", entry.url)[1]
    stated = preprocessing.resolve_preprocessing(
        importing.Architecture(name="resnet50"),
        mark + "0" * 56,
        preprocessing.PreprocessingOverrides(mean=(0.5, 0.5, 0.5)),
    )
    assert (stated.values.resize, stated.values.image_size) == (232, 224)
    assert stated.values.mean == (0.5, 0.5, 0.5)
    assert stated.known_from == "mean as given; the rest stated by torchvision for ResNet50_Weights.IMAGENET1K_V2"
    assert stated.trained_on == "ImageNet-1k"


def test_a_foreign_file_is_a_checkpoint_of_every_command(tmp_path):
    net = seeded(torchvision.models.shufflenet_v2_x0_5())
    torch.save(net.state_dict(), tmp_path / "net.pth")
    encoder = loocbench.load(tmp_path / "net.pth")
    assert encoder.spaces == ["looc"]
    assert encoder(torch.zeros(1, 3, 224, 224)).shape == (1, 1024)


def test_an_imported_checkpoint_is_never_the_newest_run(trained, tmp_path):
    runs = trained["looc"].parents[1]
    card = untrained.build_checkpoint("shufflenet_v2_x0_5", 0).card.model_copy(
        update={"created": "9999", "name": "imported"}
    )
    place = runs / "imported" / native.FILE
    native.save(place, card, untrained.build_checkpoint("shufflenet_v2_x0_5", 0).weights)
    try:
        assert locate.find_newest(runs) == trained["looc++"]
        assert locate.load("imported", runs=runs).card.name == "imported"
    finally:
        place.unlink()
        place.parent.rmdir()


def test_an_untrained_network_of_any_architecture_is_a_baseline():
    first, again, other = (locate.load("random:shufflenet_v2_x0_5", seed=seed) for seed in (0, 0, 1))
    assert first.card.weights == again.card.weights != other.card.weights
    assert model_label(first.card) == "Random"
    assert first.card.backbone == "torchvision:shufflenet_v2_x0_5"


def test_the_untrained_twin_of_a_checkpoint_sees_images_as_it_does(tmp_path):
    torch.save(torchvision.models.shufflenet_v2_x0_5().state_dict(), tmp_path / "net.pth")
    overrides = preprocessing.PreprocessingOverrides(image_size=64, resize=64, std=(1.0, 1.0, 1.0))
    _, checkpoint = imported(tmp_path / "net.pth", preprocessing=overrides, name="mine")
    native.save(Path("runs/mine") / native.FILE, checkpoint.card, checkpoint.weights)
    twin = locate.load("random:mine", seed=3)
    assert twin.card.preprocessing == checkpoint.card.preprocessing
    assert twin.card.name == "random-mine-s3"
    assert twin.card.weights != checkpoint.card.weights


def test_torchvisions_weights_are_fetched_into_torchs_cache_and_read_as_any_file(tmp_path, monkeypatch):
    """Its downloader is replaced by one that writes the file; the hash that it is asked to check is the name's."""
    net = torchvision.models.shufflenet_v2_x0_5()
    asked = []

    def download(url, place, mark, progress):
        asked.append((url.rpartition("/")[2], mark))
        torch.save(net.state_dict(), place)

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    checkpoint = remote.load("torchvision:shufflenet_v2_x0_5")
    again = remote.load("torchvision:shufflenet_v2_x0_5:IMAGENET1K_V1")
    assert asked == [("shufflenetv2_x0.5-f707e7126e.pth", "f707e7126e")]
    assert checkpoint.card.weights == again.card.weights
    assert str(checkpoint.card.source).startswith("torchvision:shufflenet_v2_x0_5:IMAGENET1K_V1, SHA-256 ")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("torchvision:resnet5", "unknown torchvision model 'resnet5'. Did you mean"),
        ("torchvision:resnet50:V3", "unknown weights of resnet50 'V3'"),
        ("hf:resnet50", "does not name a repository; write hf:ORG/REPO"),
        ("random:resnet5", "unknown backbone 'resnet5'"),
        ("timm:resnet18.typo", "unknown timm model 'resnet18.typo'. Did you mean"),
        ("random:timm:resnet18.typo", "unknown timm model 'resnet18.typo'. Did you mean"),
    ],
)
def test_a_wrong_reference_is_one_line(reference, message):
    with pytest.raises(UserError, match=re.escape(message)):
        locate.load(reference)


def test_a_failed_download_is_one_line(tmp_path, monkeypatch):
    def download(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(UserError, match=r"cannot fetch https://.*no route to host; download it elsewhere"):
        locate.load("torchvision:resnet18")


@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_foreign_model_stands_in_the_table_beside_a_run_and_a_random_network(tmp_path, trained, monkeypatch):
    from typer.testing import CliRunner

    from loocbench.cli import app

    torch.save(torchvision.models.shufflenet_v2_x0_5().state_dict(), tmp_path / "net.pth")

    def run(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    run("checkpoints", "import", tmp_path / "net.pth", "--name", "shuffle", "--image-size", "32")
    for reference in ("shuffle", "random:shuffle", trained["looc"]):
        run("probe", "--checkpoint", reference)
    (path,) = Path("results/local").glob("shuffle-*/*.json")
    row = json.loads(path.read_text())
    assert (row["backbone"], row["image_size"], row["recipe"]) == ("torchvision:shufflenet_v2_x0_5", 32, None)
    assert row["source"].startswith("net.pth, SHA-256 ")
    table = run("report")
    assert "shuffle" in table
    page = Path("results/local/table.md").read_text()
    assert "unknown images, torchvision:shufflenet_v2_x0_5 at 32 px" in page.replace("\\", "")
    assert "nothing, torchvision:shufflenet_v2_x0_5 at 32 px" in page.replace("\\", "")


@pytest.mark.realdata
def test_real_mobilenet_gives_torchvisions_own_features(real_weights):
    path = real_weights / "mobilenet_v2-b0353104.pth"
    found, checkpoint = imported(path)
    assert found.preprocessing.known_from == "stated by torchvision for MobileNet_V2_Weights.IMAGENET1K_V1"
    net = torchvision.models.mobilenet_v2()
    net.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    net.classifier = nn.Identity()
    with torch.inference_mode():
        assert_same(spaces_of(checkpoint, images(224))["general"], net.eval()(images(224)))


@pytest.mark.realdata
def test_the_real_cifar_network_imports_as_documented(real_weights, own_module):
    path = real_weights / "cifar10-resnet20-12fca82f.th"
    _, checkpoint = imported(path, arch=f"{own_module}:resnet20")
    state = torch.load(path, weights_only=True, map_location="cpu")["state_dict"]
    plain = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    with torch.inference_mode():
        assert_same(spaces_of(checkpoint, images(32))["general"], IndependentResNet20(plain)(images(32)))
