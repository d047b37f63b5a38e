"""loocbench: pretrain LooC and LooC++, and measure which information a representation kept.

    import loocbench

    checkpoint = loocbench.pretrain("looc++", "blooms")
    row = loocbench.evaluate(checkpoint, "linear/blooms-color")
    row.metrics["top1"].value

docs/api.md describes the public functions. Importing the package imports nothing that they need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loocbench.jobs.api import evaluate, load
    from loocbench.jobs.pretrain import pretrain
    from loocbench.plugins.adding import use_plugins

__version__ = "0.1.0"
__all__ = ["__version__", "evaluate", "load", "pretrain", "use_plugins"]

_FUNCTIONS = {
    "evaluate": "loocbench.jobs.api",
    "load": "loocbench.jobs.api",
    "pretrain": "loocbench.jobs.pretrain",
    "use_plugins": "loocbench.plugins.adding",
}


def __getattr__(name: str) -> Any:
    """Import a public function when it is asked for."""
    if name not in _FUNCTIONS:
        raise AttributeError(f"module 'loocbench' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_FUNCTIONS[name]), name)
