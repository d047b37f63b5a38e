"""Settings of evaluations: the options that commands share, and their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loocbench import files


@dataclass(frozen=True)
class InputSettings:
    """Location of checkpoints and images, and computation of features.

    data_dir: folder of the data sets' folders; None for ``$LOOCBENCH_DATA`` or the user's cache folder.
    skip_damaged: whether images that cannot be decoded are left out and recorded instead of refused. limit: at most so
    many images of each split, for a quick look; None for all.
    runs: folder of pretraining runs. device: auto, cpu or cuda[:N]. precision, compiled: of the forward pass.
    seed: of everything random in the evaluation. cache: folder for decoded images and features; None for the user's.
    """

    data_dir: Path | None = None
    skip_damaged: bool = False
    limit: int | None = None
    runs: Path = Path("runs")
    device: str = "auto"
    precision: str = "float32"
    compiled: bool = False
    seed: int = 0
    cache: Path | None = None


@dataclass(frozen=True)
class EvaluationSettings(InputSettings):
    """Input settings, and the folder of rows ``results/suite/``. overwrite: whether stored rows are measured again.
    dry_run: whether to tell how long it would take, and measure nothing.

    Raises UserError for a suite's name that cannot be a folder name.
    """

    results: Path = Path("results")
    suite: str = "local"
    overwrite: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        files.require_name("suite", self.suite)
