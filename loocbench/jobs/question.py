"""A question: one task on one checkpoint's features, as a command asks it. Nothing heavy is imported to ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from loocbench.cache import layout
from loocbench.jobs.settings import EvaluationSettings

if TYPE_CHECKING:
    from loocbench.cards.tasks import TaskCard

Finder = Literal["find_task", "find_few_shot_task", "find_named_task"]
_OF_THE_COMMAND = {"overwrite", "dry_run"}  # settings that say what to do, not which row is meant


@dataclass(frozen=True)
class Question:
    """finder, arguments: the function of ``cards.finding`` that finds the task. checkpoint: None for the newest run.
    features: None for those that its method is evaluated on."""

    finder: Finder
    arguments: Mapping[str, Any]
    checkpoint: str | None
    features: str | None
    settings: EvaluationSettings

    @property
    def cache(self) -> Path:
        """The folder for what can be made again."""
        return self.settings.cache or layout.cache_dir()

    def find_task(self) -> TaskCard:
        """Return the task. Raises UserError with the names that exist."""
        from loocbench.cards import finding

        card: TaskCard = getattr(finding, self.finder)(**self.arguments)
        return card

    def describe(self) -> dict[str, Any]:
        """Return all that was asked, as JSON holds it."""
        settings = {name: value for name, value in asdict(self.settings).items() if name not in _OF_THE_COMMAND}
        return {
            "finder": self.finder,
            "arguments": dict(self.arguments),
            "checkpoint": self.checkpoint,
            "features": self.features,
            "settings": {name: str(value) if isinstance(value, Path) else value for name, value in settings.items()},
        }
