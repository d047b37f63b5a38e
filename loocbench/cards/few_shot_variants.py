"""Few-shot protocols of any number of shots, ways and trials: shipped cards with other numbers, named after them."""

from __future__ import annotations

import re

from loocbench.cards.protocols import ProtocolCard, load_protocols
from loocbench.errors import UserError

EPISODES, FEW_SHOT = "episodes", "few-shot"
_NAMES = {
    FEW_SHOT: re.compile(r"(?P<shots>\d+)(?P<path>-path)?(?:-(?P<trials>\d+)trials)?"),
    EPISODES: re.compile(r"(?P<ways>\d+)way-(?P<shots>\d+)shot(?:-(?P<trials>\d+)trials)?"),
}


def make_few_shot(shots: int, *, ways: int = 0, trials: int | None = None, solver: str = "adam") -> ProtocolCard:
    """Return the protocol of K shots of all classes, or of episodes of ``ways`` classes.

    trials: draws or episodes; default the shipped cards' (10, 2,000). solver: "adam" or "path"; episodes have one.
    Every other setting is the shipped card's; the L2 strength of episodes is 1 / (ways x shots), as theirs. Raises
    UserError for numbers that make no task.
    """
    if shots < 1 or (trials is not None and trials < 2) or ways == 1 or ways < 0:
        raise UserError("few shots need --shots of 1 or more, --ways of 2 or more (or 0: all classes), --trials of 2.")
    kind = EPISODES if ways else FEW_SHOT
    bases = [card for card in load_protocols(kind) if ways or getattr(card.settings, "solver", "") == solver]
    if not bases:
        raise UserError(f"unknown solver '{solver}'. Available: adam, path.")
    base = bases[0]
    settings = base.settings.model_dump(exclude_unset=True)
    usual = settings["trials"]
    settings |= {"shots": shots, "trials": trials or usual}
    if ways:
        settings |= {"ways": ways, "lambdas": [1 / (ways * shots)]}
    for card in load_protocols(kind):
        if card.settings.model_dump() == type(card.settings).model_validate(settings).model_dump():
            return card
    ending = f"-{trials}trials" if trials and trials != usual else ""
    if ways:
        variant, title = f"{ways}way-{shots}shot{ending}", f", {ways}-way {shots}-shot"
    else:
        variant = f"{shots}{'-path' if solver == 'path' else ''}{ending}"
        title = f" {shots}-shot, {'Adam' if solver == 'adam' else 'path'}"
    said = f" Here: {shots} a class, {f'{ways} classes, ' if ways else ''}{trials or usual} trials."
    return base.model_copy(
        update={
            "protocol": f"{kind}-{variant}",
            "variant": variant,
            "title_suffix": title + (f", {trials} trials" if ending else ""),
            "description": f"As {base.protocol}, with other numbers.{said}",
            "settings": type(base.settings).model_validate(settings),
        }
    )


def find_few_shot(kind: str, variant: str) -> ProtocolCard | None:
    """Return the protocol that :func:`make_few_shot` names so; None for any other name."""
    match = _NAMES[kind].fullmatch(variant) if kind in _NAMES else None
    if match is None:
        return None
    found = match.groupdict()
    numbers = {name: int(found[name]) for name in ("shots", "ways", "trials") if found.get(name)}
    try:
        card = make_few_shot(**numbers, solver="path" if found.get("path") else "adam")
    except UserError:
        return None
    return card if card.variant == variant else None
