"""Signs of learning of a run: what is measured, that it disturbs nothing, and when the user is warned.

Covers ``loocbench.runs.signs_monitor``, ``loocbench.runs.progress_line``, ``loocbench.runs.checkpoint_card``.
"""

import json

import numpy as np
import pytest
import torch

from loocbench.checkpoints import card_file
from loocbench.data import preparing
from loocbench.errors import UserError
from loocbench.models.preprocessing import default_preprocessing
from loocbench.pretraining.loop import Progress
from loocbench.pretraining.networks import build_network
from loocbench.runs.folder import RunFolder
from loocbench.runs.progress_line import describe_progress
from loocbench.runs.settings import RunSettings
from loocbench.runs.signs_monitor import SignsMonitor
from loocbench.types import Dataset, Split
from loocbench.views.augmentations import constant_names
from loocbench.views.leave_one_out import independent_sources
from loocbench.views.view_maker import ViewMaker
from tests.conftest import Silent, tiny_recipe
from tests.jobs.conftest import Heard
from tests.runs.training import stop_after, train

CPU = torch.device("cpu")
NEVER = RunSettings(knn_every=0)


def prepared(dataset, cache):
    return preparing.prepare(dataset, dataset.splits["train"], 18, cache=cache, reporter=Silent())


def log_of(folder):
    return RunFolder(folder / "runs" / "run").read_log()


def make_plain_images(count=96):
    """Images of one colour each: no rotation changes them."""
    colors = np.random.default_rng(0).integers(0, 256, (count, 3), dtype=np.uint8)
    items = tuple(map(str, range(count)))

    def read(items, short_side):
        return [np.broadcast_to(colors[int(item)], (short_side, short_side, 3)).copy() for item in items]

    def sizes(items, short_side):
        return np.full((len(items), 2), short_side, dtype=np.int64)

    split = Split("plain", "train", items, {}, {})
    return Dataset("plain", {"train": split}, read, sizes, lambda items: [""] * len(items), str, lambda: "plain")


@pytest.mark.parametrize("method", ["looc", "looc++", "moco"])
def test_variation_is_that_of_one_image_at_a_time_with_one_parameter_exchanged(tiny_blooms, tmp_path, method):
    """Against a loop over images: the views q and k_0, then k_0 again with q's own parameters of an augmentation."""
    recipe = tiny_recipe(method, augmentations=("color", "rotation"), seed=3)
    images, network = prepared(tiny_blooms, tmp_path), build_network(recipe)
    signs = SignsMonitor(recipe, images, None, CPU).measure(network)
    network.eval()
    size = default_preprocessing(16)
    maker = ViewMaker(16, independent_sources((*constant_names(), "color", "rotation")), mean=size.mean, std=size.std)
    gains = {"color": [], "rotation": []}
    queries = []
    for row in np.unique(np.linspace(0, 95, 64).round().astype(int)):  # 64 of 96 images, evenly spaced
        one = images.batch(np.array([row]))
        q, k0 = maker.draw(3, 2**32 - 1, [row], one.sizes)
        with torch.no_grad():
            query, key, *exchanged = (
                network(maker.apply(one, [view])[0])[:, 0]
                for view in (q, k0, {**k0, "color": q["color"]}, {**k0, "rotation": q["rotation"]})
            )
        queries.append(query)
        if not torch.equal(q["rotation"]["turns"], k0["rotation"]["turns"]):
            gains["rotation"].append((query * (exchanged[1] - key)).sum(dim=1))
        gains["color"].append((query * (exchanged[0] - key)).sum(dim=1))
    assert 30 < len(gains["rotation"]) < 55  # a third of the turns are equal by chance
    for number, space in enumerate(network.spaces):
        for name, values in gains.items():
            expected = float(torch.stack(values)[:, number].mean())
            # color: of a few images neither view is jittered or grey, which the pixels know and the draws do not
            assert signs.variation[space][name] == pytest.approx(expected, abs=1e-5 if name == "rotation" else 3e-3)
        cosines = torch.stack(queries)[:, number] @ torch.stack(queries)[:, number].T
        assert signs.similarity[space] == pytest.approx(float((cosines.sum() - 64) / (64 * 63)), abs=1e-5)


def test_views_that_are_not_kept_and_images_on_the_device_give_the_same(tiny_blooms, tmp_path, monkeypatch):
    recipe, images = tiny_recipe("looc"), prepared(tiny_blooms, tmp_path)
    network = build_network(recipe)
    signs = SignsMonitor(recipe, images, None, CPU).measure(network)
    monkeypatch.setattr("loocbench.runs.signs_monitor._KEPT", 0)
    again = SignsMonitor(recipe, images.on_device(CPU), None, CPU)
    assert again.measure(network) == again.measure(network) == signs


def test_measuring_changes_neither_the_network_nor_random_generators(tiny_blooms, tmp_path):
    recipe = tiny_recipe("looc++")
    network = build_network(recipe).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    SignsMonitor(recipe, prepared(tiny_blooms, tmp_path), None, CPU).measure(network)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(module.training for module in network.modules())


