"""Models that libraries and hubs keep: fetched as files, then read as any foreign file is, with no code of theirs."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
import torchvision
from pydantic import ValidationError

from loocbench.checkpoints import hub, native
from loocbench.checkpoints.foreign import importing
from loocbench.checkpoints.foreign.importing import Choice
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError, unknown
from loocbench.extras import require
from loocbench.models import architectures
from loocbench.types import Architecture, Source

TORCHVISION, TIMM, HF = "torchvision:", "timm:", "hf:"
_CONFIG = 16_000_000  # bytes; names of 21 thousand classes take one million


def is_remote(reference: str) -> bool:
    """Whether a reference names a library's or a hub's model."""
    return reference.startswith((TORCHVISION, TIMM, HF))


def load(reference: str) -> Checkpoint:
    """The model that ``torchvision:NAME[:WEIGHTS]``, ``timm:NAME`` or ``hf:ORG/REPO[@REVISION]`` names.

    Raises UserError when it does not exist, cannot be fetched, or does not fit its architecture.
    """
    path, choice = fetch(reference)
    if native.is_native(path):
        return pulled(native.load(path), choice)
    return importing.checkpoint(importing.examine(path, choice), choice)


def fetch(reference: str, choice: Choice | None = None) -> tuple[Path, Choice]:
    """The model's file on this machine, and what is known of it; what ``choice`` says already stays."""
    said = choice or Choice()
    kind, _, name = reference.partition(":")
    fetched = {"torchvision": _torchvision, "timm": _timm, "hf": _hf}[kind](name)
    path, known = fetched
    return path, replace(
        known,
        arch=said.arch or known.arch,
        key_map=said.key_map,
        heads=said.heads,
        name=said.name or known.name,
        trained_on=said.trained_on or known.trained_on,
        wishes=said.wishes,
        stem_padding=said.stem_padding,
        options={**({} if said.arch else known.options), **said.options},
    )


def pulled(checkpoint: Checkpoint, choice: Choice) -> Checkpoint:
    """A checkpoint of ours with the repository and commit that it came from in its card."""
    card, place = checkpoint.card, f"{HF}{choice.origin}@{choice.revision}"
    source = (
        card.source.model_copy(update={"via": place})
        if card.source
        else Source(kind="hf", name=choice.origin, revision=choice.revision)
    )
    return replace(checkpoint, card=card.model_copy(update={"format": 2, "source": source}), where=place)


def _torchvision(name: str) -> tuple[Path, Choice]:
    model, _, wanted = name.partition(":")
    known = torchvision.models.list_models(module=torchvision.models)
    if model not in known:
        raise unknown("torchvision model", model, known)
    every = torchvision.models.get_model_weights(model)
    if wanted and wanted not in every.__members__ and wanted != "DEFAULT":
        raise unknown(f"weights of {model}", wanted, every.__members__)
    entry = every[wanted or "DEFAULT"]
    choice = Choice(
        arch=f"{TORCHVISION}{model}", name=f"{model}-{entry.name}", kind="torchvision", origin=f"{model}:{entry.name}"
    )
    return _download(entry.url), choice


def _timm(name: str) -> tuple[Path, Choice]:
    timm = require("timm", "timm")
    architectures.named(f"{TIMM}{name}")
    config = timm.get_pretrained_cfg(name)
    if config is None or not (config.hf_hub_id or config.url):
        raise UserError(f"timm has no pretrained weights of {name}; 'random:timm:{name}' is the untrained network.")
    tag = f"{config.architecture}.{config.tag}" if config.tag else config.architecture
    choice = Choice(arch=f"{TIMM}{tag}", name=tag, kind="timm", origin=tag, timm_config=config.to_dict())
    if not config.hf_hub_id:
        return _download(config.url), choice
    found = hub.fetch(config.hf_hub_id, None, (config.hf_hub_filename or "model.safetensors",))
    return found.path, replace(choice, revision=found.revision)


def _hf(name: str) -> tuple[Path, Choice]:
    repository, _, revision = name.partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise UserError(f"'{HF}{name}' names no repository; write hf:ORG/REPO or hf:ORG/REPO@REVISION.")
    found = hub.fetch(repository, revision or None)
    choice = Choice(
        name=repository.replace("/", "-"),
        kind="hf",
        origin=repository,
        revision=found.revision,
        **_timm_of(_config(found.config, repository), repository),
    )
    return found.path, choice


def _config(path: Path | None, repository: str) -> Any:
    """A repository's config.json; nothing where it is none that can be read: the tensors must tell."""
    if path is None:
        return {}
    if path.stat().st_size > _CONFIG:
        raise UserError(f"the config.json of {repository} is too large to be one; download and name the weights alone.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}


def _timm_of(config: Any, repository: str) -> dict[str, Any]:
    """What a repository that timm made says of its model. Raises UserError for what loocbench cannot give the model."""
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        return {}
    if not isinstance(config.get("pretrained_cfg"), dict):
        return {}
    arch, options = f"{TIMM}{config['architecture']}", config.get("model_args") or {}
    try:
        architecture = Architecture(name=architectures.named(arch), options=options)
    except ValidationError as error:
        raise UserError(
            f"the config.json of {repository} wants a {config['architecture']} with {options}, which loocbench cannot "
            "build as said; build it in a function of your own and name that with --arch."
        ) from error
    pool = config.get("global_pool")
    net = getattr(architectures.skeleton(architecture), "net", None)
    own = getattr(net, "global_pool", None)
    if isinstance(pool, str) and isinstance(own, str) and pool and pool != own:
        options = {**options, "global_pool": pool}
    return {"arch": arch, "options": options, "timm_config": config["pretrained_cfg"]}


def _download(url: str) -> Path:
    """A library's published file, in torch's own cache, its name's hash checked."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if not path.is_file():
        mark = re.search(r"-([0-9a-f]{8,64})\.", path.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), mark[1] if mark else None, progress=sys.stderr.isatty())
        except (URLError, OSError, RuntimeError) as error:
            raise UserError(f"cannot fetch {url}: {error}; download it elsewhere and name the file.") from error
    return path
