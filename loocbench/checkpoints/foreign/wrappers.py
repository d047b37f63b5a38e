"""Names of tensors without what wrappers put into them: DDP, FSDP, torch.compile, activation checkpointing."""

from __future__ import annotations

import re
from collections.abc import Iterable

from loocbench.errors import UserError

# torch's own, which no network calls a module of its own; anywhere in a name.
_TORCH = re.compile(
    r"(?:(?<=\.)|^)(?:_orig_mod|_fsdp_wrapped_module|_fpw_module|_checkpoint_wrapped_module|_forward_module"
    r"|_ddp_module)\."
)
_DDP = re.compile(r"(?:(?<=\.)|^)module\.")
# What training scripts put before every name; "app" is that of torch.distributed.checkpoint's tutorial.
_BEFORE = re.compile(r"^(?:(?:state_dict|model_state_dict|model|app|network|net)\.)+")
_BEFORE_DDP = re.compile(r"^(?:(?:state_dict|model_state_dict|model|app|network|net|module)\.)+")
_FLAT = re.compile(r"(^|\.)_?flat_param(_\d+)?$")


def strip_torch_wrappers(name: str) -> str:
    """Return a tensor's name without what torch.compile, FSDP and activation checkpointing put into it."""
    return _TORCH.sub("", name)


def strip_wrappers(name: str, *, within: bool = True) -> str:
    """Return a tensor's name without all wrappers: torch's and DDP's ``module`` anywhere, others at its beginning.

    within: whether ``module`` is DDP's within a name, too; a network of the user's own may call a part so.
    """
    bare = strip_torch_wrappers(name)
    return _BEFORE.sub("", _DDP.sub("", bare)) if within else _BEFORE_DDP.sub("", bare)


def refuse_flat_parameters(names: Iterable[str]) -> None:
    """Raise UserError for tensors that FSDP joined to one, whose parts only the training script knows."""
    if flat := next((name for name in names if _FLAT.search(name)), None):
        raise UserError(
            f"the file holds FSDP's flat parameters ({flat}), of which only the training script knows the parts; save "
            "the whole state dict there (torch.distributed.checkpoint.state_dict.get_model_state_dict)."
        )
