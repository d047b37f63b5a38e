"""A stand-in for the Hugging Face hub on this machine: one repository, the calls that pushing and pulling make."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Repository:
    """files: by commit, the newest last. calls: method and path of every request."""

    name: str
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: bool | None = None
    calls: list[str] = field(default_factory=list)

    def commit(self, files: dict[str, bytes]) -> str:
        """Add files to those of the newest commit; returns the new one."""
        oid = hashlib.sha1(str(len(self.commits)).encode()).hexdigest()
        self.commits[oid] = {**(list(self.commits.values())[-1] if self.commits else {}), **files}
        return oid

    @property
    def newest(self) -> str:
        return list(self.commits)[-1]


@contextmanager
def serving(repository: Repository) -> Iterator[str]:
    """The stand-in's address while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(repository))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _handler(repository: Repository) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Nothing."""

        def answer(self, content: bytes, status: int = 200, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def json(self, value: Any, status: int = 200, **headers: str) -> None:
            self.answer(json.dumps(value).encode(), status, Content_Type="application/json", **headers)

        def do_GET(self) -> None:
            repository.calls.append(f"{self.command} {self.path}")
            path = self.path.partition("?")[0]
            if path.startswith(f"/api/models/{repository.name}"):
                revision = path.removeprefix(f"/api/models/{repository.name}").removeprefix("/revision/")
                self.model(revision or "main")
            elif path.startswith(f"/{repository.name}/resolve/"):
                revision, _, file = path.removeprefix(f"/{repository.name}/resolve/").partition("/")
                self.file(revision, file)
            else:
                self.json({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")

        def do_HEAD(self) -> None:
            self.do_GET()

        def model(self, revision: str) -> None:
            commit = repository.newest if revision == "main" else revision
            if commit not in repository.commits:
                self.json({"error": "Revision not found"}, 404, X_Error_Code="RevisionNotFound")
                return
            files = [{"rfilename": name} for name in repository.commits[commit]]
            self.json({"id": repository.name, "modelId": repository.name, "sha": commit, "siblings": files})

        def file(self, revision: str, name: str) -> None:
            content = repository.commits[revision][name]
            tag = hashlib.sha1(content).hexdigest()
            self.answer(content, X_Repo_Commit=revision, ETag=f'"{tag}"')

        def do_POST(self) -> None:
            repository.calls.append(f"POST {self.path}")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                repository.private = asked.get("private", asked.get("visibility") == "private")
                repository.commits or repository.commit({})
                self.json({"url": f"http://127.0.0.1/{repository.name}", "name": repository.name})
            elif "/preupload/" in self.path:
                files = json.loads(body)["files"]
                self.json(
                    {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]}
                )
            elif "/commit/" in self.path:
                lines = [json.loads(line) for line in body.splitlines()]
                files = {
                    line["value"]["path"]: base64.b64decode(line["value"]["content"])
                    for line in lines
                    if line["key"] == "file"
                }
                oid = repository.commit(files)
                self.json({"commitOid": oid, "commitUrl": f"http://127.0.0.1/{repository.name}/commit/{oid}"})
            else:
                self.json({"warnings": [], "errors": []})

    return Handler
