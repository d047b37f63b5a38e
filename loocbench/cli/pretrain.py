"""``loocbench pretrain``: pretraining of one model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from loocbench.cli import options as o


def _recipe(flags: str, text: str) -> Any:
    return typer.Option(flags, help=text, rich_help_panel="Recipe")


def _data(flags: str, text: str) -> Any:
    return typer.Option(flags, help=text, rich_help_panel=o.DATA)


def _run(flags: str, text: str, **limits: Any) -> Any:
    return typer.Option(flags, help=text, rich_help_panel="Run", **limits)


# Names in braces come from the tables of methods and augmentations and from the defaults of recipes.
RecipeName = Annotated[
    str | None,
    _recipe("--recipe", "A card of 'loocbench recipes ls', such as paper/looc++, or FILE.toml; options change it."),
]
Method = Annotated[str | None, _recipe("--method", "{methods}; default {method}.")]
Augment = Annotated[
    list[str] | None,
    _recipe("--augment", "{augmentations}, beside {constant} (repeatable); default {usual}, and rotation for LooC."),
]
LeaveOut = Annotated[
    list[str] | None,
    _recipe("--leave-out", "Augmentation with a space of its own (repeatable; {leaving_out}); default all."),
]
Same = Annotated[
    list[str] | None, _recipe("--same", "Augmentation with equal parameters for q and k (repeatable; {sharing}).")
]
Texture = Annotated[str | None, _recipe("--texture", "Randomisation of texture: {textures}; default the first.")]
Backbone = Annotated[str | None, _recipe("--backbone", "resnet8 … resnet20, resnet18 … resnet152; default {backbone}.")]
ImageSize = Annotated[
    int | None, _recipe("--image-size", "View size in pixels; default {image_size}, or that of another --backbone.")
]
Epochs = Annotated[
    int | None,
    typer.Option("--epochs", min=1, help="Passes over the training split; default {epochs}.", rich_help_panel="Recipe"),
]
BatchSize = Annotated[int | None, _recipe("--batch-size", "Images per step; default {batch_size}.")]
LearningRate = Annotated[float | None, _recipe("--learning-rate", "Default {learning_rate}.")]
Schedule = Annotated[str | None, _recipe("--schedule", "{schedules}; default {schedule}.")]
Milestone = Annotated[
    list[int] | None,
    _recipe("--milestone", "Epoch at which step divides by 10 (repeatable); default 60 % and 80 %."),
]
WeightDecay = Annotated[float | None, _recipe("--weight-decay", "Default {weight_decay}.")]
QueueSize = Annotated[int | None, _recipe("--queue-size", "Negatives per space; default {queue_size}.")]
KeyMomentum = Annotated[float | None, _recipe("--key-momentum", "Momentum of the key encoder; default {key_momentum}.")]
Temperature = Annotated[float | None, _recipe("--temperature", "Default {temperature}.")]
Groups = Annotated[
    int | None,
    _recipe(
        "--groups",
        "Groups of a batch with batch-norm statistics of their own, computed in turn; default 1, or one per process "
        "under torchrun.",
    ),
]
KeepLast = Annotated[
    bool | None, _recipe("--keep-last/--drop-last", "Train on an epoch's last, smaller batch, or drop it (default).")
]
Precision = Annotated[
    str | None,
    _recipe(
        "--precision",
        "Precision of the networks: float32 (default), bfloat16, float16, or auto: bfloat16 where the device computes "
        "in it, else float32.",
    ),
]

DatasetName = Annotated[str | None, _data("--dataset", "Data set; default the recipe's, or {dataset}.")]
Stylised = Annotated[
    Path | None,
    _data("--stylised", "Folder of stylised copies, each under its image's own path, for --texture stylised."),
]
InMemory = Annotated[bool, _data("--in-memory", "Hold the decoded images in main memory.")]
OnDevice = Annotated[bool, _data("--on-device", "Hold the decoded images on the device.")]

RunName = Annotated[
    str | None,
    typer.Option("--name", help="Name of the run; default made of the recipe.", rich_help_panel=o.OUTPUT),
]
Resume = Annotated[bool, _run("--resume", "Resume a run that was stopped.")]
SaveMinutes = Annotated[float, _run("--save-minutes", "Longest time between two saved states.", min=0)]
Keep = Annotated[int, _run("--keep", "Number of saved states to keep.", min=1)]
KnnEvery = Annotated[int, _run("--knn-every", "Epochs between kNN evaluations on held-out images; 0 for none.", min=0)]
Compiled = Annotated[bool, _run("--compile", "Compile the networks with torch.compile.")]
Tensorboard = Annotated[bool, _run("--tensorboard", "Write the log for TensorBoard too (an extra).")]


class PretrainCommand(TyperCommand):
    """A command whose help names methods and defaults; their tables are imported only to show it."""

    def format_help(self, ctx, formatter):  # type: ignore[no-untyped-def]  # as in ``guard``
        """Fill in the names and defaults."""
        names = _names_in_help()
        for parameter in self.params:
            if isinstance(parameter, TyperOption) and parameter.help:
                parameter.help = parameter.help.format_map(names)
        super().format_help(ctx, formatter)


def _names_in_help() -> dict[str, Any]:
    from loocbench.pretraining.methods import METHODS, trainable_names
    from loocbench.pretraining.recipes import DATASET, DEFAULTS, SCHEDULES
    from loocbench.views import augmentations

    return {
        **DEFAULTS,
        "dataset": DATASET,
        "methods": ", ".join(trainable_names()),
        "leaving_out": ", ".join(method.name for method in METHODS.values() if method.leaves_out),
        "sharing": ", ".join(method.name for method in METHODS.values() if method.accepts_shared),
        "augmentations": ", ".join(augmentations.optional_names()),
        "constant": ", ".join(augmentations.constant_names()),
        "usual": ", ".join(augmentations.usual_names()),
        "textures": ", ".join(augmentations.variant_names("texture")),
        "schedules": " or ".join(SCHEDULES),
    }


def pretrain(
    recipe: RecipeName = None,
    dataset: DatasetName = None,
    method: Method = None,
    augment: Augment = None,
    leave_out: LeaveOut = None,
    same: Same = None,
    texture: Texture = None,
    stylised: Stylised = None,
    backbone: Backbone = None,
    image_size: ImageSize = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    schedule: Schedule = None,
    milestone: Milestone = None,
    weight_decay: WeightDecay = None,
    queue_size: QueueSize = None,
    key_momentum: KeyMomentum = None,
    temperature: Temperature = None,
    groups: Groups = None,
    keep_last: KeepLast = None,
    precision: Precision = None,
    name: RunName = None,
    data_dir: o.DataDir = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    cache: o.Cache = None,
    skip_damaged: o.SkipDamaged = False,
    in_memory: InMemory = False,
    on_device: OnDevice = False,
    resume: Resume = False,
    save_minutes: SaveMinutes = 10.0,
    keep: Keep = 2,
    knn_every: KnnEvery = 10,
    compiled: Compiled = False,
    tensorboard: Tensorboard = False,
    overwrite: o.Overwrite = False,
) -> None:
    """Pretrain LooC, LooC++ or a method that they are compared with: runs/NAME/ with checkpoint, card and log.

    The defaults are a small budget for 24 px on a CPU; --recipe paper/looc++ is the paper's. On several GPUs:
    torchrun --nproc-per-node 8 -m loocbench pretrain ...
    """
    from loocbench import ranks
    from loocbench.cli.console import Display
    from loocbench.errors import SharedError, UserError
    from loocbench.jobs import pretrain as job

    if in_memory and on_device:
        raise UserError("--in-memory and --on-device exclude each other; leave one out.")
    if resume and overwrite:
        raise UserError("--resume and --overwrite exclude each other; leave one out.")
    try:
        with Display() as display:
            job.pretrain(
                method,
                dataset,
                recipe=recipe,
                name=name,
                data_dir=data_dir,
                runs=runs,
                cache=cache,
                device=device,
                seed=seed,
                existing="resume" if resume else "overwrite" if overwrite else "refuse",
                hold="memory" if in_memory else "device" if on_device else "disk",
                skip_damaged=skip_damaged,
                stylised=stylised,
                save_minutes=save_minutes,
                keep=keep,
                knn_every=knn_every,
                compiled=compiled,
                tensorboard=tensorboard,
                reporter=display,
                # Typer gives an option that was not repeated as an empty list.
                augmentations=augment or None,
                left_out=leave_out or None,
                shared=same or None,
                milestones=milestone or None,
                texture=texture,
                backbone=backbone,
                image_size=image_size,
                epochs=epochs,
                batch_size=batch_size,
                learning_rate=learning_rate,
                schedule=schedule,
                weight_decay=weight_decay,
                queue_size=queue_size,
                key_momentum=key_momentum,
                temperature=temperature,
                groups=groups,
                keep_last=keep_last,
                precision=precision,
            )
    except SharedError as error:
        if ranks.is_first_process():
            raise
        raise typer.Exit(2) from error
