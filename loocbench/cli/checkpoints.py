"""``loocbench checkpoints inspect | import | export | push | pull``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o

if TYPE_CHECKING:
    from loocbench.checkpoints.foreign.importing import Choice, Examination
    from loocbench.types import CheckpointCard

app = typer.Typer(no_args_is_help=True, help="Any checkpoint: inspect, import, export, push to a hub and pull from it.")

_LARGE = 100_000_000  # bytes
_NETWORK, _IMAGES = "Network", "Images"
Reference = Annotated[
    str, typer.Argument(metavar="FILE", help="A file, torchvision:NAME[:WEIGHTS], timm:NAME or hf:ORG/REPO@REVISION.")
]
Arch = Annotated[
    str,
    typer.Option(
        "--arch",
        help="resnet50, a name of torchvision's, timm:NAME, or package.module:function of your own; "
        "default what the tensors say.",
        rich_help_panel=_NETWORK,
    ),
]
Map = Annotated[
    Path | None,
    typer.Option("--map", help="A TOML file that says which prefix is what.", rich_help_panel=_NETWORK),
]
Head = Annotated[
    list[str] | None,
    typer.Option("--head", help="Tensors to leave out, by their prefix (repeatable).", rich_help_panel=_NETWORK),
]
StemPadding = Annotated[
    int | None,
    typer.Option(
        "--stem-padding", min=1, max=3, help="Of a ResNet's 3×3 stem for small images.", rich_help_panel=_NETWORK
    ),
]
NumHeads = Annotated[
    int | None,
    typer.Option("--num-heads", min=1, max=1024, help="Of a ViT's attention.", rich_help_panel=_NETWORK),
]
ImageSize = Annotated[int | None, typer.Option("--image-size", help="Centre crop, pixels.", rich_help_panel=_IMAGES)]
Resize = Annotated[int | None, typer.Option("--resize", help="Short side before it.", rich_help_panel=_IMAGES)]
Mean = Annotated[
    tuple[float, float, float] | None, typer.Option("--mean", help="R G B, of [0, 1].", rich_help_panel=_IMAGES)
]
Std = Annotated[
    tuple[float, float, float] | None, typer.Option("--std", help="R G B, of [0, 1].", rich_help_panel=_IMAGES)
]
Named = Annotated[str, typer.Argument(help="As for probe: a run's name or folder, a file, torchvision:NAME …")]
Repository = Annotated[str, typer.Argument(metavar="ORG/REPO", help="The hub's repository.")]


@app.command("inspect")
def inspect(
    file: Reference,
    arch: Arch = "",
    key_map: Map = None,
    head: Head = None,
    stem_padding: StemPadding = None,
    num_heads: NumHeads = None,
    image_size: ImageSize = None,
    resize: Resize = None,
    mean: Mean = None,
    std: Std = None,
    json: o.Json = False,
) -> None:
    """Whose checkpoint it is, its architecture, what matches and what does not, spaces, preprocessing."""
    from loocbench.cli import describing_checkpoints as describing
    from loocbench.jobs import checkpoints as job

    _announce(file)
    found = job.inspect(
        file, _choice(arch, key_map, head, stem_padding, num_heads, "", "", image_size, resize, mean, std)
    )
    describing.show(found, file, json=json)


@app.command("import")
def import_(
    file: Reference,
    name: Annotated[str, typer.Option("--name", help="What it is called in tables; default the file's name.")] = "",
    arch: Arch = "",
    key_map: Map = None,
    head: Head = None,
    stem_padding: StemPadding = None,
    num_heads: NumHeads = None,
    trained_on: Annotated[
        str, typer.Option("--trained-on", help="The data set, for tables; default what is known of the file.")
    ] = "",
    image_size: ImageSize = None,
    resize: Resize = None,
    mean: Mean = None,
    std: Std = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    overwrite: o.Overwrite = False,
    json: o.Json = False,
) -> None:
    """Make it a checkpoint of loocbench's own: every tensor of the backbone is matched, or it is an error."""
    from loocbench.jobs import checkpoints as job

    _announce(file)
    choice = _choice(arch, key_map, head, stem_padding, num_heads, name, trained_on, image_size, resize, mean, std)
    _told(*job.import_(file, choice, runs, overwrite=overwrite), json=json)


