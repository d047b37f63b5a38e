"""The README.md of a hub's repository: made anew where loocbench made it, else kept but for the measured figures."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from loocbench.errors import UserError
from loocbench.exports.model_index import is_own_result
from loocbench.extras import require

INDEX = "model-index"
_SIGNATURE = re.compile(r"\n<!-- made by loocbench, SHA-256 ([0-9a-f]{64}) -->\n\Z")


def update_page(existing: str | None, fresh: str, index: Sequence[Mapping[str, Any]], *, figures: bool = True) -> str:
    """Return the page to upload, with the figures of ``index``, a model index.

    existing: the repository's page, if it has one. One that loocbench made and nobody edited gives way to ``fresh``;
    any other stays byte for byte but for the figures that loocbench wrote, and without ``figures`` as a whole. Raises
    UserError for metadata that cannot be read, or not be changed without a loss.
    """
    if existing is None or _is_unedited(existing):
        return _sign(replace_figures(fresh, index))
    return replace_figures(existing, index) if figures else existing


def replace_figures(page: str, index: Sequence[Mapping[str, Any]]) -> str:
    """Return a page whose metadata have the results of ``index`` in place of those that loocbench wrote before.

    Results of others stay. Raises UserError as :func:`update_page`.
    """
    found = require("huggingface_hub.repocard", "hub").REGEX_YAML_BLOCK.search(page)
    newline = "\r\n" if "\r\n" in page else "\n"
    if not found:
        block = _dump(index, newline)
        return f"---{newline}{block}---{newline}{page}" if index else page
    front = found.group(2)
    before = _load(front)
    old = before.get(INDEX)
    merged = _merge(old, index)
    if merged == (old or []):
        return page
    lines = [f"{line}{newline}" for line in front.splitlines()]
    begin, end = _find_block(lines)
    after = "".join([*lines[:begin], _dump(merged, newline), *lines[end:]]).removesuffix(newline)
    wanted = {name: value for name, value in before.items() if name != INDEX} | ({INDEX: merged} if merged else {})
    if not _holds(after, wanted):
        raise UserError(
            f"the {INDEX} of the repository's README.md cannot be changed without a loss; write it as a block at the "
            "end of the metadata, or push with --no-figures."
        )
    return f"{page[: found.start(2)]}{after}{page[found.end(2) :]}"


def _merge(old: Any, index: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a model index without the results that loocbench wrote before, and with those of ``index``."""
    merged: list[dict[str, Any]] = []
    try:
        for entry in old or []:
            others = [result for result in entry["results"] if not is_own_result(result)]
            if others or not entry["results"]:
                merged.append({**entry, "results": others})
    except (TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"the {INDEX} of the repository's README.md is not in the hub's format; mend it, or push with --no-figures."
        ) from error
    for entry in index:
        same = next((one for one in merged if one.get("name") == entry["name"]), None)
        if same is None:
            merged.append(dict(entry))
        else:
            same["results"] = [*same["results"], *entry["results"]]
    return merged


def _find_block(lines: Sequence[str]) -> tuple[int, int]:
    """Return where the lines of the key ``model-index`` begin and end; the end of all lines twice if there is none.

    Comments and empty lines between it and the next key belong to that.
    """
    key = re.compile(rf"(['\"]?){INDEX}\1\s*:")
    begin = next((place for place, line in enumerate(lines) if key.match(line)), len(lines))
    end = min(begin + 1, len(lines))
    for place in range(end, len(lines)):
        if lines[place].startswith((" ", "\t", "-")) and lines[place].strip():
            end = place + 1
        elif lines[place].strip() and not lines[place].startswith("#"):
            break
    return begin, end


def _load(front: str) -> dict[str, Any]:
    yaml = require("yaml", "hub")
    try:
        loaded = yaml.safe_load(front)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"the metadata of the repository's README.md are not YAML ({reason}); mend them.") from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise UserError("the metadata of the repository's README.md are not a table of names and values; mend them.")
    return loaded


def _holds(front: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return _load(front) == wanted
    except UserError:
        return False


def _dump(index: Sequence[Mapping[str, Any]], newline: str) -> str:
    if not index:
        return ""
    utilities = require("huggingface_hub.utils", "hub")
    text: str = utilities.yaml_dump({INDEX: [dict(one) for one in index]}, sort_keys=False)
    return text.replace("\n", newline)


def _sign(page: str) -> str:
    """Return a page with its hash at the end, by which a later push knows that nobody edited it."""
    return f"{page}\n<!-- made by loocbench, SHA-256 {hashlib.sha256(page.encode()).hexdigest()} -->\n"


def _is_unedited(page: str) -> bool:
    found = _SIGNATURE.search(page)
    return bool(found and hashlib.sha256(page[: found.start()].encode()).hexdigest() == found.group(1))
