"""Checkpoints in a repository of the Hugging Face hub, or of a server that speaks its protocol (``HF_ENDPOINT``)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loocbench.checkpoints import card_file
from loocbench.checkpoints.foreign import reading, shards
from loocbench.errors import UserError
from loocbench.extras import require

PAGE = "README.md"
_WEIGHTS = (card_file.FILE, *reading.PREFERRED)
_SUFFIXES = (".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".th")


@dataclass(frozen=True)
class HubFiles:
    """A repository's file of weights or index of shards, its commit, and the repository's config.json if it has one."""

    path: Path
    revision: str
    config: Path | None


def fetch(repository: str, revision: str | None, names: Sequence[str] = _WEIGHTS) -> HubFiles:
    """Download the weights of a commit: ``revision``, or the head of the main branch. Raises UserError.

    names: of files with weights, in order of preference.
    """
    hub = require("huggingface_hub", "hub")
    with _hub_errors_as_user_errors(hub, f"{repository}{f'@{revision}' if revision else ''}"):
        api = _connect(hub)
        info = api.model_info(repository, revision=revision)
        available = [file.rfilename for file in info.siblings or []]
        name = _choose_weights(repository, available, names)
        path = Path(api.hf_hub_download(repository, name, revision=info.sha))
        if name.endswith(shards.INDEX):
            for member in shards.list_members(path):
                if member not in available:
                    raise UserError(f"the index {name} of {repository} names {member}, which the repository lacks.")
                api.hf_hub_download(repository, member, revision=info.sha)
        config = None
        if "preprocessor_config.json" in available:  # read from beside the weights
            api.hf_hub_download(repository, "preprocessor_config.json", revision=info.sha)
        if "config.json" in available:
            config = Path(api.hf_hub_download(repository, "config.json", revision=info.sha))
    return HubFiles(path, info.sha, config)


def push(repository: str, folder: Path, *, private: bool, message: str, make_page: Callable[[str | None], str]) -> str:
    """Upload the files of ``folder`` and a page, creating the repository if needed. Returns the commit.

    make_page: the README.md to write, from the repository's, None if it has none. Raises UserError, also where
    somebody else changed the repository meanwhile.
    """
    hub = require("huggingface_hub", "hub")
    with _hub_errors_as_user_errors(hub, repository):
        api = _connect(hub)
        api.create_repo(repository, private=private, exist_ok=True)
        info = api.model_info(repository)
        existing = None
        if PAGE in [file.rfilename for file in info.siblings or []]:
            existing = _read_page(Path(api.hf_hub_download(repository, PAGE, revision=info.sha)), repository)
        (folder / PAGE).write_bytes(make_page(existing).encode())  # as bytes: line ends are the user's
        commit = api.upload_folder(
            repo_id=repository, folder_path=str(folder), commit_message=message, parent_commit=info.sha
        )
    return str(commit.oid)


def _read_page(path: Path, repository: str) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UserError(f"the README.md of {repository} is not UTF-8; save it as UTF-8, then push again.") from error


def _connect(hub: Any) -> Any:
    return hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"))


def _choose_weights(repository: str, available: Sequence[str], names: Sequence[str]) -> str:
    found = next((name for name in names if name in available), None)
    if found:
        return found
    others = [name for name in available if name.endswith(_SUFFIXES)]
    if len(others) == 1:
        return others[0]
    what = f"several files of weights ({', '.join(others[:4])})" if others else "no file of weights"
    raise UserError(f"{repository} holds {what}; download the right one and name the file.")


@contextmanager
def _hub_errors_as_user_errors(hub: Any, what: str) -> Iterator[None]:
    """Raise UserError for errors of huggingface_hub and its HTTP clients; others pass. what: the repository."""
    errors = require("huggingface_hub.errors", "hub")  # not an attribute before it is imported
    try:
        yield
    except UserError:
        raise
    except errors.GatedRepoError as error:
        raise UserError(f"{what} is gated: accept its terms on the hub, then run 'hf auth login'.") from error
    except errors.RepositoryNotFoundError as error:
        raise UserError(
            f"no repository {what} on the hub, or no access to it; check the name, or run 'hf auth login'."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise UserError(f"no revision {what}; name a commit, tag or branch that exists.") from error
    except Exception as error:
        # huggingface_hub has changed its HTTP client, and with it the exceptions of a failed connection.
        clients = ("httpx", "httpx2", "httpcore", "requests", "huggingface_hub")
        from_client = type(error).__module__.split(".")[0] in clients
        if not from_client and not isinstance(error, OSError | errors.HfHubHTTPError):
            raise
        reason = " ".join(str(error).split())[:160]
        raise UserError(f"the request for {what} on the hub failed: {reason}; try again later.") from error
