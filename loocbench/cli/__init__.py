"""The command line. One module a command; nothing heavy is imported before a command runs."""

from __future__ import annotations

import os

import typer

from loocbench.cli import (
    bench,
    cache,
    checkpoints,
    compare,
    datasets,
    demo,
    extract,
    few_shot,
    gallery,
    knn,
    pretrain,
    probe,
    recipes,
    report,
    retrieve,
    robustness,
    rotation,
    run,
    runs,
    select,
    sensitivity,
    tasks,
)
from loocbench.cli.guard import GuardedGroup

app = typer.Typer(
    name="loocbench",
    cls=GuardedGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Pretrain LooC and LooC++, and measure which information a representation kept.",
    epilog="Start with: loocbench demo",
)
app.command("demo")(demo.demo)
app.command("pretrain", cls=pretrain.PretrainCommand)(pretrain.pretrain)
app.command("extract")(extract.extract)
app.command("probe")(probe.probe)
app.command("knn")(knn.knn)
app.command("few-shot")(few_shot.few_shot)
app.command("select")(select.select)
app.command("rotation")(rotation.rotation)
app.command("retrieve")(retrieve.retrieve)
app.command("gallery")(gallery.gallery)
app.command("sensitivity")(sensitivity.sensitivity)
app.command("robustness")(robustness.robustness)
app.command("bench")(bench.bench)
app.command("run")(run.run)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.add_typer(tasks.app, name="tasks")
app.add_typer(checkpoints.app, name="checkpoints")
app.add_typer(runs.app, name="runs")
app.add_typer(recipes.app, name="recipes")
app.add_typer(datasets.app, name="datasets")
app.add_typer(cache.app, name="cache")


def main() -> None:
    """The console script."""
    # Read when torch is imported: threads that wait shall soon sleep. By default they spin for long, which on a busy
    # machine costs small problems (a probe on few shots) up to ten times their time; without any spinning the same
    # problems take half as long again on a quiet one. The number is that of GNU's OpenMP, which torch's wheels bring.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    app(prog_name="loocbench")
