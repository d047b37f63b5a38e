"""Plan of a suite: which checkpoints exist or must be pretrained, and which rows are to be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loocbench.cards.suites import SuiteCard, SuiteModel, recipe_of_model
from loocbench.cards.tasks import TaskCard, load_task
from loocbench.checkpoints import native, networks, untrained
from loocbench.checkpoints.native import Checkpoint
from loocbench.editions import is_same_edition
from loocbench.errors import UserError
from loocbench.features.inference_config import InferenceConfig
from loocbench.jobs.reuse import Wanted, reuse_error
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.models import spaces
from loocbench.pretraining import recipes
from loocbench.pretraining.labels import model_label, recipe_label
from loocbench.records import store
from loocbench.runs.folder import RunFolder
from loocbench.runs.trainer import SPLIT
from loocbench.types import SELECTED, CheckpointCard, Dataset, Recipe

JobState = Literal["to do", "kept", "blocked", "impossible"]
ModelState = Literal["exists", "untrained", "trained", "to train"]


@dataclass(frozen=True)
class Job:
    """One task on one checkpoint's features.

    state: "blocked" if the row's file holds something else, "impossible" if data or features are missing.
    note: the reason, or the cost of the task. row: path of its row; None before training.
    """

    task: TaskCard
    features: str
    state: JobState
    note: str
    row: Path | None


@dataclass(frozen=True)
class PlannedModel:
    """One checkpoint of a suite and its jobs.

    reference: as for ``--checkpoint``, of an existing one. recipe: of one that the suite pretrains or leaves untrained.
    pictured: whether galleries show its neighbours.
    """

    name: str
    label: str
    features: tuple[str, ...]
    state: ModelState
    jobs: tuple[Job, ...]
    reference: str = ""
    recipe: Recipe | None = None
    pictured: bool = False


def plan_suite(
    card: SuiteCard,
    session: Session,
    settings: EvaluationSettings,
    *,
    references: Sequence[str] = (),
    features: Sequence[str] = (),
) -> list[PlannedModel]:
    """Return a suite's models with their jobs, and the state of each.

    references: existing checkpoints, evaluated on ``features`` (default: each one's own); without any, the suite's own
    models, the first seeds of all models first. Raises UserError for an unknown checkpoint.
    """
    tasks = [load_task(task) for task in card.tasks]
    planner = _Planner(card, tasks, session, settings)
    if references:
        return [planner.plan_existing(reference, features) for reference in references]
    seeds = sorted({seed for model in card.models for seed in model.seeds})
    return [planner.plan_own(model, seed) for seed in seeds for model in card.models if seed in model.seeds]


def find_trained(recipe: Recipe, name: str, runs: Path, images: Dataset) -> Checkpoint | None:
    """Return the checkpoint of a finished run with this recipe and these images, or None."""
    folder = RunFolder(runs / name)
    if not folder.checkpoint.is_file() or folder.states():
        return None
    try:
        found = native.load(folder.checkpoint)
    except UserError:
        return None
    card = found.card
    wanted = (recipe, recipe.epochs, images.splits[SPLIT].fingerprint)
    same = (card.recipe, card.epochs_done, card.fingerprint) == wanted
    return found if same and is_same_edition(card.edition, images.edition()) else None


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
        separate = networks.has_separate_stages(card)
        names = tuple(features) or tuple(spaces.list_feature_names(card.spaces, separate=separate)[:1])
        jobs = [self._plan_job(task, name, card, separate=separate) for task in self.tasks for name in names]
        return PlannedModel(card.name, model_label(card), names, "exists", tuple(jobs), reference=reference)

    def plan_own(self, model: SuiteModel, seed: int) -> PlannedModel:
        """Plan one of the suite's models; its pretraining seed is added to the command's."""
        recipe = recipe_of_model(self.card, model, seed=self.settings.seed + seed)
        name = f"{self.card.suite}-{recipes.run_name(recipe, self.card.pretrain_on)}"
        state: ModelState = "to train"
        if recipe.untrained:
            checkpoint: Checkpoint | None = draw_untrained(recipe)
            name, state = checkpoint.card.name if checkpoint else name, "untrained"
        else:
            images = self.session.open_dataset(self.card.pretrain_on)
            checkpoint = find_trained(recipe, name, self.settings.runs, images)
            state = "trained" if checkpoint else "to train"
        card = checkpoint.card if checkpoint else None
        jobs = [
            self._plan_job(task, features, card, separate=recipes.has_separate_stages(recipe))
            for task in self.tasks
            for features in model.features
            if features != SELECTED or task.task_kind.selects_features(task.protocol)
        ]
        pictured = model.pictured and seed == min(model.seeds)
        return PlannedModel(
            name, recipe_label(recipe), model.features, state, tuple(jobs), recipe=recipe, pictured=pictured
        )

    def _plan_job(self, task: TaskCard, features: str, whose: CheckpointCard | None, *, separate: bool) -> Job:
        """Return a job and its state. whose: the checkpoint's card; None before it is pretrained."""
        try:
            if whose and features != SELECTED:
                spaces.parse_feature_name(features, whose.spaces, separate=separate)
            data = self.session.open_datasets(task)
            missing = ""
        except UserError as error:
            data, missing = None, str(error)
        path = self._row_path(task, features, whose) if whose else None
        if path and whose and path.exists():
            inference = InferenceConfig(self.settings.precision, self.settings.compiled)  # type: ignore[arg-type]
            wanted = Wanted(task, whose, features.replace(" ", ""), self.settings.seed, inference, data)
            wrong = reuse_error(store.read_row(path), wanted)
            return Job(
                task, features, "blocked" if wrong else "kept", f"{path} {wrong}" if wrong else "measured before", path
            )
        return Job(task, features, "impossible" if missing else "to do", missing or task.cost, path)

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
