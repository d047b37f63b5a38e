"""Pretraining of one model, from names and settings to a finished run: ``loocbench pretrain`` in Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loocbench import files, ranks
from loocbench.cache import layout
from loocbench.cards import recipes as recipe_cards
from loocbench.data.opening import open_dataset
from loocbench.devices import resolve_device
from loocbench.errors import UserError, unknown
from loocbench.pretraining import recipes
from loocbench.progress import Reporter, Silent
from loocbench.ranks import Ranks
from loocbench.runs import tensorboard as tensorboard_log
from loocbench.runs.settings import Hold, RunSettings
from loocbench.runs.stylised import open_stylised
from loocbench.runs.train import Existing, train_recipe
from loocbench.types import Recipe


def pretrain(
    method: str | None = None,
    dataset: str | None = None,
    *,
    recipe: str | None = None,
    name: str | None = None,
    data_dir: str | Path | None = None,
    runs: str | Path = "runs",
    cache: str | Path | None = None,
    device: str = "auto",
    seed: int = 0,
    existing: Existing = "refuse",
    hold: Hold = "disk",
    skip_damaged: bool = False,
    stylised: str | Path | None = None,
    save_minutes: float = 10.0,
    keep: int = 2,
    knn_every: int = 10,
    compiled: bool = False,
    tensorboard: bool = False,
    reporter: Reporter | None = None,
    **settings: Any,
) -> Path:
    """Pretrain a model, and return its checkpoint's path: ``runs/NAME/checkpoint.safetensors``.

    loocbench.pretrain("looc++", "folder:photos", epochs=100, augmentations=["color"])
    loocbench.pretrain(recipe="paper/looc", data_dir="/data")

    method: default the recipe's, or "looc". dataset: its name or "folder:PATH"; default the recipe's, or "blooms".
    recipe: a card of ``loocbench recipes ls``. name: of the run; default made of the recipe's settings. settings:
    fields of :class:`loocbench.types.Recipe`, in place of the card's or of ``loocbench.pretraining.recipes.DEFAULTS``;
    None counts as not given. existing: what to do if the run exists already (``runs.train.train_recipe``). The
    other options are those of ``loocbench pretrain``; ``runs.settings.RunSettings`` describes how a run is kept. Under
    torchrun the processes train together, and each returns the path. Raises UserError.
    """
    if tensorboard:
        tensorboard_log.require_tensorboard()
    given = {field: value for field, value in {**settings, "method": method}.items() if value is not None}
    card = recipe_cards.load_recipe(recipe) if recipe else None
    source = dataset or (card.dataset if card else recipes.DATASET)
    folder = Path(cache) if cache else layout.cache_dir()
    with ranks.from_torchrun(resolve_device(device)) as (processes, on):
        shown = reporter if reporter and processes.first else Silent()
        with ranks.shared_errors():
            if hold == "memory" and processes.world > 1:
                raise UserError(
                    "--in-memory is one copy per process; leave it out: they share the system's file cache."
                )
            made = _make_recipe(card.settings if card else recipes.DEFAULTS, {**given, "seed": seed}, processes)
            images = open_dataset(
                source, Path(data_dir) if data_dir else None, skip_damaged=skip_damaged, cache=folder, reporter=shown
            )
            copies = open_stylised(made, images, Path(stylised) if stylised else None)
            run = files.require_name("run", name) if name else recipes.run_name(made, images.name.replace(":", "-"))
        checkpoint = train_recipe(
            made,
            images,
            name=run,
            runs=Path(runs),
            cache=folder,
            device=on,
            reporter=shown,
            existing=existing,
            settings=RunSettings(hold, save_minutes, keep, knn_every, copies, compiled, tensorboard),
            ranks=processes,
        )
        shown.info(f"checkpoint: {checkpoint}")
        return checkpoint


def _make_recipe(settings: Mapping[str, Any], changes: Mapping[str, Any], processes: Ranks) -> Recipe:
    """Return the recipe, with one batch-norm group per process unless the settings say otherwise."""
    if strange := changes.keys() - Recipe.model_fields.keys():
        raise unknown("setting", min(strange), Recipe.model_fields)
    return recipes.make(**{"groups": processes.world, **recipes.adapt_settings(settings, changes)})
