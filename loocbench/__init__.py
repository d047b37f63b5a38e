"""loocbench: pretrain LooC and LooC++, and measure which information a representation kept.

    import loocbench

    checkpoint = loocbench.pretrain("looc++", "blooms")
    row = loocbench.evaluate(checkpoint, "linear/blooms-color")
    row.metrics["top1"].value

docs/api.md describes the public functions. Importing the package imports nothing that they need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from loocbench.cards.tasks import TaskCard
    from loocbench.features.encoder import Encoder
    from loocbench.progress import Reporter
    from loocbench.runs.settings import Hold
    from loocbench.runs.train import Existing
    from loocbench.types import Row

__version__ = "0.1.0"
__all__ = ["__version__", "evaluate", "load", "pretrain"]


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
    from loocbench.checkpoints import locate
    from loocbench.features.encoder import Encoder

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
    from loocbench.jobs import api

    return api.evaluate(
        checkpoint,
        task,
        features=features,
        data_dir=data_dir,
        results=results,
        suite=suite,
        overwrite=overwrite,
        runs=runs,
        cache=cache,
        device=device,
        precision=precision,
        compiled=compiled,
        skip_damaged=skip_damaged,
        seed=seed,
        reporter=reporter,
    )


def pretrain(
    method: str | None = None,
    dataset: str | None = None,
    *,
    recipe: str | None = None,
    name: str | None = None,
    data_dir: str | Path | None = None,
    runs: str | Path = "runs",
    cache: str | Path | None = None,
    device: str = "auto",
    seed: int = 0,
    existing: Existing = "refuse",
    hold: Hold = "disk",
    skip_damaged: bool = False,
    stylised: str | Path | None = None,
    save_minutes: float = 10.0,
    keep: int = 2,
    knn_every: int = 10,
    compiled: bool = False,
    tensorboard: bool = False,
    reporter: Reporter | None = None,
    **settings: Any,
) -> Path:
    """Pretrain a model, as ``loocbench pretrain`` does.

    >>> checkpoint = loocbench.pretrain("looc++", "folder:photos", epochs=100, augmentations=["color"])
    >>> checkpoint = loocbench.pretrain(recipe="paper/looc", data_dir="/data", existing="resume")

    Args:
        method: "supervised", "moco", "moco++", "add-one", "looc" or "looc++"; default the recipe's, or "looc".
        dataset: A data set of ``loocbench datasets ls``, or "folder:PATH"; default the recipe's, or "blooms".
        recipe: A card of ``loocbench recipes ls``; its settings are the defaults of the others.
        name: Of the run; default made of method, augmentations, data set and seed.
        data_dir: Folder that holds the data sets' folders; default ``$LOOCBENCH_DATA``, then the user's cache folder.
        runs: Folder in which the run gets a folder of its own.
        cache: Folder for decoded images; default the user's.
        device: "auto", "cpu" or "cuda[:N]".
        seed: Of initial weights, batches and views.
        existing: What to do where the run is there already: "refuse", "overwrite", "resume" or "resume-or-overwrite".
        hold: Where decoded images are while the network trains: "disk" (memory-mapped), "memory" or "device".
        skip_damaged: Whether images that cannot be decoded are left out, and named in the card; else they are an error.
        stylised: Folder of stylised copies, for ``texture="stylised"``.
        save_minutes: Longest time between two saved states.
        keep: How many saved states are kept.
        knn_every: Epochs between kNN evaluations on held-out images; 0 for none.
        compiled: Whether networks are compiled with torch.compile.
        tensorboard: Whether the log is written for TensorBoard too (extra ``tensorboard``).
        reporter: Where progress is reported; default nowhere.
        **settings: Fields of :class:`loocbench.types.Recipe`: ``epochs``, ``batch_size``, ``augmentations``,
            ``left_out``, ``backbone``, ``image_size``, ``learning_rate`` and so on.

    Returns:
        Path of the checkpoint, ``RUNS/NAME/checkpoint.safetensors``, which :func:`load` and :func:`evaluate` take.

    Raises:
        UserError: for an unknown method, recipe, data set or setting, settings that do not go together, data that are
            absent, a run that is there already, a loss that is not finite, or when it was interrupted; the message
            names the remedy.
    """
    from loocbench.jobs import pretrain as job

    return job.pretrain(
        method,
        dataset,
        recipe=recipe,
        name=name,
        data_dir=data_dir,
        runs=runs,
        cache=cache,
        device=device,
        seed=seed,
        existing=existing,
        hold=hold,
        skip_damaged=skip_damaged,
        stylised=stylised,
        save_minutes=save_minutes,
        keep=keep,
        knn_every=knn_every,
        compiled=compiled,
        tensorboard=tensorboard,
        reporter=reporter,
        **settings,
    )
