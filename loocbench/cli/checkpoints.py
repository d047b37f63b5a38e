"""``loocbench checkpoints inspect | import | export | push | pull``: checkpoints of any origin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import completing
from loocbench.cli import options as o
from loocbench.cli.requests import with_options

if TYPE_CHECKING:
    from loocbench.checkpoints.foreign.inspecting import ImportOptions, Inspection
    from loocbench.types import CheckpointCard

app = typer.Typer(
    no_args_is_help=True, help="Checkpoints of any origin: list, inspect, import, export, push to a hub, pull from it."
)

_LARGE = 100_000_000  # bytes
_NETWORK, _IMAGES = "Network", "Images"
ForeignReference = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A file, a folder of shards, torchvision:NAME[:WEIGHTS], timm:NAME or hf:ORG/REPO@REVISION.",
    ),
]
Reference = Annotated[
    str,
    typer.Argument(
        help="A run's name or folder, a file, torchvision:NAME …, as for probe.",
        autocompletion=completing.complete_checkpoint,
    ),
]
Repository = Annotated[str, typer.Argument(metavar="ORG/REPO", help="The hub's repository.")]


@dataclass(frozen=True)
class FileOptions:
    """Options that describe a foreign file's network and the preprocessing that it expects."""

    arch: Annotated[
        str,
        typer.Option(
            "--arch",
            help="resnet50, a torchvision name, timm:NAME, or your own package.module:function; "
            "default recognised from the tensors.",
            rich_help_panel=_NETWORK,
        ),
    ] = ""
    key_map: Annotated[
        Path | None,
        typer.Option(
            "--map", help="A key map: a TOML file that maps prefixes of tensor names.", rich_help_panel=_NETWORK
        ),
    ] = None
    head: Annotated[
        list[str] | None,
        typer.Option("--head", help="Prefix of tensors to leave out (repeatable).", rich_help_panel=_NETWORK),
    ] = None
    stem_padding: Annotated[
        int | None,
        typer.Option(
            "--stem-padding",
            min=1,
            max=3,
            help="Padding of a ResNet's 3×3 stem for small images.",
            rich_help_panel=_NETWORK,
        ),
    ] = None
    num_heads: Annotated[
        int | None,
        typer.Option("--num-heads", min=1, max=1024, help="Attention heads of a ViT.", rich_help_panel=_NETWORK),
    ] = None
    image_size: Annotated[
        int | None, typer.Option("--image-size", help="Centre crop, pixels.", rich_help_panel=_IMAGES)
    ] = None
    resize: Annotated[
        int | None, typer.Option("--resize", help="Short side before the crop, pixels.", rich_help_panel=_IMAGES)
    ] = None
    mean: Annotated[
        tuple[float, float, float] | None,
        typer.Option("--mean", help="Mean of R G B, in [0, 1].", rich_help_panel=_IMAGES),
    ] = None
    std: Annotated[
        tuple[float, float, float] | None,
        typer.Option("--std", help="Standard deviation of R G B, in [0, 1].", rich_help_panel=_IMAGES),
    ] = None
    interpolation: Annotated[
        str,
        typer.Option("--interpolation", help="Of resizing: bilinear or bicubic.", rich_help_panel=_IMAGES),
    ] = ""


@app.command("ls")
def list_checkpoints(runs: o.Runs = o.DEFAULT_RUNS, as_json: o.Json = False) -> None:
    """List the checkpoints that are here, trained or imported: model, data, the features that each offers."""
    from loocbench.checkpoints import card_file
    from loocbench.cli.console import stdout
    from loocbench.cli.listing import Heading, print_list
    from loocbench.jobs.runs import find_runs
    from loocbench.models import spaces
    from loocbench.pretraining.labels import model_label

    cards = [card for run in find_runs(runs) for card in run.list_checkpoints()]
    offered = [spaces.list_feature_names(card.spaces, separate=card_file.has_separate_stages(card)) for card in cards]
    if as_json:
        import json

        found = [
            {**card.model_dump(mode="json"), "features": names} for card, names in zip(cards, offered, strict=True)
        ]
        print(json.dumps({"checkpoints": found}))
        return
    headings = [Heading("checkpoint"), Heading("model", spare=1), Heading("trained on", spare=2)]
    headings += [Heading("features")]
    lines = (
        [card.name, model_label(card), card.dataset, ", ".join(names)]
        for card, names in zip(cards, offered, strict=True)
    )
    print_list(stdout(), headings, lines, all_by="--json has all")


@app.command("inspect")
@with_options(FileOptions)
def inspect_checkpoint(
    options: FileOptions,
    file: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT",
            help="A file, a folder of shards, a run's name or folder, torchvision:NAME …: all that --checkpoint takes.",
            autocompletion=completing.complete_checkpoint,
        ),
    ],
    runs: o.Runs = o.DEFAULT_RUNS,
    as_json: o.Json = False,
) -> None:
    """Show a checkpoint's family, architecture, matched and unmatched tensors, spaces and preprocessing."""
    from loocbench.cli import describing_checkpoints
    from loocbench.jobs import checkpoints as jobs

    _announce_large_file(file)
    inspected = jobs.inspect_checkpoint(file, _make_import_options(options), runs)
    describing_checkpoints.show_checkpoint(inspected, file, as_json=as_json)


