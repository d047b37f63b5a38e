"""What a plug-in declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from loocbench.data.entry import Entry
    from loocbench.evaluators.task_kind import TaskKind
    from loocbench.models.backbone import Backbone
    from loocbench.pretraining.methods.method import Method
    from loocbench.views.augmentations.augmentation import Augmentation

Part = Literal["datasets", "augmentations", "methods", "task_kinds", "architectures"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class Plugin:
    """Things that a module adds to loocbench's own, each as a plain value.

    name: of the plug-in, in rows and checkpoints. protocols: the fields of protocol cards, as in ``tasks/protocols/``;
    a task kind needs one at least.
    """

    name: str
    datasets: Sequence[Entry] = ()
    augmentations: Sequence[Augmentation] = ()
    methods: Sequence[Method] = ()
    task_kinds: Sequence[TaskKind[Any]] = ()
    protocols: Sequence[Mapping[str, Any]] = ()
    architectures: Sequence[Backbone] = ()

    def names(self, part: Part) -> list[str]:
        """Return the names of the things of one part."""
        return [one.name for one in getattr(self, part)]
