"""Adding a data set, a task kind or a probe solver takes one file and one entry, and a protocol card for the last two.

Files of temporary modules, run end to end from the command line. Methods and augmentations: tests/test_additions.py.

What docs/architecture.md says of where a new thing goes cannot become untrue without these failing.
"""

import importlib
import json
import shutil
import sys

import numpy as np
import pytest

from loocbench import evaluate
from loocbench.cards import protocols, suites, tasks
from loocbench.checkpoints import card_file, native, untrained
from loocbench.data.entries import ENTRIES
from loocbench.evaluators import KINDS, linear
from tests.cli.conftest import loocbench, one_line  # noqa: F401  (fixtures)
from tests.conftest import picture

DOTS = '''
"""Dots: three folders of splits, in each a folder per class."""

from __future__ import annotations

from loocbench.data import folders
from loocbench.data.entry import DatasetSource, Entry
from loocbench.data.official import Official, list_train_val_test
from loocbench.data.splits import encode_labels, split_by_membership
from loocbench.types import Split


def read_dots(root):
    """Read dots/SPLIT/CLASS/NAME.jpg."""
    items = folders.list_images(root)
    labels, names = encode_labels([item.split("/")[1] for item in items])
    everything = Split("dots", "all", tuple(items), {"class": labels}, {"class": names})
    splits = split_by_membership(everything, [item.split("/")[0] for item in items], ("train", "val", "test"))
    return folders.open_image_files("dots", root, splits)


ENTRY = Entry(
    name="dots",
    short="Dots",
    title="Dots of two sizes",
    folders=("dots",),
    read=read_dots,
    official=Official(list_train_val_test(16, 16, 16), classes=2, mean_bytes=1_000),
    source=DatasetSource("https://example.org/dots", licence="CC0", by_hand="put them into dots/"),
)
'''

MEANS = '''
"""Classification by the nearest class mean: nothing is chosen, nothing is trained."""

from __future__ import annotations

from loocbench.evaluators.task_kind import TaskKind
from loocbench.types import Frozen, Outcome


class MeansProtocol(Frozen):
    """normalise: whether features are scaled to length 1 first."""

    normalise: bool = False


class Means(TaskKind[MeansProtocol]):
    """The three metrics of ``probing.accuracy_metrics``."""

    name = "means"
    protocol = MeansProtocol
    label_use = "predicted"

    def metrics(self, protocol, labels):
        """Those."""
        return ("top1", "top5", "mean_per_class")

    def evaluate(self, protocol, labels, data):
        """Means of train, asked on test."""
        import torch

        from loocbench.evaluators import probing

        (label,) = labels
        train, test = data.features("train"), data.features("test")
        if protocol.normalise:
            train, test = (torch.nn.functional.normalize(one) for one in (train, test))
        wanted = data.labels("train", label)
        means = torch.stack([train[wanted == one].mean(dim=0) for one in range(int(wanted.max()) + 1)])
        return Outcome(probing.accuracy_metrics(-torch.cdist(test, means), data.labels("test", label), seed=data.seed))


KIND = Means()
'''

MEANS_CARD = """
protocol = "means"
kind = "means"
version = 1
title_suffix = ", means"
description = "Classification by the nearest class mean."
cost = "one pass over the images"

[settings]
normalise = true
"""

GUESSING = '''
"""A probe that always answers with the most frequent class."""

from __future__ import annotations

import torch

from loocbench.evaluators.linear import ProbeResult


def solve(protocol, data, label):
    """Counts of the training labels as logits, whatever the features."""
    counts = data.labels("train", label).bincount().float()
    return ProbeResult(counts.expand(len(data.items("test")), -1), {"classes": len(counts)})

'''

GUESSING_CARD = """
protocol = "linear-guess"
kind = "linear"
variant = "guess"
version = 1
title_suffix = ", guessed"
description = "The most frequent class."
cost = "nothing"

[settings]
solver = "guess"
"""

SUITE = """
suite = "mine"
version = 1
title = "Mine"
description = "The added task beside one that was there."
cost = "seconds"
tasks = ["means/blooms-color", "knn/blooms-color"]
"""


