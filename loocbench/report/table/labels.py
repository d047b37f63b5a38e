"""How metrics and figures are written, and which way a metric is better."""

from __future__ import annotations

import re

_WORDS = {"map": "mAP", "map at r": "mAP@R", "r precision": "R-precision"}


def metric(name: str) -> str:
    """ "top1" as "top-1", "species_recall10" as "species recall@10", "class_map_at_r" as "class mAP@R"."""
    words = re.sub(r"\btop(\d+)\b", r"top-\1", name.replace("_", " ").replace(":", " "))
    words = re.sub(r"\brecall(\d+)\b", r"recall@\1", words)
    for ending, written in sorted(_WORDS.items(), key=lambda pair: -len(pair[0])):
        if words == ending or words.endswith(f" {ending}"):
            return words[: len(words) - len(ending)] + written
    return words


def direction(name: str) -> int:
    """1 where higher is better, -1 where lower is, 0 where neither is: to stay the same is no merit by itself."""
    if name.endswith("_invariance"):
        return 0
    return -1 if name.endswith("_loss") else 1


def percent(value: float, *, signed: bool = False) -> str:
    """A fraction of 1 in per cent, at one decimal; a true minus sign, and never a negative zero."""
    text = f"{round(100 * value, 1) + 0.0:{'+' if signed else ''}.1f}"
    return text.replace("-", "−")


def p_value(p: float) -> str:
    """Three decimals, or how small it is."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
