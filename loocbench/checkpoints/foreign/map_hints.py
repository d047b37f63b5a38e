"""Lines of a key map that would help with a file, for messages: what is refused says what to write."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable

from loocbench.checkpoints.foreign import wrappers

# Ends of tensor names by which the beginning of a known network is found.
_LANDMARKS = re.compile(
    r"(?:layer1\.0\.conv1\.weight|patch_embed\.proj(?:ection)?\.weight|conv_proj\.weight|features\.0\.(?:0\.)?weight"
    r"|4\.0\.conv1\.weight|embeddings\.patch_embeddings\.projection\.weight|stem\.\w+\.weight)$"
)
_ENOUGH = 0.5  # of the missing tensors must be there under another prefix


def suggest_backbone(names: Collection[str]) -> str:
    """Return the line that names the backbone's prefix, as far as the names show one; else "".

    The beginning of a network whose names are known, or the prefix that most tensors share.
    """
    prefixes = [name[: match.start()] for name in names if (match := _LANDMARKS.search(name))]
    if prefixes:
        told = prefixes[0].endswith(".") and wrappers.strip_wrappers(f"{prefixes[0]}x") != "x"  # it is taken out anyway
        return _write_prefix(prefixes[0]) if told else ""
    first = Counter(name.partition(".")[0] for name in names if "." in name).most_common(1)
    return _write_prefix(f"{first[0][0]}.") if first and first[0][1] > len(names) / 2 else ""


def suggest_lines(names: Collection[str], missing: Collection[str], unexpected: Collection[str]) -> str:
    """Return the lines that would make a file fit a network, or "" if its names do not show any.

    names: of the file's tensors. missing: of the network's, by its library's names. unexpected: of the file's backbone.
    """
    wanted = set(missing)
    found: Counter[str] = Counter()
    for name in names:
        parts = name.split(".")
        found.update(".".join(parts[:cut]) + "." for cut in range(1, len(parts)) if ".".join(parts[cut:]) in wanted)
    if found and found.most_common(1)[0][1] >= _ENOUGH * len(wanted):
        return _write_prefix(found.most_common(1)[0][0])
    if unexpected and not missing:
        ends = dict.fromkeys(name.partition(".")[0] for name in unexpected)
        prefixes = dict.fromkeys(_find_prefix(end, names) for end in ends)
        return f"leave_out = [{', '.join(_quote(prefix) for prefix in list(prefixes)[:4])}]"
    return ""


def choose_one(first: str, second: str, bare: str) -> str:
    """Return the lines that choose the first of two tensors of the same name without its wrappers, ``bare``."""
    prefixes = [name.removesuffix(bare) for name in (first, second)]
    if not all(prefixes) or not all(name.endswith(bare) for name in (first, second)):
        prefixes = [name.partition(".")[0] + "." for name in (first, second)]
    return f"{_write_prefix(prefixes[0])} and leave_out = [{_quote(prefixes[1])}]"


def _find_prefix(first: str, names: Iterable[str]) -> str:
    """Return the beginning, up to a module called ``first``, of the names that have one."""
    whole = next((name for name in names if re.search(rf"(^|\.){re.escape(first)}(\.|$)", name)), first)
    match = re.search(rf"(?:^|\.){re.escape(first)}(?:\.|$)", whole)
    return whole[: match.end()] if match else first


def _write_prefix(prefix: str) -> str:
    return f'{_quote(prefix)} = "backbone"'


def _quote(text: str) -> str:
    return f'"{text}"'
