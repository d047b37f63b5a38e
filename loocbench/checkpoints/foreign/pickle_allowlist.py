"""Classes that a pickle of weights may refer to beside torch's own; each is replaced by an empty dict.

Training scripts save their settings and meters beside the weights. None of it is used, so the objects are never built:
their libraries need not be installed, and none of their code runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class IgnoredObject(dict[Any, Any]):
    """Replaces an object of another library and drops its content."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def __new__(cls, *_: Any, **__: Any) -> IgnoredObject:
        """Accept any arguments."""
        return super().__new__(cls)

    def __setstate__(self, _: Any) -> None:
        """Drop the state."""

    def __hash__(self) -> int:  # type: ignore[override]  # some are keys of dicts
        return id(self)


_IGNORED = (
    "argparse.Namespace",
    "collections.defaultdict",
    "collections.deque",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib._local.PosixPath",
    "types.SimpleNamespace",
    "typing.Any",
    "builtins.dict",
    "builtins.list",
    "builtins.tuple",
    "builtins.int",
    "builtins.float",
    "builtins.bool",
    "builtins.str",
    "builtins.object",
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.float64",
    "numpy.float32",
    "numpy.int64",
    # Lightning (lightly, solo-learn)
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    "omegaconf.base.SCMode",
    "omegaconf.nodes.AnyNode",
    "omegaconf.nodes.StringNode",
    "omegaconf.nodes.IntegerNode",
    "omegaconf.nodes.FloatNode",
    "omegaconf.nodes.BooleanNode",
    # MMEngine, MMCV (mmselfsup, mmpretrain)
    "mmengine.logging.history_buffer.HistoryBuffer",
    "mmengine.config.config.ConfigDict",
    "mmcv.utils.config.ConfigDict",
    # VISSL
    "vissl.utils.hydra_config.AttrDict",
    "vissl.config.attr_dict.AttrDict",
    "classy_vision.generic.util.AttrDict",
)


def list_safe_globals() -> list[tuple[Callable[..., Any], str]]:
    """Return the argument of ``torch.serialization.safe_globals``: the replacement of each class by its name."""
    return [(IgnoredObject, name) for name in _IGNORED]
