"""Run a suite with models of its own: pretrain each, measure it on the tasks, draw the galleries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loocbench import files
from loocbench.cards import tasks
from loocbench.cards.suites import SuiteCard, SuiteModel, recipe_of
from loocbench.cards.tasks import TaskCard
from loocbench.checkpoints import native, untrained
from loocbench.checkpoints.native import Checkpoint
from loocbench.data import catalog
from loocbench.errors import UserError
from loocbench.features.encoder import DEFAULT, Encoder
from loocbench.features.inference_config import InferenceConfig
from loocbench.jobs import at_hand, gallery, select
from loocbench.jobs.evaluation import reuse_error, row_of
from loocbench.jobs.measurement import Measurement
from loocbench.pretraining import recipes
from loocbench.progress import Reporter
from loocbench.records import store
from loocbench.runs.folder import RunFolder
from loocbench.runs.settings import RunSettings
from loocbench.runs.train import train_recipe
from loocbench.runs.trainer import SPLIT
from loocbench.types import SELECTED, Dataset, Recipe


@dataclass(frozen=True)
class Places:
    """The folders that a suite reads and writes."""

    data_dir: Path | None
    runs: Path
    results: Path
    cache: Path


@dataclass(frozen=True)
class Stage:
    """One checkpoint of a suite: what there is to train, and how many of its rows are stored.

    name: the checkpoint's. rows: stored; of: how many there are to be. blocked: why a row that is stored cannot stand.
    """

    model: SuiteModel
    recipe: Recipe
    name: str
    state: Literal["untrained", "trained", "to train"]
    rows: int
    of: int
    blocked: str


@dataclass(frozen=True)
class Suite:
    """A card whose data sets are at hand, and where it reads and writes.

    seed: of all measurements, so that models are asked the same; pretraining's seeds are counted from it. images: of
    pretraining. tasks: each with its data set, and the other one that it names, if it does.
    """

    card: SuiteCard
    places: Places
    seed: int
    images: Dataset
    tasks: Sequence[tuple[TaskCard, Dataset, Dataset | None]]

    @classmethod
    def open(cls, card: SuiteCard, places: Places, *, seed: int) -> Suite:
        """Raises UserError for a data set that is not there: before hours of pretraining, not after."""
        images = catalog.open_dataset(card.pretrain_on, places.data_dir)
        cards = [tasks.load(task) for task in card.tasks]
        data = at_hand.opened(cards, places.data_dir)
        found = []
        for task in cards:
            own, lacking = at_hand.of(task, data), at_hand.lacking(task, data)
            if own is None or lacking:
                raise UserError(f"{task.task}: {lacking}")
            found.append((task, *own))
        return cls(card, places, seed, images, found)

    def plan(self, *, precision: str = "float32") -> list[Stage]:
        """What there is to do, all models' first seeds first."""
        return [self._stage(model, recipe, precision) for model, recipe in self._recipes()]

    def run(
        self, *, device: str, overwrite: bool, reporter: Reporter, inference: InferenceConfig = DEFAULT
    ) -> dict[str, list[Measurement]]:
        """Do what is missing: finished runs of the same recipe and measured rows are kept.

        Returns what galleries are to show, by task. Raises UserError, before any work, for a stored row that cannot
        stand; and when it was asked to stop, saying how to go on.
        """
        files.require_writable(self.places.results / self.card.suite)
        every = self._recipes()
        if not overwrite:
            for stage in self.plan(precision=inference.precision):
                if stage.blocked:
                    raise UserError(f"{stage.blocked}; delete that file, or name other --results.")
        pictured: dict[str, list[Measurement]] = {}
        try:
            for number, (model, recipe) in enumerate(every, 1):
                reporter.info(f"[{number}/{len(every)}] {self._name(recipe)}")
                checkpoint = self._checkpoint(recipe, device=device, overwrite=overwrite, reporter=reporter)
                encoder = Encoder.from_checkpoint(checkpoint, device=device, inference=inference)
                for measurement in self._measured(model, encoder, overwrite=overwrite, reporter=reporter):
                    own = model.pictured and measurement.features_name == model.features[0]
                    if (
                        own
                        and measurement.card.evaluator == "retrieval"
                        and recipe.seed == self.seed + min(model.seeds)
                    ):
                        pictured.setdefault(measurement.card.task, []).append(measurement)
        except KeyboardInterrupt as error:
            raise UserError(f"interrupted; what is finished is kept. {self._again(overwrite)}") from error
        return pictured

    def draw(self, pictured: dict[str, list[Measurement]]) -> list[Path]:
        """The galleries of what :meth:`run` returned."""
        return [
            gallery.draw(measurements, store.gallery_path(self.places.results, self.card.suite, task, self.seed))
            for task, measurements in pictured.items()
        ]

    def _recipes(self) -> list[tuple[SuiteModel, Recipe]]:
        """Every checkpoint's, by seed: stopped early, no model is left out."""
        every = [(model, seed) for model in self.card.models for seed in model.seeds]
        return [
            (model, recipe_of(self.card, model, seed=self.seed + seed))
            for model, seed in sorted(every, key=lambda one: one[1])
        ]

    def _measured(
        self, model: SuiteModel, encoder: Encoder, *, overwrite: bool, reporter: Reporter
    ) -> Iterator[Measurement]:
        """Each row's measurement, once the row is stored."""
        where, suite = self.places, self.card.suite
        for task, dataset, other, features in self._rows(model):
            named = encoder.default_features if features == SELECTED else features
            measurement = Measurement(task, encoder, dataset, named, self.seed, where.cache, reporter, other)
            measure = select.row_of if features == SELECTED else row_of
            measure(measurement, results=where.results, suite=suite, overwrite=overwrite)
            yield measurement

    def _rows(self, model: SuiteModel) -> Iterator[tuple[TaskCard, Dataset, Dataset | None, str]]:
        """Tasks, with their data, and features of a model's rows."""
        for task, dataset, other in self.tasks:
            for features in model.features:
                if features != SELECTED or (task.evaluator == "linear" and task.protocol.solver == "path"):
                    yield task, dataset, other, features

    def _stage(self, model: SuiteModel, recipe: Recipe, precision: str) -> Stage:
        checkpoint = self._kept(recipe)
        wanted, stored, blocked = list(self._rows(model)), 0, ""
        for task, dataset, other, features in wanted:
            if checkpoint is None:
                break
            whose = checkpoint.card
            locating = (whose.name, whose.weights, task.task, task.version, features, self.seed)
            path = store.row_path(self.places.results, self.card.suite, *locating)
            if path.exists():
                stored += 1
                size = recipe.image_size
                wrong = reuse_error(store.read_row(path), (dataset, other), image_size=size, precision=precision)
                blocked = blocked or (f"{path} {wrong}" if wrong else "")
        trained: Literal["trained", "to train"] = "trained" if checkpoint else "to train"
        state: Literal["untrained", "trained", "to train"] = "untrained" if recipe.method == "random" else trained
        return Stage(model, recipe, self._name(recipe), state, stored, len(wanted), blocked)

    def _name(self, recipe: Recipe) -> str:
        """The checkpoint's."""
        if recipe.method == "random":
            return self._untrained(recipe).card.name
        return f"{self.card.suite}-{recipes.run_name(recipe, self.card.pretrain_on)}"

    def _untrained(self, recipe: Recipe) -> Checkpoint:
        return untrained.build_checkpoint(recipe.backbone, recipe.seed, recipe.image_size)

    def _again(self, overwrite: bool) -> str:
        """How to go on after a stop: what is finished would be done again by the same --overwrite."""
        without = " without --overwrite" if overwrite else ""
        shown = f"'loocbench report --suite {self.card.suite}' shows what is measured"
        return f"Run the same command{without} to go on; {shown}."

    def _checkpoint(self, recipe: Recipe, *, device: str, overwrite: bool, reporter: Reporter) -> Checkpoint:
        """The recipe's checkpoint: untrained, kept from before, or pretrained now."""
        if recipe.method == "random":
            return self._untrained(recipe)
        name = self._name(recipe)
        if not overwrite and (kept := self._kept(recipe)):
            reporter.info(
                f"{name}: kept, trained before with the same recipe on the same images (--overwrite trains again)"
            )
            return kept
        path = train_recipe(
            recipe,
            self.images,
            name=name,
            runs=self.places.runs,
            cache=self.places.cache,
            device=device,
            existing="overwrite" if overwrite else "resume-or-overwrite",
            reporter=reporter,
            settings=RunSettings(again=self._again(overwrite)),
        )
        return native.load(path)

    def _kept(self, recipe: Recipe) -> Checkpoint | None:
        """The checkpoint if it needs no training: untrained, or its run ended, of this recipe and these images."""
        if recipe.method == "random":
            return self._untrained(recipe)
        folder = RunFolder(self.places.runs / self._name(recipe))
        if not folder.checkpoint.is_file() or folder.states():
            return None
        try:
            found = native.load(folder.checkpoint)
        except UserError:
            return None
        card = found.card
        wanted = (recipe, recipe.epochs, self.images.splits[SPLIT].fingerprint, self.images.edition())
        return found if (card.recipe, card.epochs_done, card.fingerprint, card.edition) == wanted else None