@app.command("import")
@with_options(FileOptions)
def import_checkpoint(
    options: FileOptions,
    file: ForeignReference,
    name: Annotated[str, typer.Option("--name", help="Name in tables; default the file's name.")] = "",
    trained_on: Annotated[
        str, typer.Option("--trained-on", help="The data set, for tables; default as recorded with the file.")
    ] = "",
    runs: o.Runs = o.DEFAULT_RUNS,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
) -> None:
    """Import as a loocbench checkpoint; fails unless every tensor of the backbone is matched."""
    from loocbench.jobs import checkpoints as jobs

    _announce_large_file(file)
    import_options = _make_import_options(options, name=name, trained_on=trained_on)
    _show_imported(*jobs.import_checkpoint(file, import_options, runs, overwrite=overwrite), as_json=as_json)


@app.command("export")
def export_checkpoint(
    checkpoint: Reference,
    output: Annotated[Path, typer.Option("--output", help="The file: .pth, .safetensors or .onnx.")],
    layout: Annotated[str, typer.Option("--format", help="torchvision, timm or onnx.")] = "torchvision",
    space: Annotated[
        str | None,
        typer.Option("--space", help="The space whose last stage is written, if each has its own (LooC++)."),
    ] = None,
    features: o.Features = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    seed: o.Seed = 0,
) -> None:
    """Write the backbone with torchvision's or timm's tensor names, or the network from images to features as ONNX."""
    from loocbench.jobs import checkpoints as jobs

    print(jobs.export_checkpoint(checkpoint, layout, output, runs, space=space, features=features, seed=seed))
    print(f"written: {output}")


@app.command("push")
def push_checkpoint(
    checkpoint: Reference,
    repository: Repository,
    private: Annotated[bool, typer.Option("--private", help="Create the repository as a private one.")] = False,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Write the checkpoint's measured figures into its page.")
    ] = True,
    results: o.Results = o.DEFAULT_RESULTS,
    suite: Annotated[
        list[str] | None, typer.Option("--suite", help="Figures of this suite alone (repeatable); default all.")
    ] = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    seed: o.Seed = 0,
) -> None:
    """Upload a checkpoint to a hub's repository, with a page that has its measured figures in the hub's format."""
    from loocbench.cli.console import Display
    from loocbench.jobs import pushing

    with Display() as display:
        commit = pushing.push_checkpoint(
            checkpoint,
            repository,
            runs,
            results,
            suite or (),
            display,
            private=private,
            seed=seed,
            figures=figures,
        )
    print(f"pushed: hf:{repository}@{commit}")


@app.command("pull")
def pull_checkpoint(
    repository: Annotated[str, typer.Argument(metavar="ORG/REPO[@REVISION]", help="The hub's repository.")],
    name: Annotated[str, typer.Option("--name", help="Name of the checkpoint here; default its own.")] = "",
    runs: o.Runs = o.DEFAULT_RUNS,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
) -> None:
    """Fetch a checkpoint from a hub's repository; the commit is recorded in its card."""
    from loocbench.jobs import checkpoints as jobs

    _show_imported(*jobs.pull_checkpoint(repository, name, runs, overwrite=overwrite), as_json=as_json)


def _announce_large_file(file: str) -> None:
    """Tell the user that a large file is being read, which takes a while: it is hashed as a whole."""
    from loocbench.cli.console import Display
    from loocbench.errors import printable

    path = Path(file)
    paths = [path] if path.is_file() else path.iterdir() if path.is_dir() else []
    if (size := sum(one.stat().st_size for one in paths if one.is_file())) > _LARGE:
        Display().info(f"reading {printable(path.name)}, {size / 1e6:,.0f} MB")


def _make_import_options(options: FileOptions, *, name: str = "", trained_on: str = "") -> ImportOptions:
    from loocbench.checkpoints.foreign.inspecting import ImportOptions
    from loocbench.checkpoints.foreign.preprocessing import PreprocessingOverrides, read_interpolation

    return ImportOptions(
        arch=options.arch,
        key_map=options.key_map,
        heads=tuple(options.head or ()),
        name=name,
        trained_on=trained_on,
        preprocessing=PreprocessingOverrides(
            options.image_size, options.resize, options.mean, options.std, read_interpolation(options.interpolation)
        ),
        stem_padding=options.stem_padding,
        architecture_options={"num_heads": options.num_heads} if options.num_heads else {},
    )


def _show_imported(card: CheckpointCard, path: Path, inspection: Inspection | None, *, as_json: bool) -> None:
    """Print the imported checkpoint, and the command that evaluates it."""
    from loocbench.cli import describing_checkpoints
    from loocbench.cli.console import stdout
    from loocbench.errors import printable

    if as_json:
        import json

        print(json.dumps({"checkpoint": str(path), "card": card.model_dump(mode="json")}))
        return
    if inspection:
        describing_checkpoints.show_checkpoint(inspection, inspection.contents.path.name, as_json=False)
    console = stdout()
    console.print(f"checkpoint: {printable(str(path))}", highlight=False, soft_wrap=True, markup=False)
    console.print(
        f"measure it: loocbench probe --checkpoint {card.name}", highlight=False, soft_wrap=True, markup=False
    )
