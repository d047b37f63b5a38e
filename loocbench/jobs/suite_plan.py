"""Plan of a suite: which checkpoints exist or must be pretrained, and which rows are to be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loocbench.cards.limits import limit_task
from loocbench.cards.suites import SuiteCard, SuiteModel, recipe_of_model
from loocbench.cards.tasks import TaskCard, load_task
from loocbench.checkpoints import card_file, networks, untrained
from loocbench.checkpoints.native import Checkpoint
from loocbench.editions import is_same_edition
from loocbench.errors import UserError
from loocbench.executors.job import job_name
from loocbench.features.inference_config import InferenceConfig
from loocbench.jobs.reuse import Wanted, reuse_error
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.models import inside_names, spaces
from loocbench.pretraining import recipes
from loocbench.pretraining.labels import model_label, recipe_label
from loocbench.records import store
from loocbench.runs.folder import RunFolder
from loocbench.runs.trainer import SPLIT
from loocbench.types import SELECTED, CheckpointCard, Dataset, Recipe

RowState = Literal["to do", "kept", "blocked", "impossible"]
ModelState = Literal["exists", "untrained", "trained", "to train"]


@dataclass(frozen=True)
class PlannedRow:
    """A row to be measured: one task on one checkpoint's features.

    state: "blocked" if the row's file holds something else, "impossible" if data or features are missing.
    note: the reason, or the cost of the task. path: of its row; None before training.
    """

    task: TaskCard
    features: str
    state: RowState
    note: str
    path: Path | None


@dataclass(frozen=True)
class PlannedModel:
    """One checkpoint of a suite and its rows.

    reference: as for ``--checkpoint``, of an existing one. recipe: of one that the suite pretrains or leaves untrained.
    pictured: whether galleries show its neighbours. keep_epochs: of its pretraining, whose checkpoints are kept, too.
    """

    name: str
    label: str
    features: tuple[str, ...]
    state: ModelState
    rows: tuple[PlannedRow, ...]
    reference: str = ""
    recipe: Recipe | None = None
    pictured: bool = False
    keep_epochs: tuple[int, ...] = ()


def plan_suite(
    card: SuiteCard,
    session: Session,
    settings: EvaluationSettings,
    *,
    references: Sequence[str] = (),
    features: Sequence[str] = (),
    job: str = "",
) -> list[PlannedModel]:
    """Return a suite's models with their rows, and the state of each.

    references: existing checkpoints, evaluated on ``features`` (default: each one's own); without any, the suite's own
    models, the first seeds of all models first. job: of the suite's own models, plan the one that this job is about
    alone. Raises UserError for an unknown checkpoint.
    """
    tasks = [limit_task(load_task(task), settings.limit or 0) for task in card.tasks]
    planner = _Planner(card, tasks, session, settings)
    if references:
        return [planner.plan_existing(reference, features) for reference in references]
    seeds = sorted({seed for model in card.models for seed in model.seeds})
    own = [(model, seed) for seed in seeds for model in card.models if seed in model.seeds]
    return [planner.plan_own(model, seed) for model, seed in own if not job or planner.is_about(job, model, seed)]


def find_trained(recipe: Recipe, name: str, runs: Path, images: Dataset) -> CheckpointCard | None:
    """Return the card of a finished run with this recipe and these images, or None. Reads no weights."""
    folder = RunFolder(runs / name)
    if not folder.checkpoint.is_file() or folder.states():
        return None
    try:
        card = card_file.read_card(folder.checkpoint)
    except UserError:
        return None
    wanted = (recipe, recipe.epochs, images.splits[SPLIT].fingerprint)
    same = (card.recipe, card.epochs_done, card.fingerprint) == wanted
    return card if same and is_same_edition(card.edition, images.edition()) else None


def draw_untrained(recipe: Recipe) -> Checkpoint:
    """Return the untrained network of a recipe."""
    return untrained.build_checkpoint(recipe.backbone, recipe.seed, recipe.image_size)


@dataclass(frozen=True)
class _Planner:
    card: SuiteCard
    tasks: Sequence[TaskCard]
    session: Session
    settings: EvaluationSettings

    def plan_existing(self, reference: str, features: Sequence[str]) -> PlannedModel:
        """Plan an existing checkpoint."""
        card = self.session.load_checkpoint(reference).card
        separate = card_file.has_separate_stages(card)
        names = tuple(features) or tuple(spaces.list_feature_names(card.spaces, separate=separate)[:1])
        rows = [self._plan_row(task, name, card, separate=separate) for task in self.tasks for name in names]
        return PlannedModel(card.name, model_label(card), names, "exists", tuple(rows), reference=reference)

    def plan_own(self, model: SuiteModel, seed: int) -> PlannedModel:
        """Plan one of the suite's models."""
        recipe, name = self._name_own(model, seed)
        state: ModelState = "to train"
        card: CheckpointCard | None
        if recipe.untrained:
            card = draw_untrained(recipe).card
            name, state = card.name, "untrained"
        else:
            images = self.session.open_dataset(self.card.pretrain_on)
            card = find_trained(recipe, name, self.settings.runs, images)
            state = "trained" if card else "to train"
        rows = [
            self._plan_row(task, features, card, separate=recipes.has_separate_stages(recipe))
            for task in self.tasks
            for features in model.features
            if features != SELECTED or task.task_kind.selects_features(task.protocol)
        ]
        pictured = model.pictured and seed == min(model.seeds)
        return PlannedModel(
            name,
            recipe_label(recipe),
            model.features,
            state,
            tuple(rows),
            recipe=recipe,
            pictured=pictured,
            keep_epochs=model.keep_epochs,
        )

    def is_about(self, job: str, model: SuiteModel, seed: int) -> bool:
        """Whether a job is the pretraining of one of the suite's models, or a measurement of its checkpoint."""
        recipe, name = self._name_own(model, seed)
        if recipe.untrained:
            name = draw_untrained(recipe).card.name
        parts = [("pretrain", name), *(("measure", name, task.dataset) for task in self.tasks)]
        return any(job == job_name(*each) for each in parts)

    def _name_own(self, model: SuiteModel, seed: int) -> tuple[Recipe, str]:
        """Return the recipe of one of the suite's models, whose seed is added to the command's, and its run's name."""
        recipe = recipe_of_model(self.card, model, seed=self.settings.seed + seed)
        return recipe, f"{self.card.suite}-{recipes.run_name(recipe, self.card.pretrain_on)}"

    def _plan_row(self, task: TaskCard, features: str, whose: CheckpointCard | None, *, separate: bool) -> PlannedRow:
        """Return a row and its state. whose: the checkpoint's card; None before it is pretrained."""
        features = spaces.canonical_feature_name(features)
        try:
            if whose and features != SELECTED:
                inside = networks.list_inside(whose) if inside_names.mentions_inside(features) else inside_names.NOTHING
                spaces.parse_feature_name(features, whose.spaces, separate=separate, inside=inside)
            data = self.session.open_datasets(task)
            missing = ""
        except UserError as error:
            data, missing = None, str(error)
        path = self._row_path(task, features, whose) if whose else None
        if path and whose and path.exists():
            inference = InferenceConfig(self.settings.precision, self.settings.compiled)  # type: ignore[arg-type]
            wanted = Wanted(task, whose, features, self.settings.seed, inference, data)
            wrong = reuse_error(store.read_row(path), wanted)
            return PlannedRow(
                task, features, "blocked" if wrong else "kept", f"{path} {wrong}" if wrong else "measured before", path
            )
        return PlannedRow(task, features, "impossible" if missing else "to do", missing or task.cost, path)

    def _row_path(self, task: TaskCard, features: str, whose: CheckpointCard) -> Path:
        where = self.settings
        return store.row_path(
            where.results,
            self.card.suite,
            whose.name,
            whose.weights,
            task.task,
            task.version,
            features,
            where.seed,
        )
