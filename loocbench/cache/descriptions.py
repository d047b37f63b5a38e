"""What a cache file says about itself: a JSON object in its own metadata.

Keys: ``kind``, ``dataset``, ``split``, ``images`` (how many), and what else determines the content: ``short_side`` of
decoded images; ``checkpoint``, ``model``, ``weights``, ``change``, ``rows``, ``spaces``, ``numerics`` of features.
Nothing in it depends on the moment: equal content gives equal files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loocbench import checksums
from loocbench.cache import tensor_files

_METADATA_KEY = "about"


def to_metadata(description: Mapping[str, Any]) -> dict[str, str]:
    """The metadata of a safetensors file that holds ``description``, with room for the file's checksum."""
    return {checksums.FIELD: checksums.BLANK, _METADATA_KEY: json.dumps(description)}


def read_description(path: Path) -> dict[str, Any]:
    """The description in a cache file; empty where there is none, or where the file cannot be read."""
    if not path.is_file():  # opening a FIFO would wait for ever
        return {}
    try:
        if path.suffix == ".json":
            found = checksums.take_checksum(json.loads(path.read_text(encoding="utf-8")))[0]
        else:
            found = json.loads(tensor_files.read_header(path)[1][_METADATA_KEY])
    except (OSError, ValueError, KeyError, AttributeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def format_description(description: Mapping[str, Any]) -> str:
    """Returns "cub200 test, 256 px", or "cub200 test, 3 of its images, moco-s0, float32, joined 1, cpu"."""
    if "dataset" not in description:
        return "unknown content"
    parts = [f"{description['dataset']} {description.get('split', '')}".strip()]
    if "short_side" in description:
        parts.append(f"{description['short_side']} px" + (" bicubic" if "interpolation" in description else ""))
    if "rows" in description:
        parts.append(f"{len(description['rows']):,} of its images")
    if description.get("kind") == "digests":
        parts.append("SHA-256 of its files")
    if description.get("kind") == "answer":
        parts.append("a kept row")
    if "damaged" in description:
        parts.append(f"{len(description['damaged']):,} damaged images")
    parts += [str(description[key]) for key in ("checkpoint", "change", "numerics") if description.get(key)]
    return ", ".join(parts)
