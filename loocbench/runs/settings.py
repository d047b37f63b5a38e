"""Settings of a run that do not change its weights, but for ``compiled``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from loocbench.types import Dataset

if TYPE_CHECKING:
    import torch

    from loocbench.data.prepared import DeviceImages, PreparedImages

Hold = Literal["disk", "memory", "device"]  # where the decoded images are while the network trains
HOLD: dict[Hold, Callable[[PreparedImages, torch.device], PreparedImages | DeviceImages]] = {
    "disk": lambda images, on: images,
    "memory": lambda images, on: images.in_memory(),
    "device": lambda images, on: images.on_device(on),
}


@dataclass(frozen=True)
class DataSource:
    """Where a run's images were found, as the options said. data_dir, stylised: "" where they were not given. limit: at
    most so many images of each split; 0: all."""

    dataset: str
    data_dir: str = ""
    skip_damaged: bool = False
    stylised: str = ""
    limit: int = 0

    @classmethod
    def from_options(
        cls, dataset: str, data_dir: Path | None, *, skip_damaged: bool, stylised: Path | None, limit: int = 0
    ) -> DataSource:
        """Make paths absolute: a run may be resumed from another folder."""
        prefix, colon, path = dataset.partition(":")
        if colon and Path(path).is_dir():
            dataset = f"{prefix}:{Path(path).resolve()}"
        places = ["" if one is None else str(one.resolve()) for one in (data_dir, stylised)]
        return cls(dataset, places[0], skip_damaged, places[1], limit)


@dataclass(frozen=True)
class RunSettings:
    """How a run is saved and monitored.

    hold: where the decoded images are while the network trains. save_minutes: the longest time between two states.
    keep: how many states are kept. keep_epochs: the epochs after which the checkpoint is kept, too. knn_every: epochs
    between two measurements of kNN accuracy on held-out images; 0 for none. stylised: the data set's stylised copies,
    if the recipe uses them. compiled: whether the networks are compiled with torch.compile. tensorboard: whether the
    log is written for TensorBoard too. resume_hint: how to resume, for the message of a run that was stopped. source:
    where the images were found, for resuming without saying it again; default the data set's own name.
    """

    hold: Hold = "disk"
    save_minutes: float = 10.0
    keep: int = 2
    keep_epochs: tuple[int, ...] = ()
    knn_every: int = 10
    stylised: Dataset | None = None
    compiled: bool = False
    tensorboard: bool = False
    resume_hint: str = "Run the command with --resume to go on."
    source: DataSource | None = None
