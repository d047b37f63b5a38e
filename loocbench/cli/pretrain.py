"""``loocbench pretrain``: pretraining of one model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption

from loocbench.cli import options as o
from loocbench.cli import pretrain_options as p


class PretrainCommand(TyperCommand):
    """A command whose help names methods and defaults; their tables are imported only to show it.

    ``--resume`` may stand without its value, which then is empty.
    """

    def parse_args(self, ctx, args):  # type: ignore[no-untyped-def]  # as in ``guard``
        """Give ``--resume`` without a name an empty one."""
        following = [*args, "-"][1:]
        bare = [one == "--resume" and after.startswith("-") for one, after in zip(args, following, strict=True)]
        return super().parse_args(ctx, ["--resume=" if alone else one for one, alone in zip(args, bare, strict=True)])

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


# Options by another name than the recipe's field, or the run's option, that they set.
_FIELDS = {
    "augment": "augmentations",
    "leave_out": "left_out",
    "same": "shared",
    "milestone": "milestones",
    "keep_epoch": "keep_epochs",
}


def _given(ctx: typer.Context) -> dict[str, Any]:
    """Return the options that stand on the command line, by the names of ``jobs.resuming``."""
    given = {
        _FIELDS.get(name, name): value
        for name, value in ctx.params.items()
        if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"
    }
    for flag in ("in_memory", "on_device"):
        if given.pop(flag, False):
            given["hold"] = flag.split("_")[1]
    return {name: str(value.resolve()) if isinstance(value, Path) else value for name, value in given.items()}


def pretrain(
    ctx: typer.Context,
    recipe: p.RecipeName = None,
    init: p.Init = None,
    dataset: p.DatasetName = None,
    method: p.Method = None,
    augment: p.Augment = None,
    leave_out: p.LeaveOut = None,
    same: p.Same = None,
    texture: p.Texture = None,
    stylised: p.Stylised = None,
    backbone: p.Backbone = None,
    image_size: p.ImageSize = None,
    epochs: p.Epochs = None,
    batch_size: p.BatchSize = None,
    learning_rate: p.LearningRate = None,
    schedule: p.Schedule = None,
    milestone: p.Milestone = None,
    weight_decay: p.WeightDecay = None,
    queue_size: p.QueueSize = None,
    key_momentum: p.KeyMomentum = None,
    temperature: p.Temperature = None,
    groups: p.Groups = None,
    keep_last: p.KeepLast = None,
    precision: p.Precision = None,
    name: p.RunName = None,
    data_dir: o.DataDir = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    cache: o.Cache = None,
    skip_damaged: o.SkipDamaged = False,
    limit: p.Limit = None,
    in_memory: p.InMemory = False,
    on_device: p.OnDevice = False,
    resume: p.Resume = None,
    extend: p.Extend = None,
    save_minutes: p.SaveMinutes = 10.0,
    keep: p.Keep = 2,
    keep_epoch: p.KeepEpoch = None,
    knn_every: p.KnnEvery = 10,
    compiled: p.Compiled = False,
    tensorboard: p.Tensorboard = False,
    overwrite: o.Overwrite = False,
    dry_run: o.DryRun = False,
) -> None:
    """Pretrain LooC, LooC++ or a method that they are compared with: runs/NAME/ with checkpoint, card and log.

    The defaults are a small budget for 24 px on a CPU; --recipe paper/looc++ is the paper's. On several GPUs:
    torchrun --nproc-per-node 8 -m loocbench pretrain ...
    """
    from loocbench import ranks
    from loocbench.cli.console import Display
    from loocbench.cli.show_rows import print_estimate
    from loocbench.errors import SharedError, UserError
    from loocbench.jobs import pretrain as job
    from loocbench.jobs import resuming
    from loocbench.runs.folder import RunFolder

    if in_memory and on_device:
        raise UserError("--in-memory and --on-device exclude each other; leave one out.")
    if resume is not None and overwrite:
        raise UserError("--resume and --overwrite exclude each other; leave one out.")
    if resume and name and resume != name:
        raise UserError(f"--resume {resume} names the run; leave --name {name} out.")
    if extend and not (resume or (resume is not None and name)):
        raise UserError("--extend goes with --resume NAME, the finished run that is extended.")
    resumed = resume or (name if resume is not None and name and (extend or RunFolder(runs / name).has_run()) else "")
    tell_minutes = (lambda run, found: print_estimate(run, found, as_json=False)) if dry_run else None
    try:
        with Display() as display:
            if resumed:
                given = _given(ctx)
                resuming.resume_run(
                    resumed,
                    runs=runs,
                    given=given,
                    extend=extend or 0,
                    cache=cache,
                    device=device,
                    tell_minutes=tell_minutes,
                    reporter=display,
                )
                return
            job.pretrain(
                method,
                dataset,
                recipe=recipe,
                init=init,
                name=name,
                data_dir=data_dir,
                runs=runs,
                cache=cache,
                device=device,
                seed=seed,
                existing="resume" if resume is not None else "overwrite" if overwrite else "refuse",
                hold="memory" if in_memory else "device" if on_device else "disk",
                skip_damaged=skip_damaged,
                limit=limit or 0,
                stylised=stylised,
                save_minutes=save_minutes,
                keep=keep,
                keep_epochs=keep_epoch or (),
                knn_every=knn_every,
                compiled=compiled,
                tensorboard=tensorboard,
                tell_minutes=tell_minutes,
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
