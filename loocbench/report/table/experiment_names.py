"""Experiments by the names that users type."""

from __future__ import annotations

import re
from collections.abc import Sequence

from loocbench.errors import UserError
from loocbench.pretraining.methods import evaluated_features
from loocbench.report.table.experiments import Experiment, group_rows
from loocbench.types import Row


def find_line(experiments: Sequence[Experiment], text: str) -> Experiment:
    """The line of a table named by "MODEL, FEATURES", or by a model or checkpoint that has a single line.

    Case does not matter. Raises UserError, with the names that exist, if no line or more than one fits.
    """
    wanted = text.casefold().strip()
    tries = (
        [one for one in experiments if one.name.casefold() == wanted],
        [one for one in experiments if one.model.casefold() == wanted],
        [one for one in experiments if wanted in {name.casefold() for name in one.checkpoints}],
    )
    found = next((fitting for fitting in tries if fitting), [])
    if len(found) == 1:
        return found[0]
    names = "; ".join(dict.fromkeys(one.name for one in (found or experiments)))
    if found:
        raise UserError(f"'{text}' fits {len(found)} lines; say which, or filter: {names}.")
    raise UserError(f"no line '{text}'. There are: {names}.")


def _plain(name: str) -> str:
    """A name in lower case in which all that separates its parts is a hyphen: "random:resnet8" is "random-resnet8"."""
    return re.sub(r"[^\w.+]+", "-", name.casefold()).strip("-")


def _plain_names(checkpoint: str) -> set[str]:
    """What a checkpoint's name may be shortened to: without its seed, and without "random" before it."""
    whole = _plain(checkpoint)
    every = {whole, re.sub(r"-s\d+$", "", whole)}
    return every | {name.removeprefix("random-") for name in every}


def find_experiment(rows: Sequence[Row], text: str) -> Experiment:
    """The experiment named by "NAME" or "NAME@FEATURES"; NAME is a checkpoint, or a model with all of its seeds.

    Without features: those on which the method is evaluated, or the only ones measured. Raises UserError with the
    names that exist.
    """
    name, _, features = text.partition("@")
    folded = name.casefold()
    fitting = [row for row in rows if row.checkpoint.casefold() == folded] or [
        row
        for row in rows
        if folded in (f"{row.checkpoint}-{row.checkpoint_hash[:8]}".casefold(), row.model.casefold())
    ]
    fitting = fitting or [row for row in rows if _plain(name) in _plain_names(row.checkpoint)]
    if not fitting:
        known = dict.fromkeys(text for row in rows for text in (row.model, row.checkpoint))
        raise UserError(f"no rows of '{name}'. There are: {', '.join(known)}.")
    offered = list(dict.fromkeys(row.features for row in fitting))
    if not features:
        usual = {evaluated_features(row.recipe.method if row.recipe else "") for row in fitting}
        features = next((one for one in offered if len(offered) == 1 or {one} == usual), "")
    chosen = [row for row in fitting if row.features == features]
    if not chosen:
        raise UserError(f"say which features of '{name}' with '{name}@FEATURES': {', '.join(offered)}.")
    found = group_rows(chosen)
    if len(found) > 1:
        names = "; ".join(f"{sorted(one.checkpoints)[0]}: {one.trained_on}" for one in found)
        raise UserError(f"'{text}' fits {len(found)} experiments; name a checkpoint: {names}.")
    return found[0]
