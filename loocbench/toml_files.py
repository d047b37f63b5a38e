"""TOML files as validated pydantic models; mistakes are one-line errors."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from loocbench.errors import UserError

Model = TypeVar("Model", bound=BaseModel)


def read_card(path: Path, kind: type[Model]) -> Model:
    """Read ``path`` as ``kind``. Raises UserError naming the file, the field and what is expected."""
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"cannot read card {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"card {path} is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise UserError(f"card {path}, {explain(error, kind)}.") from error


def explain(error: ValidationError, kind: type[BaseModel]) -> str:
    """Return the mistake in words: "versoin: unknown key; did you mean 'version'?".

    A key that does not exist stands before one that is missing, which it may have been meant for.
    """
    every = error.errors()
    first = next((one for one in every if one["type"] == "extra_forbidden"), every[0])
    where = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        known = list(kind.model_fields) if len(first["loc"]) == 1 else []
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}'?" if near else f"; there are {', '.join(known)}" if known else ""
        return f"{where}: unknown key{hint}"
    said = first["msg"].removeprefix("Value error, ")
    return f"{where}: {said[:1].lower()}{said[1:]}" if where else said
