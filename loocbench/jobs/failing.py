"""What a run that cannot go on says, and which way out it names."""

from __future__ import annotations

import gc
import json

import torch

from loocbench import files
from loocbench.errors import SharedError, UserError
from loocbench.jobs.run_folder import RunFolder
from loocbench.pretraining import memory
from loocbench.pretraining.loop import NotFiniteError
from loocbench.types import Recipe, Split


def not_finite(error: NotFiniteError, folder: RunFolder, recipe: Recipe, split: Split, *, write: bool) -> SharedError:
    """The batch's image names, also in ``not-finite.json`` if this process writes, and the last good checkpoint."""
    names = [split.items[row] for row in error.indices]
    path = folder.path / "not-finite.json"
    if write:
        batch = {"epoch": error.epoch, "step": error.step, "images": names}
        files.write_text(path, json.dumps(batch, indent=1) + "\n")
    state = folder.newest_state()
    good = folder.checkpoint if folder.checkpoint.exists() else state
    kept = f"the last good checkpoint is {good}" if good else "no epoch had ended"
    return SharedError(
        f"{error} (images {', '.join(names[:3])} … in {path}); {kept}. Lower --learning-rate "
        f"(now {recipe.learning_rate:g}) and start again with --overwrite."
    )


def out_of_memory(recipe: Recipe, on: torch.device, processes: int) -> UserError:
    """Which batch fits, found by trying. Everything that the run held must have been let go."""
    gc.collect()
    if on.type == "cuda":
        torch.cuda.empty_cache()
    fits, batch = memory.fitting_batch(recipe, on), recipe.batch_size
    if not fits:
        return UserError(f"not even batches of 2 fit into the memory of {on}; choose a smaller --backbone.")
    return UserError(
        f"batches of {batch} in {recipe.groups} group(s) do not fit into the memory of {on}; --batch-size {fits} fits, "
        f"and so does this batch in --groups {processes * -(-batch // fits)}."
    )
