"""Errors of runs that cannot continue, each with a way out."""

from __future__ import annotations

import gc
import json

import torch

from loocbench import files
from loocbench.errors import SharedError, UserError
from loocbench.pretraining.loop import NotFiniteError
from loocbench.runs import memory
from loocbench.runs.folder import NOT_FINITE
from loocbench.runs.writing import RunWriter
from loocbench.types import Recipe, Split


def describe_not_finite(
    error: NotFiniteError, folder: RunWriter, recipe: Recipe, split: Split, *, write: bool
) -> SharedError:
    """The error that names the batch's images and the last good checkpoint.

    The images are also written to ``not-finite.json``, if this process writes.
    """
    names = [split.items[row] for row in error.indices]
    path = folder.path / NOT_FINITE
    if write:
        batch = {"epoch": error.epoch, "step": error.step, "images": names}
        files.write_text(path, json.dumps(batch, indent=1) + "\n")
    good = None if folder.replaces else folder.checkpoint if folder.checkpoint.exists() else folder.newest_state()
    kept = f"the last good checkpoint is {good}" if good else "no epoch had ended"
    return SharedError(
        f"{error} (images {', '.join(names[:3])} … in {path}); {kept}. Lower --learning-rate "
        f"(now {recipe.learning_rate:g}) and start again with --overwrite."
    )


def describe_out_of_memory(recipe: Recipe, on: torch.device, processes: int) -> UserError:
    """The error that says which batch fits, found by trying: the run's own memory must have been freed before."""
    gc.collect()
    if on.type == "cuda":
        torch.cuda.empty_cache()
    fits = memory.find_fitting_group(recipe, on)
    what = f"groups of {-(-recipe.batch_size // recipe.groups)} images do not fit into the memory of {on}"
    if not fits:
        return UserError(f"{what}, and not even 2 do; choose a smaller --backbone.")
    groups = processes * -(-recipe.batch_size // (fits * processes))
    return UserError(
        f"{what}; {fits} do: use --batch-size {fits * recipe.groups}, or --groups {groups} for the same batch."
    )
