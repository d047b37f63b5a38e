"""The card of a run's checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from loocbench import provenance
from loocbench.checkpoints import native
from loocbench.models.preprocessing import default_preprocessing
from loocbench.plugins import in_use
from loocbench.pretraining import recipes
from loocbench.pretraining.learning_warnings import LearningWarning
from loocbench.pretraining.loop import Run
from loocbench.types import CheckpointCard, Dataset


def make_card(
    run: Run,
    dataset: Dataset,
    *,
    name: str,
    split: str,
    stylised_edition: str,
    warnings: Sequence[LearningWarning],
    processes: int,
) -> CheckpointCard:
    """The card of the query encoder as it is now. split: that it is trained on. processes: that train together."""
    images = dataset.splits[split]
    return CheckpointCard(
        name=name,
        recipe=run.recipe,
        spaces=recipes.spaces(run.recipe),
        preprocessing=default_preprocessing(run.recipe.image_size),
        dataset=dataset.name,
        dataset_note=dataset.note,
        stylised_edition=stylised_edition,
        skipped=dataset.skipped,
        edition=dataset.edition(),
        split=split,
        fingerprint=images.fingerprint,
        images=len(images),
        epochs_done=run.position.epoch,
        created=provenance.now(),
        weights=native.weights_hash(run.network.state_dict()),
        warnings={warning.statement: warning.figures for warning in warnings},
        versions=provenance.versions() | in_use.find_used(datasets=[dataset.name], recipe=run.recipe),
        hardware=provenance.hardware(str(run.device), processes=processes),
    )
