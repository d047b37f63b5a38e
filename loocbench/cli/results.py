"""``loocbench results merge | verify | export | import``: stores of rows, put together, checked and passed on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import options as o

app = typer.Typer(no_args_is_help=True, help="Stores of measured rows: merge, verify, export, import.")

Suites = Annotated[
    list[str] | None,
    typer.Option("--suite", help="Only this suite (repeatable); default all.", rich_help_panel=o.OUTPUT),
]
Target = Annotated[Path, typer.Option("--results", help="Folder that the rows are added to.", rich_help_panel=o.OUTPUT)]


@app.command("merge")
def merge_results(
    stores: Annotated[list[Path], typer.Argument(help="Folders of measured rows, such as results.")],
    results: Target = o.DEFAULT_RESULTS,
    suite: Suites = None,
    as_json: o.Json = False,
) -> None:
    """Add the rows of other stores to --results: each measurement once, nothing replaced, nothing lost.

    Where two rows are of one measurement, that of --results stays, else that of the store named first; the other is
    set aside unless it is the same.
    """
    from loocbench.errors import UserError

    for store in stores:
        if not store.is_dir():
            raise UserError(f"{store} is not a folder; name folders of measured rows.")
        if store.resolve() == results.resolve():
            raise UserError(f"{store} is the folder that rows are added to; name other ones, or another --results.")
        _find_suites(store, suite)
    _merge(stores, results, suite or (), as_json=as_json)


@app.command("verify")
def verify_results(results: o.Results = o.DEFAULT_RESULTS, suite: Suites = None, as_json: o.Json = False) -> None:
    """Check every row: schema, checksum, place, items, fingerprints, and its task's card; exit code 2 if one is bad."""
    from loocbench.cli.console import Display, stdout
    from loocbench.errors import UserError
    from loocbench.jobs import verifying_results
    from loocbench.wording import count_of

    with Display() as display:
        found = verifying_results.verify_rows(results, _find_suites(results, suite), display)
    if as_json:
        bad = [{"file": str(path), "faults": faults} for path, faults in found.bad.items()]
        print(json.dumps({"rows": found.rows, "bad": bad, "without_card": dict(found.without_card)}))
    else:
        console = stdout()
        lines = [f"{path}: {'; '.join(faults)}" for path, faults in found.bad.items()]
        lines += [
            f"{task}: no card here to check {count_of(count, 'row')} against"
            for task, count in sorted(found.without_card.items())
        ]
        for line in [*lines, f"{count_of(found.rows, 'row')} checked, {len(found.bad):,} bad"]:
            console.print(line, highlight=False, soft_wrap=True, markup=False)
    if found.bad:
        said = f"{len(found.bad):,} of {count_of(found.rows, 'row')} {'is' if len(found.bad) == 1 else 'are'} bad"
        raise UserError(f"{said}; measure again with --overwrite, or take them out of the store.")


@app.command("export")
def export_results(
    file: Annotated[Path, typer.Argument(help="The file to write, NAME.zip.")],
    results: o.Results = o.DEFAULT_RESULTS,
    suite: Suites = None,
) -> None:
    """Write the rows of a store as one zip file, which says where they are from; 'results import' reads it."""
    from loocbench.cli.console import stdout
    from loocbench.errors import UserError
    from loocbench.records import archive
    from loocbench.wording import count_of

    if file.suffix != ".zip":
        raise UserError(f"{file} does not end in .zip; name a file that does.")
    manifest, left_out = archive.write_archive(file, results, _find_suites(results, suite))
    console = stdout()
    for one in left_out:
        console.print(f"left out {one.path}: {one.reason}", highlight=False, soft_wrap=True, markup=False)
    said = f"written: {file}, {count_of(len(manifest.files), 'row')} of {', '.join(manifest.suites)}"
    console.print(said, highlight=False, soft_wrap=True, markup=False)


@app.command("import")
def import_results(
    file: Annotated[Path, typer.Argument(help="A file of 'loocbench results export'.")],
    results: Target = o.DEFAULT_RESULTS,
    suite: Suites = None,
    as_json: o.Json = False,
) -> None:
    """Add the rows of a file to --results, as 'results merge' does. Nothing in the file is run."""
    from loocbench.records import archive

    with archive.unpacked_archive(file) as (manifest, folder):
        _find_suites(folder, suite)
        _merge([folder], results, suite or (), as_json=as_json, unpacked=(folder, file))
        archive.keep_manifest(manifest, file, results)


def _find_suites(results: Path, wanted: Sequence[str] | None) -> list[str]:
    """Return the suites that are meant. Raises UserError for one that does not exist, and where there are none."""
    from loocbench.errors import UserError, unknown
    from loocbench.records import store

    known = store.list_suites(results)
    if not known:
        raise UserError(f"no measured rows in {results}; name a folder that has suites of rows.")
    for name in wanted or ():
        if name not in known:
            raise unknown(f"suite of {results}", name, known)
    return list(dict.fromkeys(wanted)) if wanted else known


def _merge(
    stores: Sequence[Path],
    results: Path,
    suites: Sequence[str],
    *,
    as_json: bool,
    unpacked: tuple[Path, Path] | None = None,
) -> None:
    """Merge and say what was done. unpacked: a temporary folder, and the archive to name instead of it."""
    from loocbench.cli.console import stdout
    from loocbench.records import merging
    from loocbench.wording import count_of

    merge = merging.plan_merge(stores, results, suites)
    merging.perform_merge(merge)

    def name(path: Path) -> str:
        within = unpacked is not None and path.is_relative_to(unpacked[0])
        return str(unpacked[1] / path.relative_to(unpacked[0]) if unpacked and within else path)

    if as_json:
        aside = [{"file": name(one.path), "kept_as": str(one.target), "reason": one.reason} for one in merge.set_aside]
        unreadable = [{"file": name(one.path), "reason": one.reason} for one in merge.unreadable]
        counts = {"added": merge.added, "same": merge.same}
        print(json.dumps({"results": str(results), **counts, "set_aside": aside, "unreadable": unreadable}))
        return
    lines = [f"not a row: {name(one.path)}: {one.reason}" for one in merge.unreadable]
    lines += [f"set aside {name(one.path)}, kept as {one.target}: {one.reason}" for one in merge.set_aside]
    done = f"{count_of(merge.added, 'row')} added to {results}, {merge.same:,} there already"
    for line in [*lines, f"{done}, {len(merge.set_aside):,} set aside"]:
        stdout().print(line, highlight=False, soft_wrap=True, markup=False)
