"""``loocbench map``: feature spaces in two dimensions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.settings import InputSettings


@with_options(InputSettings, without=("limit",))
def draw_map(
    settings: InputSettings,
    dataset: o.DatasetName = "blooms",
    split: Annotated[str, typer.Option("--split", help="The split.", rich_help_panel=o.DATA)] = "test",
    by: Annotated[
        list[str] | None,
        typer.Option("--by", help="A label that colours the dots (repeatable); default all.", rich_help_panel=o.DATA),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", min=5, help="At most so many images, every class in proportion.", rich_help_panel=o.DATA
        ),
    ] = 1000,
    checkpoint: o.Checkpoint = None,
    features: Annotated[
        list[str] | None,
        typer.Option("--features", help="As for probe (repeatable); default every space.", rich_help_panel=o.MODEL),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            help="umap (extra 'umap'), tsne or pca; auto: umap if it is installed, else tsne.",
            rich_help_panel=o.MODEL,
        ),
    ] = "auto",
    picture: Annotated[
        list[Path] | None,
        typer.Option(
            "--picture", help="The picture: .png, .pdf or .svg (repeatable); default map.png.", rich_help_panel=o.OUTPUT
        ),
    ] = None,
    page: Annotated[Path, typer.Option("--html", help="The page that shows images.", rich_help_panel=o.OUTPUT)] = Path(
        "map.html"
    ),
    as_json: o.Json = False,
) -> None:
    """Draw each feature space in two dimensions, coloured by each label; the page shows the image behind a dot."""
    from loocbench import files
    from loocbench.cli.console import Display, stdout
    from loocbench.jobs import feature_maps as job
    from loocbench.jobs.session import Session
    from loocbench.report.figures.saving import require_format

    pictures = picture or [Path("map.png")]
    for path in pictures:
        require_format(path)
    for path in (*pictures, page):
        files.require_writable(path.parent)
    request = job.MapRequest(dataset, split, checkpoint, features or (), by or (), method, limit)
    with Display() as display:
        maps = job.make_maps(request, Session(settings, display))
    job.write_maps(maps, pictures, page)
    if as_json:
        import json

        trust = {space.name: round(space.trust, 4) for space in maps.spaces}
        written = {"pictures": [str(path) for path in pictures], "html": str(page)}
        print(json.dumps({"method": maps.method, "images": len(maps.names), "trustworthiness": trust, **written}))
        return
    console = stdout()
    console.print(maps.title, highlight=False, soft_wrap=True, markup=False)
    for space in maps.spaces:
        console.print(f"{space.name}: trustworthiness {space.trust:.2f}", highlight=False, soft_wrap=True, markup=False)
    for name, path in [("map", path) for path in (*pictures, page)]:
        console.print(f"{name}: {path}", highlight=False, soft_wrap=True, markup=False)
