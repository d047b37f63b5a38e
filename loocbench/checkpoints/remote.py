"""Models of libraries and hubs: fetched as files, then read like any foreign file, without running their code."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from pydantic import ValidationError

from loocbench.checkpoints import card_file, hub, native
from loocbench.checkpoints.foreign import importing, inspecting
from loocbench.checkpoints.foreign.inspecting import ImportOptions
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError, unknown
from loocbench.extras import require
from loocbench.models import architectures
from loocbench.types import REMOTE, Architecture, WeightsSource

TORCHVISION, TIMM, HF = REMOTE
_CONFIG = 16_000_000  # bytes; the names of 21 thousand classes take one million


def load(reference: str) -> Checkpoint:
    """Load the model that ``torchvision:NAME[:WEIGHTS]``, ``timm:NAME`` or ``hf:ORG/REPO[@REVISION]`` names.

    Raises UserError when it does not exist, cannot be fetched, or does not fit its architecture.
    """
    path, options = fetch(reference)
    if card_file.is_native(path):
        return record_origin(native.load(path), options)
    return importing.convert_to_checkpoint(inspecting.inspect_file(path, options), options)


def fetch(reference: str, options: ImportOptions | None = None) -> tuple[Path, ImportOptions]:
    """Download a model's file unless it is cached.

    Returns its path, and what is known of it with ``options`` taking precedence.
    """
    given = options or ImportOptions()
    kind, _, name = reference.partition(":")
    path, known = {"torchvision": _fetch_torchvision, "timm": _fetch_timm, "hf": _fetch_hub}[kind](name)
    return path, replace(
        known,
        arch=given.arch or known.arch,
        key_map=given.key_map,
        heads=given.heads,
        name=given.name or known.name,
        trained_on=given.trained_on or known.trained_on,
        preprocessing=given.preprocessing,
        stem_padding=given.stem_padding,
        architecture_options={**({} if given.arch else known.architecture_options), **given.architecture_options},
    )


def record_origin(checkpoint: Checkpoint, options: ImportOptions) -> Checkpoint:
    """Return a native checkpoint with the repository and commit that it was pulled from in its card."""
    card, place = checkpoint.card, f"{HF}{options.origin}@{options.revision}"
    source = (
        card.source.model_copy(update={"via": place})
        if card.source
        else WeightsSource(kind="hf", name=options.origin, revision=options.revision)
    )
    return replace(checkpoint, card=card.model_copy(update={"format": 2, "source": source}), where=place)


def _fetch_torchvision(name: str) -> tuple[Path, ImportOptions]:
    import torchvision  # here, for it takes as long to import as torch

    model, _, wanted = name.partition(":")
    known = torchvision.models.list_models(module=torchvision.models)
    if model not in known:
        raise unknown("torchvision model", model, known)
    every = torchvision.models.get_model_weights(model)
    if wanted and wanted not in every.__members__ and wanted != "DEFAULT":
        raise unknown(f"weights of {model}", wanted, every.__members__)
    entry = every[wanted or "DEFAULT"]
    options = ImportOptions(
        arch=f"{TORCHVISION}{model}", name=f"{model}-{entry.name}", kind="torchvision", origin=f"{model}:{entry.name}"
    )
    return _download(entry.url), options


def _fetch_timm(name: str) -> tuple[Path, ImportOptions]:
    timm = require("timm", "timm")
    name = architectures.resolve_name(f"{TIMM}{name}").removeprefix(TIMM)
    config = timm.get_pretrained_cfg(name)
    if config is None or not (config.hf_hub_id or config.url):
        raise UserError(f"timm has no pretrained weights of {name}; 'random:timm:{name}' is the untrained network.")
    tag = f"{config.architecture}.{config.tag}" if config.tag else config.architecture
    options = ImportOptions(arch=f"{TIMM}{tag}", name=tag, kind="timm", origin=tag, timm_config=config.to_dict())
    if not config.hf_hub_id:
        return _download(config.url), options
    found = hub.fetch(config.hf_hub_id, None, (config.hf_hub_filename or "model.safetensors",))
    return found.path, replace(options, revision=found.revision)


def _fetch_hub(name: str) -> tuple[Path, ImportOptions]:
    repository, _, revision = name.partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise UserError(f"'{HF}{name}' does not name a repository; write hf:ORG/REPO or hf:ORG/REPO@REVISION.")
    found = hub.fetch(repository, revision or None)
    options = ImportOptions(
        name=repository.replace("/", "-"),
        kind="hf",
        origin=repository,
        revision=found.revision,
        **_read_timm_repository(_read_config(found.config, repository), repository),
    )
    return found.path, options


def _read_config(path: Path | None, repository: str) -> Any:
    """Read a repository's config.json; {} if it is missing or not JSON, so that the tensors must tell."""
    if path is None:
        return {}
    if path.stat().st_size > _CONFIG:
        raise UserError(f"the config.json of {repository} is too large to be one; download and name the weights alone.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}


def _read_timm_repository(config: Any, repository: str) -> dict[str, Any]:
    """Return the :class:`ImportOptions` that a timm repository states; {} for other repositories.

    Raises UserError for model arguments that loocbench does not support.
    """
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        return {}
    if not isinstance(config.get("pretrained_cfg"), dict):
        return {}
    arch, options = f"{TIMM}{config['architecture']}", config.get("model_args") or {}
    try:
        architecture = Architecture(name=architectures.resolve_name(arch), options=options)
    except ValidationError as error:
        raise UserError(
            f"the config.json of {repository} wants a {config['architecture']} with {options}, which loocbench cannot "
            "build; build it in a function of your own and name that with --arch."
        ) from error
    pool = config.get("global_pool")
    net = getattr(architectures.build_without_weights(architecture), "net", None)
    own = getattr(net, "global_pool", None)
    if isinstance(pool, str) and isinstance(own, str) and pool and pool != own:
        options = {**options, "global_pool": pool}
    return {"arch": arch, "architecture_options": options, "timm_config": config["pretrained_cfg"]}


def _download(url: str) -> Path:
    """Download a library's published file to torch's cache, checking the hash in its name. Returns its path."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if not path.is_file():
        mark = re.search(r"-([0-9a-f]{8,64})\.", path.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), mark[1] if mark else None, progress=sys.stderr.isatty())
        except (URLError, OSError, RuntimeError) as error:
            raise UserError(f"cannot fetch {url}: {error}; download it elsewhere and name the file.") from error
    return path
