"""Suite cards: models with their pretraining budget, and tasks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from loocbench.cards.folder import tasks_folder
from loocbench.cards.tasks import load_task
from loocbench.data import catalog
from loocbench.errors import UserError, unknown
from loocbench.executors.job import Needs
from loocbench.models import spaces
from loocbench.pretraining import recipes
from loocbench.toml_files import read_card
from loocbench.types import SELECTED, UNTRAINED, Frozen, Recipe


class SuiteModel(Frozen):
    """A model of a suite: a method with its augmentations, and the features that it is evaluated on.

    features: may include ``selected``, for linear probes: the combination that validation chooses. seeds: pretraining
    seeds, one checkpoint each, added to the command's seed. pictured: whether galleries show its neighbours.
    keep_epochs: epochs of its pretraining after which the checkpoint is kept, too.
    """

    method: str
    augmentations: tuple[str, ...] = ()
    left_out: tuple[str, ...] | None = None
    shared: tuple[str, ...] = ()
    features: tuple[str, ...] = Field(min_length=1)
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field((0,), min_length=1)
    pictured: bool = False
    keep_epochs: tuple[Annotated[int, Field(ge=1)], ...] = ()

    @model_validator(mode="after")
    def _check_untrained(self) -> SuiteModel:
        if self.method == UNTRAINED and (self.augmentations or self.left_out or self.shared):
            raise ValueError("an untrained network has no augmentations")
        if self.method == UNTRAINED and self.keep_epochs:
            raise ValueError("an untrained network has no epochs to keep")
        return self


class Budget(Frozen):
    """Pretraining settings shared by all models of a suite. groups: batch-norm groups of a batch, a multiple of the
    processes that train together."""

    backbone: str
    image_size: int
    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str
    weight_decay: float
    queue_size: int
    key_momentum: float
    temperature: float
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    groups: int = Field(1, ge=1)


class JobNeeds(Frozen):
    """What a suite's jobs need of a machine, where it is not the default: pretrainings, and measurements."""

    pretrain: Needs = Needs()
    measure: Needs = Needs()


class SuiteCard(Frozen):
    """A list of tasks, optionally with models to pretrain, their data set and budget.

    A suite without models is for existing checkpoints. needs: of its jobs, where several machines share them.
    """

    suite: str
    version: int = Field(ge=1)
    title: str
    description: str
    cost: str
    pretrain_on: str = ""
    budget: Budget | None = None
    models: tuple[SuiteModel, ...] = ()
    tasks: tuple[str, ...] = Field(min_length=1)
    needs: JobNeeds = JobNeeds()

    @model_validator(mode="after")
    def _check_models(self) -> SuiteCard:
        if len({bool(self.models), bool(self.pretrain_on), self.budget is not None}) > 1:
            raise ValueError("models, pretrain_on and budget belong together")
        kept = max((epoch for model in self.models for epoch in model.keep_epochs), default=0)
        if self.budget and kept > self.budget.epochs:
            raise ValueError(f"epoch {kept} of keep_epochs is past the last one, {self.budget.epochs}")
        return self


def suites_folder() -> Path:
    """Return the folder of the suite cards."""
    return tasks_folder() / "suites"


def suite_names() -> list[str]:
    """Return the names of all suites, sorted."""
    return sorted(path.stem for path in suites_folder().glob("*.toml"))


def load_suite(suite: str) -> SuiteCard:
    """Return the card of a suite, by its name or as the path of a TOML file. Raises UserError for an unknown name or an
    invalid card."""
    if suite.endswith(".toml"):
        card = read_suite(Path(suite))
        if not re.fullmatch(r"[\w+-][\w.+-]*", card.suite):
            raise UserError(f"{suite}: the suite's name '{card.suite}' cannot be a folder's; use letters and digits.")
        if card.suite in suite_names():
            raise UserError(f"{suite}: a suite '{card.suite}' is there already; choose another name.")
        return card
    if suite not in suite_names():
        raise unknown("suite", suite, suite_names())
    return read_suite(suites_folder() / f"{suite}.toml")


def read_suite(path: Path) -> SuiteCard:
    """Read and validate one suite file: its tasks, data set, recipes and features must exist."""
    card = read_card(path, SuiteCard)
    if card.models:
        catalog.entry_of(card.pretrain_on)
    for task in card.tasks:
        load_task(task)
    names: set[str] = set()
    for model in card.models:
        for seed in model.seeds:
            name = recipes.run_name(recipe_of_model(card, model, seed=seed), card.pretrain_on)
            if name in names:
                raise UserError(f"{path}: two models would have the run name '{name}'; change a seed or method.")
            names.add(name)
        recipe = recipe_of_model(card, model, seed=0)
        separate = recipes.has_separate_stages(recipe)
        for features in model.features:
            if features != SELECTED:
                spaces.parse_feature_name(features, recipes.spaces(recipe), separate=separate)
    return card


def recipe_of_model(card: SuiteCard, model: SuiteModel, *, seed: int) -> Recipe:
    """Return the recipe of one of a suite's models. Raises UserError for an invalid one."""
    if card.budget is None:
        raise UserError(f"suite {card.suite} has no models of its own; name checkpoints: loocbench run {card.suite}.")
    if model.method == UNTRAINED:
        return recipes.untrained(card.budget.backbone, seed, card.budget.image_size)
    return recipes.make(
        model.method,
        augmentations=model.augmentations or None,
        left_out=model.left_out,
        shared=model.shared,
        seed=seed,
        **card.budget.model_dump(),
    )
