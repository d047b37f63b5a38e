"""What a run was asked to do, kept in its folder so that ``pretrain --resume NAME`` needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from loocbench import files
from loocbench.checkpoints import card_file
from loocbench.errors import UserError
from loocbench.runs.settings import DataSource, Hold, RunSettings
from loocbench.types import Frozen, Recipe

FILE = "run.json"


class RunOptions(Frozen):
    """A run's recipe, where its images were found, and how it is saved and monitored (see :class:`RunSettings`).

    plugins: those that it needs, as entries of ``versions``.
    """

    recipe: Recipe
    dataset: str
    data_dir: str = ""
    skip_damaged: bool = False
    stylised: str = ""
    limit: int = Field(0, ge=0)
    hold: Hold = "disk"
    save_minutes: float = Field(10.0, ge=0)
    keep: int = Field(2, ge=1)
    keep_epochs: tuple[Annotated[int, Field(ge=1)], ...] = ()
    knn_every: int = Field(10, ge=0)
    compiled: bool = False
    tensorboard: bool = False
    plugins: Mapping[str, str] = Field(default_factory=dict)


def make_options(
    recipe: Recipe, source: DataSource, settings: RunSettings, plugins: Mapping[str, str] | None = None
) -> RunOptions:
    """Return the options of a run. plugins: as entries of ``versions``."""
    return RunOptions(
        recipe=recipe,
        dataset=source.dataset,
        data_dir=source.data_dir,
        skip_damaged=source.skip_damaged,
        stylised=source.stylised,
        limit=source.limit,
        hold=settings.hold,
        save_minutes=settings.save_minutes,
        keep=settings.keep,
        keep_epochs=settings.keep_epochs,
        knn_every=settings.knn_every,
        compiled=settings.compiled,
        tensorboard=settings.tensorboard,
        plugins=dict(plugins or {}),
    )


def write_options(folder: Path, options: RunOptions) -> None:
    """Write a run's options into its folder, unless they are there already."""
    text = options.model_dump_json(indent=1) + "\n"
    path = folder / FILE
    if not path.exists() or path.read_text(encoding="utf-8", errors="replace") != text:
        files.write_text(path, text)


def read_options(folder: Path) -> RunOptions:
    """Return the options of the run in ``folder``; of a run of an older version what its checkpoint's card says.

    Raises UserError where neither says what the run was asked to do.
    """
    try:
        return RunOptions.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        pass
    if not (folder / card_file.FILE).is_file():
        raise UserError(
            f"{folder} does not say what it was asked to do ({FILE} is missing or damaged); repeat the command that "
            f"began it, with --name {folder.name} --resume."
        )
    card = card_file.read_card(folder / card_file.FILE)
    if card.recipe is None:
        raise UserError(f"{folder.name} was imported, not trained here; it cannot be resumed.")
    return RunOptions(recipe=card.recipe, dataset=card.dataset, skip_damaged=bool(card.skipped), plugins=card.versions)
