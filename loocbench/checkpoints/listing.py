"""The checkpoints below a folder of runs, by their cards. Imports no torch."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from loocbench.checkpoints import card_file
from loocbench.errors import UserError


def find_newest(runs: Path = Path("runs")) -> Path:
    """The file of the most recently pretrained checkpoint below ``runs``, by the number and the date in its card.

    Imported checkpoints are left out: they must be named. Raises UserError if there is none.
    """
    cards = []
    for file in list_files(runs):
        try:
            card = card_file.read_card(file)
        except UserError:
            continue  # a damaged file must not hide the others; loading it by name reports it
        if card.recipe is not None:
            cards.append((card.number, card.created, file))
    if not cards:
        raise UserError(
            f"no checkpoint in {runs}/ yet; make one with 'loocbench pretrain' or name one with --checkpoint."
        )
    return max(cards)[-1]


def next_number(runs: Path) -> int:
    """The number of a checkpoint that is written below ``runs`` now: larger than those that are there."""
    numbers = [0]
    for file in list_files(runs):
        with suppress(UserError):  # a damaged file
            numbers.append(card_file.read_card(file).number)
    return max(numbers) + 1


def list_files(runs: Path) -> list[Path]:
    """The files of the checkpoints, by name."""
    return sorted(runs.glob(f"*/{card_file.FILE}"))
