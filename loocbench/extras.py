"""Optional dependencies: imported on demand, or a UserError that says how to install them."""

from __future__ import annotations

import importlib
from typing import Any

from loocbench.errors import UserError


def require(module: str, extra: str) -> Any:
    """Import ``module``, which loocbench's ``extra`` installs. Raises UserError naming the extra if it is missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise UserError(f"this needs {module}; install it with: pip install 'loocbench[{extra}]'") from error
