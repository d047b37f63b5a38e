"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import completing
from loocbench.errors import UserError

DATA, MODEL, OUTPUT = "Data", "Model", "Output"

DatasetName = Annotated[
    str,
    typer.Option(
        "--dataset",
        help="A data set of 'loocbench datasets ls', torchvision:NAME, or folder:PATH for any folder of images.",
        autocompletion=completing.complete_dataset,
        rich_help_panel=DATA,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder that holds the data sets' folders; default $LOOCBENCH_DATA, then the user's cache folder.",
        rich_help_panel=DATA,
    ),
]
SkipDamaged = Annotated[
    bool,
    typer.Option(
        "--skip-damaged",
        help="Leave out images that cannot be decoded, and record which; otherwise the first one stops the run.",
        rich_help_panel=DATA,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=2,
        help="For a quick look: at most so many images of each split, every class in proportion; rows say so.",
        rich_help_panel=DATA,
    ),
]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        help="A checkpoint file of any origin, a run's name or folder, torchvision:NAME[:WEIGHTS], timm:NAME, "
        "hf:ORG/REPO@REVISION, or random:BACKBONE; default the newest run.",
        autocompletion=completing.complete_checkpoint,
        rich_help_panel=MODEL,
    ),
]
Features = Annotated[
    str | None,
    typer.Option(
        "--features",
        help="looc (general space), looc++ (concatenated sub-spaces), head:NAME; inside the network stage:3, block:-1, "
        "blocks:-4 or projection:NAME; or several joined by +; default those that the method is evaluated on.",
        rich_help_panel=MODEL,
    ),
]
Spaces = Annotated[
    list[str] | None,
    typer.Option(
        "--features",
        help="As for probe (repeatable); every-block: all blocks or stages, by depth; default every space alone.",
        rich_help_panel=MODEL,
    ),
]
Runs = Annotated[Path, typer.Option("--runs", help="Folder of the pretraining runs.", rich_help_panel=MODEL)]


def _check_seed(seed: int) -> int:
    """Return the seed. Raises UserError for one that no generator takes."""
    if not 0 <= seed < 2**63:
        raise UserError(f"--seed {seed} is out of range; choose one from 0 to {2**63 - 1}.")
    return seed


Device = Annotated[str, typer.Option("--device", help="auto, cpu, or cuda[:N].", rich_help_panel=MODEL)]
Precision = Annotated[
    str,
    typer.Option(
        "--precision",
        help="Precision of the forward pass: float32, bfloat16 or float16; features are float32.",
        rich_help_panel=MODEL,
    ),
]
Compile = Annotated[
    bool,
    typer.Option(
        "--compile",
        help="Compute features with torch.compile: faster on a GPU, a minute slower to start.",
        rich_help_panel=MODEL,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", callback=_check_seed, help="Seed of everything random in this command.", rich_help_panel=MODEL
    ),
]
Results = Annotated[Path, typer.Option("--results", help="Folder of the measured rows.", rich_help_panel=OUTPUT)]
Suite = Annotated[
    str, typer.Option("--suite", help="Name of the group of rows, a folder below --results.", rich_help_panel=OUTPUT)
]
Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="Folder for decoded images and features.", rich_help_panel=OUTPUT),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that exist already.", rich_help_panel=OUTPUT)
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Only tell how many minutes it would take, and why.", rich_help_panel=OUTPUT),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.", rich_help_panel=OUTPUT)]

DEFAULT_RUNS = Path("runs")
DEFAULT_RESULTS = Path("results")
DEFAULT_SUITE = "local"