def test_training_is_the_same_without_and_a_resumed_run_logs_the_same(tiny_blooms, tmp_path, monkeypatch):
    recipe = tiny_recipe("looc", epochs=3)
    straight = card_file.read_card(train(recipe, tiny_blooms, tmp_path / "straight", settings=NEVER))
    with monkeypatch.context() as context:
        stop_after(context, 1)
        with pytest.raises(UserError, match="stopped"):
            train(recipe, tiny_blooms, tmp_path, settings=NEVER)
    resumed = card_file.read_card(train(recipe, tiny_blooms, tmp_path, existing="resume", settings=NEVER))
    signs = ("chance_losses", "variation", "similarity", "effective_rank")
    logs = [[{name: entry[name] for name in signs} for entry in log_of(at)] for at in (tmp_path, tmp_path / "straight")]
    assert logs[0] == logs[1]
    assert resumed.warnings == straight.warnings
    monkeypatch.setattr(SignsMonitor, "measure", lambda *_: pytest.fail("measured"))
    monkeypatch.setattr("loocbench.runs.trainer.SignsMonitor", lambda *_: None)
    monkeypatch.setattr("loocbench.pretraining.learning_warnings.find_warnings", lambda *_: [])
    without = card_file.read_card(train(recipe, tiny_blooms, tmp_path / "without", settings=NEVER))
    assert without.weights == straight.weights == resumed.weights


def test_of_a_supervised_network_the_rank_alone_is_measured(tiny_blooms, tmp_path):
    train(tiny_recipe("supervised"), tiny_blooms, tmp_path, settings=NEVER)
    (entry,) = log_of(tmp_path)
    assert (entry["variation"], entry["similarity"]) == ({}, {})
    assert entry["chance_losses"] == pytest.approx({"cross-entropy": np.log(10)})
    assert 1 < entry["effective_rank"] < 64


def test_stylised_copies_are_used(tiny_blooms, tmp_path):
    """Copies that are equal to the images move nothing; others do."""
    recipe = tiny_recipe("looc", augmentations=("texture",), left_out=("texture",), texture="stylised")
    images, network = prepared(tiny_blooms, tmp_path / "cache"), build_network(recipe)
    others = prepared(make_plain_images(), tmp_path / "others")
    for copies, moves in ((images, False), (others, True)):
        signs = SignsMonitor(recipe, images, copies, CPU).measure(network)
        assert (abs(signs.variation["texture"]["texture"]) > 1e-4) == moves


def warned(recipe, dataset, folder, **options):
    """The warnings that training gives, and the card of its checkpoint."""
    reporter = Heard()
    checkpoint = train(recipe, dataset, folder, reporter=reporter, settings=NEVER, **options)
    said = [message for message in reporter.messages if message.startswith("warning: ")]
    return said, card_file.read_card(checkpoint)


def test_a_network_that_collapses_is_warned_of_at_half_and_at_the_end(tiny_blooms, tmp_path):
    """Key and query encoder are one, and the steps absurd."""
    recipe = tiny_recipe("looc", epochs=2, batch_size=8, learning_rate=0.5, key_momentum=0.0)
    (half, end), card = warned(recipe, tiny_blooms, tmp_path)
    assert half.startswith("warning: after 1 of 2 epochs the space invariant has collapsed (mean cosine of different ")
    assert end.startswith("warning: after 2 of 2 epochs the space invariant has collapsed (mean cosine of different ")
    assert end.endswith("Try a lower --learning-rate (now 0.5) or a higher --key-momentum (now 0).")
    assert list(card.warnings) == [f"the space {space} has collapsed" for space in ("invariant", "color", "rotation")]
    assert [min(entry["similarity"].values()) > 0.99 for entry in log_of(tmp_path)] == [True, True]


def test_a_space_whose_augmentation_does_nothing_is_warned_of(tmp_path):
    recipe = tiny_recipe("looc", epochs=2, batch_size=8)
    said, card = warned(recipe, make_plain_images(), tmp_path)
    blind = [line for line in said if "does not vary" in line]
    assert [line.split("(")[0] for line in blind] == [
        f"warning: after {epoch} of 2 epochs the space rotation does not vary with rotation " for epoch in (1, 2)
    ]
    assert "a smaller --queue-size (now 64), in which the image's own other keys weigh more" in blind[0]
    assert "the space rotation does not vary with rotation" in card.warnings
    assert "the space color does not vary with color" not in card.warnings
    # Views of a plain image differ by the rounding of their crops alone.
    assert log_of(tmp_path)[-1]["variation"]["rotation"]["rotation"] == pytest.approx(0, abs=1e-6)


def test_a_run_of_four_epochs_is_warned_of_twice_also_when_it_was_stopped_in_between(tmp_path, monkeypatch):
    recipe = tiny_recipe("looc", epochs=4)
    with monkeypatch.context() as context:
        stop_after(context, 3)
        with pytest.raises(UserError, match="stopped"):
            warned(recipe, make_plain_images(), tmp_path)
    assert (
        "the space rotation does not vary with rotation"
        in json.loads((tmp_path / "runs" / "run" / "card.json").read_text())["warnings"]
    )
    said, _ = warned(recipe, make_plain_images(), tmp_path, existing="resume")
    assert {line[:30] for line in said} == {"warning: after 4 of 4 epochs t"}


def test_the_progress_line_says_what_was_learned():
    recipe = tiny_recipe("looc", epochs=10)
    losses = {"invariant": 6.26, "color": 3.6, "rotation": 6.26}
    variation = {space: {"color": 0.64, "rotation": -0.001} for space in losses}
    progress = Progress(3, 7, 46, losses, 0.03, 412.3)
    assert describe_progress(recipe, progress, (6.93, 6.93, 6.93), {"variation": variation, "knn": 0.43}) == (
        "epoch 3/10, loss 5.373 of 6.930 (invariant 6.26 color 3.60 rotation 6.26), varies with color 0.64 rotation "
        "0.00, 412 images/s, kNN 43.0%"
    )
    assert describe_progress(recipe, progress, (6.93, 6.93, 6.93), {}).endswith("rotation 6.26), 412 images/s")
