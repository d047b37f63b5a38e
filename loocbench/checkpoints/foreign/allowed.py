"""Names that a pickle of weights may refer to beside torch's own: each is read as an empty mapping, never as itself.

Training scripts save their settings and meters beside the weights. Nothing of them is used, so nothing of them is
built: the libraries need not be installed, and no code of theirs runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Inert(dict[Any, Any]):
    """Stands for an object of another library, whose content is dropped."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def __new__(cls, *_: Any, **__: Any) -> Inert:
        """Whatever the arguments."""
        return super().__new__(cls)

    def __setstate__(self, _: Any) -> None:
        """Forget it."""

    def __hash__(self) -> int:  # type: ignore[override]  # some are keys of mappings
        return id(self)


_INERT = (
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


def safe_globals() -> list[tuple[Callable[..., Any], str]]:
    """For ``torch.serialization.safe_globals``: what each name is read as."""
    return [(Inert, name) for name in _INERT]
