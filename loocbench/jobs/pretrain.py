"""Pretraining of one model, from names and settings to a finished run: ``loocbench pretrain`` in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loocbench import files, ranks
from loocbench.cache import layout
from loocbench.cards import recipes as recipe_cards
from loocbench.checkpoints import card_file, initial_weights, kept_epochs, locate
from loocbench.checkpoints.native import Checkpoint
from loocbench.data.opening import keep_digests, open_dataset
from loocbench.devices import fastest_precision, resolve_device
from loocbench.errors import UserError, unknown
from loocbench.jobs.estimating import Estimate, estimate_pretraining
from loocbench.jobs.resuming import how_to_resume
from loocbench.pretraining import recipes
from loocbench.progress import Reporter, Silent
from loocbench.ranks import Ranks
from loocbench.runs import tensorboard as tensorboard_log
from loocbench.runs.settings import DataSource, Hold, RunSettings
from loocbench.runs.stylised import open_stylised
from loocbench.runs.train import Existing, train_recipe
from loocbench.types import Recipe


def pretrain(
    method: str | None = None,
    dataset: str | None = None,
    *,
    recipe: str | None = None,
    init: str | Path | None = None,
    name: str | None = None,
    data_dir: str | Path | None = None,
    runs: str | Path = "runs",
    cache: str | Path | None = None,
    device: str = "auto",
    seed: int = 0,
    existing: Existing = "refuse",
    hold: Hold = "disk",
    skip_damaged: bool = False,
    limit: int = 0,
    stylised: str | Path | None = None,
    save_minutes: float = 10.0,
    keep: int = 2,
    keep_epochs: Sequence[int] = (),
    knn_every: int = 10,
    compiled: bool = False,
    tensorboard: bool = False,
    tell_minutes: Callable[[str, Estimate], None] | None = None,
    reporter: Reporter | None = None,
    **settings: Any,
) -> Path:
    """Pretrain a model, as ``loocbench pretrain`` does.

    >>> checkpoint = loocbench.pretrain("looc++", "folder:photos", epochs=100, augmentations=["color"])
    >>> checkpoint = loocbench.pretrain(recipe="paper/looc", data_dir="/data", existing="resume")

    Args:
        method: "supervised", "moco", "moco++", "add-one", "looc" or "looc++"; default the recipe's, or "looc".
        dataset: A data set of ``loocbench datasets ls``, or "folder:PATH"; default the recipe's, or "blooms".
        recipe: A card of ``loocbench recipes ls``; its settings are the defaults of the others.
        init: A checkpoint, as :func:`load` takes it, from whose backbone the run begins, with new heads. Without a
            ``recipe`` its own is the default of the settings, or its backbone and image size.
        name: Of the run; default made of method, augmentations, data set and seed.
        data_dir: Folder that holds the data sets' folders; default ``$LOOCBENCH_DATA``, then the user's cache folder.
        runs: Folder in which the run gets a folder of its own.
        cache: Folder for decoded images; default the user's.
        device: "auto", "cpu" or "cuda[:N]".
        seed: Of initial weights, batches and views.
        existing: What to do where the run is there already: "refuse", "overwrite", "resume" or "resume-or-overwrite".
        hold: Where decoded images are while the network trains: "disk" (memory-mapped), "memory" or "device".
        skip_damaged: Whether images that cannot be decoded are left out, and named in the card; else they are an error.
        limit: At most so many images of each split, every class in proportion, for a quick look; the run's name and
            card say so. 0: all.
        stylised: Folder of stylised copies, for ``texture="stylised"``.
        save_minutes: Longest time between two saved states.
        keep: How many saved states are kept.
        keep_epochs: Epochs after which the checkpoint is kept, too, as ``RUNS/NAME/epoch-0005.safetensors``.
        knn_every: Epochs between kNN evaluations on held-out images; 0 for none.
        compiled: Whether networks are compiled with torch.compile.
        tensorboard: Whether the log is written for TensorBoard too (extra ``tensorboard``).
        tell_minutes: Called with the run's name and how long it would take, instead of training; the path is then that
            of a file to come.
        reporter: Where progress is reported; default nowhere.
        **settings: Fields of :class:`loocbench.types.Recipe`: ``epochs``, ``batch_size``, ``augmentations``,
            ``left_out``, ``backbone``, ``image_size``, ``learning_rate`` and so on. ``precision`` may be "auto":
            bfloat16 where the device has instructions for it, else float32; the card says which.

    Returns:
        Path of the checkpoint, ``RUNS/NAME/checkpoint.safetensors``, which :func:`load` and :func:`evaluate` take.

    Raises:
        UserError: for an unknown method, recipe, data set or setting, settings that do not go together, data that are
            absent, a run that is there already, a loss that is not finite, or when it was interrupted; the message
            names the remedy.
    """
    if tensorboard:
        tensorboard_log.require_tensorboard()
    given = {field: value for field, value in {**settings, "method": method}.items() if value is not None}
    if strange := given.keys() - set(recipes.SETTINGS):
        raise unknown("setting", min(strange), recipes.SETTINGS)
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
            if given.get("precision") == "auto":
                given["precision"] = processes.broadcast_from_main(lambda: fastest_precision(on))
                shown.info(f"precision: {given['precision']}, which this device computes in fastest")
            begun = _load_init(init, Path(runs), seed, processes) if init else None
            defaults = initial_weights.find_settings(begun) if begun else recipes.DEFAULTS
            made = _make_recipe(card.settings if card else defaults, {**given, "seed": seed}, processes)
            taken = None
            if begun:
                taken = initial_weights.take_weights(begun, made)
                made = made.model_copy(update={"init": initial_weights.describe_origin(begun.card)})
                for line in taken.lines:
                    shown.info(line)
            images = open_dataset(
                source,
                Path(data_dir) if data_dir else None,
                skip_damaged=skip_damaged,
                cache=folder,
                reporter=shown,
                limit=limit,
            )
            copies = open_stylised(made, images, Path(stylised) if stylised else None)
            copies = copies and keep_digests(copies, folder, shown)
            seen = f"{images.name}-{limit}images" if limit else images.name
            run = files.require_name("run", name) if name else recipes.run_name(made, seen.replace(":", "-"))
            kept_epochs.require_epochs(keep_epochs, made.epochs)
            kept_epochs.require_distinct(Path(runs), run, keep_epochs)
        if tell_minutes:
            if processes.first:
                tell_minutes(run, estimate_pretraining(made, len(images.splits.get("train", ())), Path(runs)))
            return Path(runs) / run / card_file.FILE
        checkpoint = train_recipe(
            made,
            images,
            name=run,
            runs=Path(runs),
            cache=folder,
            device=on,
            reporter=shown,
            existing=existing,
            settings=RunSettings(
                hold,
                save_minutes,
                keep,
                tuple(keep_epochs),
                knn_every,
                copies,
                compiled,
                tensorboard,
                how_to_resume(run, Path(runs)),
                DataSource.from_options(
                    source,
                    Path(data_dir) if data_dir else None,
                    skip_damaged=skip_damaged,
                    stylised=Path(stylised) if stylised else None,
                    limit=limit,
                ),
            ),
            ranks=processes,
            initial_weights=taken.tensors if taken else None,
        )
        shown.info(f"checkpoint: {checkpoint}")
        return checkpoint


def _make_recipe(settings: Mapping[str, Any], changes: Mapping[str, Any], processes: Ranks) -> Recipe:
    """Return the recipe, with one batch-norm group per process unless the settings say otherwise."""
    return recipes.make(**{"groups": processes.world, **recipes.adapt_settings(settings, changes)})


def _load_init(reference: str | Path, runs: Path, seed: int, processes: Ranks) -> Checkpoint:
    """Return the checkpoint that a run begins from: the first process may have to download it."""
    return processes.first_then_others(lambda: locate.load(str(reference), runs=runs, seed=seed))
