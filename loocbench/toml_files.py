"""TOML files as validated pydantic models; mistakes are one-line errors."""

from __future__ import annotations

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
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"card {path}{f', {where}' if where else ''}: {first['msg'].lower()}.") from error