@pytest.fixture
def add_module(tmp_path, monkeypatch):
    """Write a module to a folder of its own and import it."""
    monkeypatch.syspath_prepend(tmp_path / "modules")
    (tmp_path / "modules").mkdir()

    def add(name, text):
        (tmp_path / "modules" / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return add


@pytest.fixture
def add_card(tmp_path, monkeypatch):
    """Put a protocol card beside those that are shipped."""
    folder = shutil.copytree(protocols.protocols_folder(), tmp_path / "protocols")
    monkeypatch.setattr(protocols, "protocols_folder", lambda: folder)
    return lambda name, text: (folder / f"{name}.toml").write_text(text)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The file of an untrained network that sees 16 pixels."""
    made = untrained.build_checkpoint("resnet8", 0, 16)
    path = tmp_path_factory.mktemp("untrained") / card_file.FILE
    native.save(path, made.card, made.weights)
    return path


@pytest.fixture
def dots(add_module, tmp_path, monkeypatch):
    """The data folder of an added data set, 16 images a split."""
    monkeypatch.setitem(ENTRIES, "dots", add_module("added_dots", DOTS).ENTRY)
    for number in range(48):
        split, name = ("train", "val", "test")[number % 3], ("large", "small")[number % 2]
        picture(tmp_path / "data" / "dots" / split / name / f"{number}.jpg", (24, 24), number)
    return tmp_path / "data"


def test_a_data_set_is_one_file_and_one_entry_and_every_kind_works_on_it(loocbench, dots, checkpoint):  # noqa: F811
    listed = json.loads(loocbench("tasks", "ls", "--dataset", "dots", "--json").out)["tasks"]
    assert {card["kind"] for card in listed} == set(KINDS)
    assert len(listed) == sum(not card.for_test_sets for card in protocols.load_protocols())
    for command, task in (
        (["probe"], "linear/dots"),
        (["knn"], "knn/dots"),
        (["few-shot"], "few-shot/dots-5"),
        (["rotation"], "rotation/dots"),
        (["retrieve"], "retrieval/dots"),
    ):
        said = loocbench(*command, "--dataset", "dots", "--data-dir", dots, "--checkpoint", checkpoint, "--json")
        assert said.code == 0, said.err
        found = json.loads(said.out)
        assert (found["task"], found["dataset"]) == (task, "dots")
    page = loocbench("report", "--all", "--format", "markdown").out
    assert all(heading in page for heading in ("Dots kNN", "Dots orientation", "Dots neighbours", "Dots 5-shot, Adam"))
    assert "dots" in loocbench("datasets", "ls", "--data-dir", dots).out


def test_a_data_set_that_was_not_put_there_is_named_with_the_way_to_get_it(one_line, dots, tmp_path):  # noqa: F811
    said = one_line("knn", "--dataset", "dots", "--data-dir", tmp_path / "nothing", "--checkpoint", "random:resnet8")
    assert "run 'loocbench datasets prepare dots', put the data set's folder dots/ there, or name its parent" in said


@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_task_kind_is_one_file_and_one_protocol_card(
    loocbench,  # noqa: F811
    add_module,
    add_card,
    checkpoint,
    monkeypatch,
    tmp_path,
):
    monkeypatch.setitem(KINDS, "means", add_module("added_means", MEANS).KIND)
    add_card("means", MEANS_CARD)
    assert {"means/blooms", "means/blooms-color", "means/cub200", "means/dtd"} <= set(tasks.task_names())
    row = evaluate(checkpoint, "means/blooms-color", results=None)
    assert row.metrics["top1"].value > 1 / 6  # six colours
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "mine.toml").write_text(SUITE)
    monkeypatch.setattr(suites, "suites_folder", lambda: tmp_path / "suites")
    said = loocbench("run", "mine", "--checkpoint", checkpoint)
    assert said.code == 0, said.err
    page = (tmp_path / "results" / "mine" / "table.md").read_text()
    assert page.index("Blooms colour kNN") < page.index("Blooms color, means")  # columns in the order of the table
    assert loocbench("tasks", "validate", tmp_path / "protocols" / "means.toml").code == 0


@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_probe_solver_is_one_file_one_entry_and_one_protocol_card(
    loocbench,  # noqa: F811
    add_module,
    add_card,
    checkpoint,
    monkeypatch,
    tmp_path,
    tiny_blooms,
):
    add_module("added_guess", GUESSING)
    monkeypatch.setitem(linear.SOLVERS, "guess", linear.Solver("added_guess:solve", needs=()))
    add_card("linear-guess", GUESSING_CARD)
    said = loocbench("probe", "--solver", "guess", "--label", "color", "--checkpoint", checkpoint, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert found["task"] == "linear/blooms-color-guess"
    train, test = (tiny_blooms.splits[split].labels["color"] for split in ("train", "test"))
    assert found["metrics"]["top1"]["value"] == pytest.approx((test == np.bincount(train).argmax()).mean())
    (row,) = (json.loads(path.read_text()) for path in (tmp_path / "results").rglob("*.json"))
    assert row["chosen"] == {"classes": 6}