@app.command("export")
def export(
    checkpoint: Named,
    output: Annotated[Path, typer.Option("--output", help="The file: .pth, .safetensors or .onnx.")],
    layout: Annotated[str, typer.Option("--format", help="torchvision, timm or onnx.")] = "torchvision",
    space: Annotated[
        str | None, typer.Option("--space", help="Whose last stage, where each space has its own (LooC++).")
    ] = None,
    features: o.Features = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    seed: o.Seed = 0,
) -> None:
    """Write the backbone under torchvision's or timm's names, or images -> features as ONNX."""
    from loocbench.jobs import checkpoints as job

    print(job.export(checkpoint, layout, output, runs, space=space, features=features, seed=seed))
    print(f"written: {output}")


@app.command("push")
def push(
    checkpoint: Named,
    repository: Repository,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository a private one.")] = False,
    runs: o.Runs = o.DEFAULT_RUNS,
    seed: o.Seed = 0,
) -> None:
    """Upload a checkpoint, with a page made from its card, to a hub's repository."""
    from loocbench.jobs import checkpoints as job

    commit = job.push(checkpoint, repository, runs, private=private, seed=seed)
    print(f"pushed: hf:{repository}@{commit}")


@app.command("pull")
def pull(
    repository: Annotated[str, typer.Argument(metavar="ORG/REPO[@REVISION]", help="The hub's repository.")],
    name: Annotated[str, typer.Option("--name", help="What it is called here; default its own name.")] = "",
    runs: o.Runs = o.DEFAULT_RUNS,
    overwrite: o.Overwrite = False,
    json: o.Json = False,
) -> None:
    """Fetch a checkpoint from a hub's repository; the commit is recorded in its card."""
    from loocbench.jobs import checkpoints as job

    _told(*job.pull(repository, name, runs, overwrite=overwrite), json=json)


def _announce(file: str) -> None:
    """Say what takes a while: a large file is hashed, read and compared whole."""
    from loocbench.cli.console import Display
    from loocbench.errors import printable

    path = Path(file)
    if path.is_file() and (size := path.stat().st_size) > _LARGE:
        Display().info(f"reading {printable(path.name)}, {size / 1e6:,.0f} MB")


def _choice(
    arch: str,
    key_map: Path | None,
    head: list[str] | None,
    stem_padding: int | None,
    num_heads: int | None,
    name: str,
    trained_on: str,
    image_size: int | None,
    resize: int | None,
    mean: tuple[float, float, float] | None,
    std: tuple[float, float, float] | None,
) -> Choice:
    from loocbench.checkpoints.foreign.importing import Choice
    from loocbench.checkpoints.foreign.preprocessing import PreprocessingOverrides

    wishes = PreprocessingOverrides(image_size, resize, mean, std)
    options: dict[str, bool | int | float | str] = {"num_heads": num_heads} if num_heads else {}
    return Choice(arch, key_map, tuple(head or ()), name, trained_on, wishes, stem_padding, options)


def _told(card: CheckpointCard, place: Path, examination: Examination | None, *, json: bool) -> None:
    """What was imported, and how to go on."""
    from loocbench.cli import describing_checkpoints as describing
    from loocbench.cli.console import stdout
    from loocbench.errors import printable

    if json:
        import json as encoder

        print(encoder.dumps({"checkpoint": str(place), "card": card.model_dump(mode="json")}))
        return
    if examination:
        describing.show(examination, examination.contents.path.name, json=False)
    console = stdout()
    console.print(f"checkpoint: {printable(str(place))}", highlight=False, soft_wrap=True, markup=False)
    console.print(
        f"measure it: loocbench probe --checkpoint {card.name}", highlight=False, soft_wrap=True, markup=False
    )
