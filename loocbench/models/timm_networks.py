"""Networks of timm: names that it has or had, the image sizes it states, and building one without its classifier."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from torch import nn

from loocbench.errors import UserError, unknown
from loocbench.extras import require
from loocbench.models import library_layers, library_network


def resolve_name(name: str) -> str:
    """Return timm's name of a model today; timm has renamed some two hundred. Raises UserError for an unknown one."""
    timm = require("timm", "timm")
    renamed = timm.models.get_deprecated_models()
    if name in renamed:
        if renamed[name] is None:
            raise UserError(f"timm has removed its model {name}; name another.")
        name = _find_longer_tag(renamed[name], timm.list_pretrained(f"{renamed[name]}*"))
    architecture, _, tag = name.partition(".")
    if tag and timm.is_model(architecture):
        known = timm.list_pretrained(f"{architecture}.*")
        if known and name not in known:
            raise unknown("timm model", name, known)
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('.')[0].split('_')[0]}*") or ["resnet50", "vit_base_patch16_224"]
        raise unknown("timm model", name, near[:40])
    return name


def _find_longer_tag(name: str, known: list[str]) -> str:
    """Return the only name of ``known`` that continues ``name``: timm renames models to tags that it renamed since."""
    longer = [one for one in known if one.startswith(f"{name}_")]
    return longer[0] if "." in name and name not in known and len(longer) == 1 else name


def build_network(name: str, options: Mapping[str, Any]) -> library_network.LibraryNetwork:
    """Build a network of timm without its classifier. Raises UserError for an unknown name, or wrong options."""
    timm = require("timm", "timm")
    with library_network.library_errors_as_user_errors(f"timm:{name}", options):
        net = timm.create_model(
            resolve_name(name), pretrained=False, num_classes=0, **_to_timm_arguments(timm, options)
        )
    classifier = net.default_cfg.get("classifier") or ()
    heads = tuple(f"{path}." for path in ([classifier] if isinstance(classifier, str) else classifier))
    if isinstance(getattr(net, "patch_embed", None), nn.Module) and hasattr(net, "num_prefix_tokens"):
        prefix, blocks = int(net.num_prefix_tokens), library_layers.count_timm_blocks(net)
        return library_network.wrap_vit(
            net, library_layers.forward_timm_tokens, prefix, heads, library_layers.read_timm_blocks, blocks
        )
    return library_network.wrap_pooled_network(net, heads, library_layers.find_timm_stages(net))


def _to_timm_arguments(timm: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of timm's constructor: a height and width, and an epsilon, become what it takes for them."""
    own = dict(options)
    height, width, epsilon = (own.pop(name, None) for name in ("img_height", "img_width", "layer_norm_eps"))
    arguments = {**own, **({"img_size": (height, width)} if height and width else {})}
    return {**arguments, **({"norm_layer": partial(timm.layers.LayerNorm, eps=epsilon)} if epsilon else {})}


@lru_cache(maxsize=16)
def read_input_size(name: str) -> tuple[int, int]:
    """Return the height and width in pixels that timm states for a model. Raises UserError."""
    timm = require("timm", "timm")
    config = timm.get_pretrained_cfg(resolve_name(name), allow_unregistered=True)
    if config is None:
        raise UserError(f"timm states no image size for timm:{name}; name another model.")
    _, height, width = config.input_size
    return int(height), int(width)
