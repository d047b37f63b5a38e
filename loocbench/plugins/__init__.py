"""Data sets, augmentations, methods, task kinds and architectures of the user's own; see docs/plugins.md."""

from loocbench.plugins.plugin import Plugin

__all__ = ["Plugin"]
