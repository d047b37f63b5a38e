"""Checkpoints in a repository of the Hugging Face hub, or of a server that speaks its protocol (``HF_ENDPOINT``)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loocbench.checkpoints import native
from loocbench.errors import UserError
from loocbench.extras import require

_WEIGHTS = (native.FILE, "model.safetensors", "open_clip_model.safetensors", "pytorch_model.bin")
_SUFFIXES = (".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".th")


@dataclass(frozen=True)
class Fetched:
    """A repository's file of weights, its config.json if it has one, and the commit that both are of."""

    path: Path
    revision: str
    config: Path | None


def fetch(repository: str, revision: str | None, names: Sequence[str] = _WEIGHTS) -> Fetched:
    """Fetch the weights of one commit: ``revision``, or what the main branch is now. Raises UserError."""
    hub = require("huggingface_hub", "hub")
    with _told(hub, f"{repository}{f'@{revision}' if revision else ''}"):
        api = _api(hub)
        info = api.model_info(repository, revision=revision)
        every = [file.rfilename for file in info.siblings or []]
        name = _weights(repository, every, names)
        path = Path(api.hf_hub_download(repository, name, revision=info.sha))
        config = None
        if "config.json" in every:
            config = Path(api.hf_hub_download(repository, "config.json", revision=info.sha))
    return Fetched(path, info.sha, config)


def push(repository: str, folder: Path, *, private: bool, message: str) -> str:
    """Upload the files of ``folder``, making the repository if need be. Returns the commit. Raises UserError."""
    hub = require("huggingface_hub", "hub")
    with _told(hub, repository):
        api = _api(hub)
        api.create_repo(repository, private=private, exist_ok=True)
        commit = api.upload_folder(repo_id=repository, folder_path=str(folder), commit_message=message)
    return str(commit.oid)


def _api(hub: Any) -> Any:
    return hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"))


def _weights(repository: str, every: Sequence[str], names: Sequence[str]) -> str:
    found = next((name for name in names if name in every), None)
    if found:
        return found
    others = [name for name in every if name.endswith(_SUFFIXES)]
    if len(others) == 1:
        return others[0]
    what = f"several files of weights ({', '.join(others[:4])})" if others else "no file of weights"
    raise UserError(f"{repository} holds {what}; download the one that is meant and name the file.")


class _told:  # noqa: N801  # reads as a statement
    """Turns what goes wrong at the hub into one line."""

    def __init__(self, hub: Any, what: str) -> None:
        self.hub, self.what = hub, what

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None or isinstance(error, UserError):
            return
        errors = self.hub.errors
        if isinstance(error, errors.GatedRepoError):
            raise UserError(f"{self.what} is gated: accept its terms on the hub, then run 'hf auth login'.") from error
        if isinstance(error, errors.RepositoryNotFoundError):
            raise UserError(
                f"no repository {self.what} on the hub, or not for you; check it, or run 'hf auth login'."
            ) from error
        if isinstance(error, errors.RevisionNotFoundError):
            raise UserError(f"no revision {self.what}; name a commit, tag or branch that exists.") from error
        # The library changes the client that it speaks through, and with it what a failed connection raises.
        clients = ("httpx", "httpx2", "httpcore", "requests", "huggingface_hub")
        if isinstance(error, OSError | errors.HfHubHTTPError) or type(error).__module__.split(".")[0] in clients:
            reason = " ".join(str(error).split())[:160]
            raise UserError(f"the hub did not give {self.what}: {reason}; try again later.") from error
