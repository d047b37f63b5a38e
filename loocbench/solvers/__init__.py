"""Solvers of the probes; those of convex problems certify their solutions.

``fit_logistic_path`` is public; it is imported when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loocbench.solvers.logistic import fit_logistic_path

__all__ = ["fit_logistic_path"]


def __getattr__(name: str) -> Any:
    """Import a public function on first use: the other solvers do not need its module."""
    if name == "fit_logistic_path":
        from loocbench.solvers.logistic import fit_logistic_path

        return fit_logistic_path
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
