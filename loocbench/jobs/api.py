"""The public functions ``loocbench.load`` and ``loocbench.evaluate``."""

from __future__ import annotations

from pathlib import Path

from loocbench.cards.finding import find_named_task
from loocbench.cards.tasks import TaskCard
from loocbench.checkpoints import locate
from loocbench.features.encoder import Encoder
from loocbench.jobs.evaluation import evaluate_task, measure, open_task
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.progress import Reporter
from loocbench.types import Row


def load(checkpoint: str | Path, *, device: str = "cpu") -> Encoder:
    """Load a checkpoint as a function from images to features. Loading runs no code from the file.

    >>> encoder = loocbench.load("runs/looc-color-rotation-blooms-s0")
    >>> encoder.spaces
    ['looc', 'looc++', 'head:invariant', 'head:color', 'head:rotation']
    >>> features = encoder(encoder.prepare(pictures), features="head:color")  # float32 Tensor [N, D]

    Args:
        checkpoint: A file of loocbench's own or another's, a run's name or folder, "torchvision:NAME[:WEIGHTS]",
            "timm:NAME", "hf:ORG/REPO[@REVISION]", or "random:ARCHITECTURE" for an untrained network; see
            docs/checkpoints.md.
        device: Device of the network, as torch names it.

    Returns:
        An :class:`~loocbench.features.encoder.Encoder`: called with images, uint8 or float in [0, 1], [N, 3, H, W], it
        returns features, float32 [N, D].

    Raises:
        UserError: if there is no such checkpoint, or it cannot be read.
    """
    return Encoder.from_checkpoint(locate.load(str(checkpoint)), device=device)


def evaluate(
    checkpoint: str | Path,
    task: str | TaskCard,
    *,
    features: str | None = None,
    data_dir: str | Path | None = None,
    results: str | Path | None = "results",
    suite: str = "local",
    overwrite: bool = False,
    runs: str | Path = "runs",
    cache: str | Path | None = None,
    device: str = "auto",
    precision: str = "float32",
    compiled: bool = False,
    skip_damaged: bool = False,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> Row:
    """Evaluate a checkpoint on a task, as the command line does: the stored row if there is one, else measured now.

    >>> row = loocbench.evaluate("random:resnet8", "linear/blooms")
    >>> row.metrics["top1"].value, row.metrics["top1"].low, row.metrics["top1"].high  # fractions of 1, 95 % interval

    Args:
        checkpoint: As for :func:`load`.
        task: The name of a task of ``loocbench tasks ls``, "KIND/folder:PATH" for a folder of images, or a task card.
        features: "looc", "looc++", "head:NAME", or several joined by "+"; default those that the checkpoint's method is
            evaluated on.
        data_dir: Folder that holds the data sets' folders; default ``$LOOCBENCH_DATA``, then the user's cache folder.
        results: Folder in which rows are stored and looked for; None measures and stores nothing.
        suite: Name under which rows are kept together, a folder of ``results``.
        overwrite: Whether a stored row is measured again.
        runs: Folder of the pretraining runs, in which ``checkpoint`` may be a name.
        cache: Folder for decoded images and features; default the user's.
        device: "auto", "cpu" or "cuda[:N]".
        precision: Of what the network computes: "float32", "bfloat16" or "float16"; features are float32.
        compiled: Whether features are computed with torch.compile.
        skip_damaged: Whether images that cannot be decoded are left out, and named in the row; else they are an error.
        seed: Of everything random in the evaluation, and of an untrained network.
        reporter: Where progress is reported; default nowhere.

    Returns:
        The row: ``metrics`` by name with value, interval and number of test items, ``items`` per test image, and what
        it takes to reproduce it (:class:`loocbench.types.Row`, docs/results.md).

    Raises:
        UserError: for an unknown task, checkpoint or features, data that are absent or lack a split or label, a stored
            row that cannot be reused, or a fit that misses its tolerance; the message names the remedy.
    """
    card = find_named_task(task) if isinstance(task, str) else task
    settings = EvaluationSettings(
        data_dir=_optional_path(data_dir),
        skip_damaged=skip_damaged,
        runs=Path(runs),
        device=device,
        precision=precision,
        compiled=compiled,
        seed=seed,
        cache=_optional_path(cache),
        results=Path(results or "results"),
        suite=suite,
        overwrite=overwrite,
    )
    if results is None:
        return measure(open_task(card, str(checkpoint), features, Session(settings, reporter)))
    return evaluate_task(card, str(checkpoint), features, settings, reporter)[0]


def _optional_path(place: str | Path | None) -> Path | None:
    return None if place is None else Path(place)
