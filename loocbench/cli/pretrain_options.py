"""Options of ``loocbench pretrain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from loocbench.cli import completing
from loocbench.cli import options as o


def _recipe(flags: str, text: str, **more: Any) -> Any:
    return typer.Option(flags, help=text, rich_help_panel="Recipe", **more)


def _data(flags: str, text: str, **more: Any) -> Any:
    return typer.Option(flags, help=text, rich_help_panel=o.DATA, **more)


def _run(flags: str, text: str, **limits: Any) -> Any:
    return typer.Option(flags, help=text, rich_help_panel="Run", **limits)


# Names in braces come from the tables of methods and augmentations and from the defaults of recipes.
RecipeName = Annotated[
    str | None,
    _recipe(
        "--recipe",
        "A card of 'loocbench recipes ls', such as paper/looc++, or FILE.toml; options change it.",
        autocompletion=completing.complete_recipe,
    ),
]
Init = Annotated[
    str | None,
    _recipe(
        "--init",
        "Checkpoint of any origin from whose backbone the run begins, with new heads; without --recipe its own recipe "
        "is the default, or its backbone and image size.",
        autocompletion=completing.complete_checkpoint,
    ),
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
Backbone = Annotated[
    str | None,
    _recipe("--backbone", "resnet8 … resnet20, resnet18 … resnet152, mobilenet_v2 …, timm:VIT; default {backbone}."),
]
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

DatasetName = Annotated[
    str | None,
    _data("--dataset", "Data set; default the recipe's, or {dataset}.", autocompletion=completing.complete_dataset),
]
Stylised = Annotated[
    Path | None,
    _data("--stylised", "Folder of stylised copies, each under its image's own path, for --texture stylised."),
]
Limit = Annotated[
    int | None,
    _data(
        "--limit",
        "For a quick look: at most so many images of each split, every class in proportion; name and card say so.",
        min=2,
    ),
]
InMemory = Annotated[bool, _data("--in-memory", "Hold the decoded images in main memory.")]
OnDevice = Annotated[bool, _data("--on-device", "Hold the decoded images on the device.")]

RunName = Annotated[
    str | None,
    typer.Option("--name", help="Name of the run; default made of the recipe.", rich_help_panel=o.OUTPUT),
]
Resume = Annotated[
    str | None,
    _run(
        "--resume",
        "Resume a stopped run with its own options; without NAME that of --name, or of the options.",
        autocompletion=completing.complete_run,
    ),
]
Extend = Annotated[
    int | None,
    _run("--extend", "With --resume NAME: train a finished run for so many further epochs.", min=1),
]
SaveMinutes = Annotated[float, _run("--save-minutes", "Longest time between two saved states.", min=0)]
Keep = Annotated[int, _run("--keep", "Number of saved states to keep.", min=1)]
KeepEpoch = Annotated[
    list[int] | None,
    _run("--keep-epoch", "Epoch whose checkpoint is kept, too, as RUNS/NAME/epoch-N.safetensors (repeatable).", min=1),
]
KnnEvery = Annotated[int, _run("--knn-every", "Epochs between kNN evaluations on held-out images; 0 for none.", min=0)]
Compiled = Annotated[bool, _run("--compile", "Compile the networks with torch.compile.")]
Tensorboard = Annotated[bool, _run("--tensorboard", "Write the log for TensorBoard too (an extra).")]
