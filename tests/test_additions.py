"""Adding one of each takes one file and one entry: files of a temporary module, run end to end.

What docs/architecture.md says of where a new thing goes cannot become untrue without these failing.
"""

import importlib
import json

import pytest

import loocbench
from loocbench.checkpoints import card_file
from loocbench.errors import UserError
from loocbench.jobs.pretrain import pretrain
from loocbench.pretraining import methods, recipes
from loocbench.pretraining.labels import model_label, recipe_label
from loocbench.report.table.experiments import group_rows
from loocbench.types import Recipe, Row
from loocbench.views import augmentations
from tests.conftest import tiny_recipe
from tests.records.rows import make_row

TINT = '''
"""Hue, turned by any angle."""

from __future__ import annotations

import numpy as np

from loocbench.views.augmentations.augmentation import Augmentation


def draw_tint(u, sizes):
    """Shift float32 [B] in (-0.5, 0.5) turns."""
    return {"shift": (u[:, 0] - 0.5).astype(np.float32)}


def apply_tint(images, parameters, context):
    """Turn the hue of each image by its shift."""
    from loocbench.views import color

    return color.hue(images, parameters["shift"].to(images.device))


TINT = Augmentation(
    name="tint", title="Tint", stream=7, uniforms=1, draw=draw_tint, apply=apply_tint, has_space=True
)
'''

ALIGN = '''
"""A method without negatives: each space pulls the query towards its own key."""

from __future__ import annotations

from typing import ClassVar

from loocbench.pretraining.methods.looc import LooC


class Align(LooC):
    """LooC's views and spaces, the mean squared distance as loss."""

    name: ClassVar[str] = "align"
    title: ClassVar[str] = "Align"
    augmentations: ClassVar[tuple[str, ...]] = ("color", "tint")
    evaluated_features: ClassVar[str] = "looc++"

    def losses(self, queries, keys, queues, temperature):
        """Mean squared distance of the query and the space's own key."""
        return (queries - self.keys_for_queue(keys)).square().sum(dim=2).mean(dim=1)
'''

SMALL = {"image_size": 16, "epochs": 1, "batch_size": 48, "queue_size": 64, "embedding_dim": 16}  # two steps


@pytest.fixture
def added(tmp_path, monkeypatch):
    """A new augmentation and a new method, each a file of its own and an entry in its table."""
    for name, text in (("added_tint", TINT), ("added_align", ALIGN)):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(importlib.sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    tint, align = importlib.import_module("added_tint").TINT, importlib.import_module("added_align").Align()
    monkeypatch.setattr(augmentations, "AUGMENTATIONS", (*augmentations.AUGMENTATIONS, tint))
    monkeypatch.setitem(methods.METHODS, align.name, align)


def test_an_augmentation_and_a_method_are_one_file_and_one_entry_each(added, only_tiny_blooms):
    checkpoint = pretrain("align", **SMALL)
    card = card_file.read_card(checkpoint)
    assert card.recipe.left_out == ("color", "tint")
    assert card.spaces == ("invariant", "color", "tint")
    assert card.name == "align-color-tint-blooms-s0"
    assert model_label(card) == "Align (color, tint)"
    (entry,) = (json.loads(line) for line in (checkpoint.parent / "log.jsonl").read_text().splitlines())
    assert set(entry["losses"]) == {"invariant", "color", "tint"}
    assert all(0 < loss < 4 for loss in entry["losses"].values())
    assert entry["steps"] == 2
    assert loocbench.load(checkpoint).spaces == ["looc", "looc++", "head:invariant", "head:color", "head:tint"]


@pytest.mark.parametrize(
    ("method", "changes", "run", "label"),
    [
        ("moco", {"augmentations": ("color", "tint")}, "moco-tint-d-s0", "MoCo + Tint"),
        ("moco", {"augmentations": ("tint",)}, "moco-tint-nocolor-d-s0", "MoCo + Tint without color jitter"),
        (
            "moco",
            {"augmentations": ("color", "tint"), "shared": ("tint",)},
            "moco-same-tint-d-s0",
            "MoCo + Tint (same for q and k)",
        ),
        ("looc++", {"left_out": ("tint",)}, "loocpp-tint-d-s0", "LooC++ (tint)"),
    ],
)
def test_an_added_augmentation_serves_the_methods_that_are_there(added, method, changes, run, label):
    recipe = tiny_recipe(method, **changes)
    assert (recipes.run_name(recipe, "d"), recipe_label(recipe)) == (run, label)


def test_an_added_augmentation_is_left_out_as_the_others(added):
    sources = recipes.view_sources(tiny_recipe("looc", left_out=("tint",)))
    assert sources["tint"] == (0, 1, 0)  # k_1 shares tint with q
    assert sources["color"] == (0, 1, 2)


def test_lines_of_an_added_method_follow_its_place_in_the_table(added):
    rows = [
        make_row(model=name, checkpoint=name, checkpoint_hash=name[0] * 64, recipe=recipe)
        for name, recipe in {
            "from elsewhere": None,
            "not installed": tiny_recipe("moco").model_copy(update={"method": "another"}),
            "align": tiny_recipe("align"),
            "looc++": tiny_recipe("looc++"),
            "random": recipes.untrained("resnet8", 0),
        }.items()
    ]
    assert [one.model for one in group_rows(rows)] == ["random", "looc++", "align", "not installed", "from elsewhere"]
    assert methods.evaluated_features("align") == "looc++"


def test_rows_of_a_method_that_is_not_installed_can_be_read_but_not_made():
    stored = make_row(recipe=tiny_recipe("moco").model_copy(update={"method": "another"})).model_dump_json()
    assert Row.model_validate_json(stored).recipe.method == "another"
    with pytest.raises(UserError, match=r"unknown method 'another'.*Available: supervised, moco"):
        tiny_recipe("another")
    with pytest.raises(ValueError, match="method"):
        Recipe.model_validate({**tiny_recipe("moco").model_dump(), "method": "../another"})
