"""``loocbench pretrain``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from loocbench.cli import options as o

_RECIPE, _RUN = "Recipe", "Run"
# A small budget for 32 px on a CPU; a recipe card replaces all of it.
DEFAULTS: dict[str, Any] = {
    "method": "looc",
    "backbone": "resnet8",
    "epochs": 10,
    "batch_size": 64,
    "learning_rate": 0.2,
    "schedule": "cosine",
    "weight_decay": 5e-4,
    "queue_size": 1024,
    "key_momentum": 0.99,
    "temperature": 0.2,
}


def _setting(flag: str, text: str) -> Any:
    return typer.Option(flag, help=text, rich_help_panel=_RECIPE)


def pretrain(
    recipe: Annotated[
        str | None, _setting("--recipe", "A card of 'loocbench recipes ls', such as paper/looc++; options change it.")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", help="Data set; default the recipe's, or blooms.", rich_help_panel=o.DATA),
    ] = None,
    method: Annotated[
        str | None, _setting("--method", "looc (default), looc++, moco, moco++, add-one, supervised.")
    ] = None,
    augment: Annotated[
        list[str] | None,
        _setting(
            "--augment",
            "color, rotation or texture, beside crop, flip and blur (repeatable); default color, "
            "and rotation for LooC.",
        ),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        _setting("--leave-out", "Augmentation with a space of its own (repeatable; LooC, add-one); default all."),
    ] = None,
    same: Annotated[
        list[str] | None, _setting("--same", "Augmentation that q and k get alike (repeatable; MoCo).")
    ] = None,
    texture: Annotated[
        str | None, _setting("--texture", "How texture is randomised: random-convolution (default) or stylised.")
    ] = None,
    stylised: Annotated[
        Path | None,
        typer.Option(
            "--stylised",
            help="Folder of stylised copies, each under its image's own path, for --texture stylised.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    backbone: Annotated[str | None, _setting("--backbone", "resnet8 … resnet20, resnet18 … resnet152.")] = None,
    image_size: Annotated[int | None, _setting("--image-size", "View size in pixels; default the backbone's.")] = None,
    epochs: Annotated[int | None, _setting("--epochs", "Passes over the training split; default 10.")] = None,
    batch_size: Annotated[int | None, _setting("--batch-size", "Images a step; default 64.")] = None,
    learning_rate: Annotated[float | None, _setting("--learning-rate", "Default 0.2.")] = None,
    schedule: Annotated[str | None, _setting("--schedule", "step or cosine (default).")] = None,
    milestone: Annotated[
        list[int] | None,
        _setting("--milestone", "Epoch at which step divides by 10 (repeatable); default 60 % and 80 %."),
    ] = None,
    weight_decay: Annotated[float | None, _setting("--weight-decay", "Default 5e-4.")] = None,
    queue_size: Annotated[int | None, _setting("--queue-size", "Negatives a space; default 1024.")] = None,
    key_momentum: Annotated[float | None, _setting("--key-momentum", "Of the momentum encoder; default 0.99.")] = None,
    temperature: Annotated[float | None, _setting("--temperature", "Default 0.2.")] = None,
    groups: Annotated[
        int | None,
        _setting(
            "--groups",
            "Groups of a batch with batch-norm statistics of their own, worked through in turn; default 1, or one a "
            "process under torchrun.",
        ),
    ] = None,
    keep_last: Annotated[
        bool | None, _setting("--keep-last/--drop-last", "Train on an epoch's last, smaller batch; default not.")
    ] = None,
    precision: Annotated[
        str | None, _setting("--precision", "float32 (default), bfloat16 or float16, of the networks.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the run; default made of the recipe.", rich_help_panel=o.OUTPUT),
    ] = None,
    data_dir: o.DataDir = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    cache: o.Cache = None,
    skip_damaged: o.SkipDamaged = False,
    in_memory: Annotated[
        bool,
        typer.Option("--in-memory", help="Hold the decoded images in main memory.", rich_help_panel=o.DATA),
    ] = False,
    on_device: Annotated[
        bool,
        typer.Option("--on-device", help="Hold the decoded images on the device.", rich_help_panel=o.DATA),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped.", rich_help_panel=_RUN)
    ] = False,
    save_minutes: Annotated[
        float,
        typer.Option("--save-minutes", min=0, help="Longest time between two saved states.", rich_help_panel=_RUN),
    ] = 10.0,
    keep: Annotated[int, typer.Option("--keep", min=1, help="Saved states that stay.", rich_help_panel=_RUN)] = 2,
    knn_every: Annotated[
        int,
        typer.Option(
            "--knn-every", min=0, help="Epochs between kNN looks at held-out images; 0: none.", rich_help_panel=_RUN
        ),
    ] = 10,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Let torch.compile make the networks.", rich_help_panel=_RUN)
    ] = False,
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help="Keep the log for TensorBoard too (an extra).", rich_help_panel=_RUN),
    ] = False,
    overwrite: o.Overwrite = False,
) -> None:
    """Pretrain LooC, LooC++ or what they are compared with; leaves runs/NAME/ with checkpoint, card and log.

    The defaults are a small budget for 32 px on a CPU; --recipe paper/looc++ is the paper's. On several GPUs:
    torchrun --nproc-per-node 8 -m loocbench pretrain ...
    """
    from loocbench import files, ranks
    from loocbench.cards import recipes as cards
    from loocbench.cli.console import Display
    from loocbench.cli.measuring import device_name, opened
    from loocbench.data import prepared
    from loocbench.errors import SharedError, UserError
    from loocbench.jobs import pretrain as job
    from loocbench.pretraining import recipes
    from loocbench.progress import Silent
    from loocbench.runs import stylised as copies
    from loocbench.runs import tensorboard as board
    from loocbench.runs.settings import RunSettings

    if in_memory and on_device:
        raise UserError("--in-memory and --on-device exclude each other; leave one out.")
    if resume and overwrite:
        raise UserError("--resume and --overwrite exclude each other; leave one out.")
    if tensorboard:
        board.require()
    card = cards.load(recipe) if recipe else None
    changes = {
        "method": method,
        "augmentations": augment or None,
        "left_out": leave_out or None,
        "shared": same or None,
        "texture": texture,
        "backbone": backbone,
        "image_size": image_size,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "schedule": schedule,
        "milestones": milestone or None,
        "weight_decay": weight_decay,
        "queue_size": queue_size,
        "key_momentum": key_momentum,
        "temperature": temperature,
        "groups": groups,
        "keep_last": keep_last,
        "precision": precision,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    settings = card.settings if card else DEFAULTS
    if method:  # what the card leaves out or shares is its own method's
        settings = {key: value for key, value in settings.items() if key not in ("left_out", "shared")}
    if epochs is not None and milestone is None:  # a card's milestones belong to its epochs
        settings = {key: value for key, value in settings.items() if key != "milestones"}
    where = cache or prepared.cache_dir()
    with ranks.from_torchrun(device_name(device)) as (processes, on), Display() as display:
        reporter = display if processes.first else Silent()
        try:
            with ranks.shared_errors():
                if in_memory and processes.world > 1:
                    raise UserError(
                        "--in-memory is a copy a process; leave it out: they share the system's file cache."
                    )
                made = recipes.make(**{"groups": processes.world, **settings, **given, "seed": seed})
                source = dataset or (card.dataset if card else "blooms")
                images = opened(source, data_dir, where, reporter, skip_damaged=skip_damaged)
                run_settings = RunSettings(
                    hold="memory" if in_memory else "device" if on_device else "disk",
                    save_minutes=save_minutes,
                    keep=keep,
                    knn_every=knn_every,
                    stylised=copies.dataset_of(made, images, stylised),
                    compiled=compiled,
                    tensorboard=tensorboard,
                )
            path = job.pretrain(
                made,
                images,
                name=files.require_name("run", name) if name else recipes.run_name(made, images.name.replace(":", "-")),
                runs=runs,
                cache=where,
                device=on,
                existing="resume" if resume else "overwrite" if overwrite else "refuse",
                reporter=reporter,
                settings=run_settings,
                ranks=processes,
            )
        except SharedError as error:
            if processes.first:
                raise
            raise typer.Exit(2) from error
        reporter.info(f"checkpoint: {path}")
