"""``loocbench pretrain``"""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o

_RECIPE = "Recipe"


def pretrain(
    dataset: o.DatasetName = "blooms",
    method: Annotated[
        str, typer.Option("--method", help="moco, moco++, looc, looc++.", rich_help_panel=_RECIPE)
    ] = "looc++",
    augment: Annotated[
        list[str] | None,
        typer.Option(
            "--augment",
            help="color, rotation (repeatable), beside crop, flip and blur; default color, with LooC both.",
            rich_help_panel=_RECIPE,
        ),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            "--leave-out",
            help="Augmentations with a space of their own (repeatable); default for LooC all that are used.",
            rich_help_panel=_RECIPE,
        ),
    ] = None,
    backbone: Annotated[
        str, typer.Option("--backbone", help="resnet8 (32-64 px), resnet18, resnet50, ...", rich_help_panel=_RECIPE)
    ] = "resnet8",
    image_size: Annotated[
        int | None, typer.Option("--image-size", min=8, max=3584, help="View size in pixels.", rich_help_panel=_RECIPE)
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", min=0, rich_help_panel=_RECIPE)] = 20,
    batch_size: Annotated[int, typer.Option("--batch-size", min=2, rich_help_panel=_RECIPE)] = 64,
    learning_rate: Annotated[float, typer.Option("--learning-rate", rich_help_panel=_RECIPE)] = 0.2,
    schedule: Annotated[str, typer.Option("--schedule", help="step or cosine.", rich_help_panel=_RECIPE)] = "cosine",
    milestone: Annotated[
        list[int] | None,
        typer.Option(
            "--milestone",
            help="Epoch at which step divides by 10 (repeatable); default 60 % and 80 %.",
            rich_help_panel=_RECIPE,
        ),
    ] = None,
    weight_decay: Annotated[float, typer.Option("--weight-decay", rich_help_panel=_RECIPE)] = 5e-4,
    queue_size: Annotated[int, typer.Option("--queue-size", rich_help_panel=_RECIPE)] = 1024,
    key_momentum: Annotated[float, typer.Option("--key-momentum", rich_help_panel=_RECIPE)] = 0.99,
    temperature: Annotated[float, typer.Option("--temperature", rich_help_panel=_RECIPE)] = 0.2,
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
    overwrite: o.Overwrite = False,
) -> None:
    """Pretrain MoCo, MoCo++, LooC or LooC++; leaves runs/NAME/ with checkpoint, card and log.

    The defaults are a small budget for 32 px on a CPU. The paper's: --backbone resnet50 --epochs 500 --batch-size 256
    --learning-rate 0.03 --schedule step --weight-decay 1e-4 --queue-size 16384 --key-momentum 0.999.
    """
    from loocbench import files
    from loocbench.cli.console import Display
    from loocbench.cli.measuring import device_name, opened
    from loocbench.data import prepared
    from loocbench.errors import UserError
    from loocbench.jobs import pretrain as job
    from loocbench.pretraining import recipes

    recipe = recipes.make(
        method,
        augmentations=augment or None,
        left_out=leave_out or None,
        backbone=backbone,
        image_size=image_size,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule,
        milestones=milestone or None,
        weight_decay=weight_decay,
        queue_size=queue_size,
        key_momentum=key_momentum,
        temperature=temperature,
        seed=seed,
    )
    if in_memory and on_device:
        raise UserError("--in-memory and --on-device exclude each other; leave one out.")
    where = cache or prepared.cache_dir()
    with Display() as display:
        images = opened(dataset, data_dir, where, display, skip_damaged=skip_damaged)
        path = job.pretrain(
            recipe,
            images,
            name=files.require_name("run", name) if name else job.run_name(recipe, images.name.replace(":", "-")),
            runs=runs,
            cache=where,
            device=device_name(device),
            overwrite=overwrite,
            watcher=display,
            hold="memory" if in_memory else "device" if on_device else "disk",
            remedy="Use it as it is, or run the same command with --overwrite to start again.",
        )
        display.say(f"checkpoint: {path}")
