"""A local HTTP server that offers small archives in official layouts and can fail as real servers do."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from loocbench.data.entry import Download
from tests.conftest import make_cub, make_flowers
from tests.data import layouts


@dataclass
class Host:
    """files: path -> content. cut_after: bytes after which the next answers break off, one entry an answer.

    ranges: whether Range is honoured; lengths: whether answers say how long they are; busy: how many answers are 503
    before it works; kind: the Content-Type. requests: (path, Range header) of everything that was asked.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    ranges: bool = True
    lengths: bool = True
    busy: int = 0
    kind: str = "application/octet-stream"
    requests: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def serving() -> Iterator[Host]:
    """A host that serves until the block ends."""
    host = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            host.requests.append((self.path, asked))
            if host.busy:
                host.busy -= 1
                self.send_error(503)
                return
            content = host.files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and host.ranges else 0
            if begin >= len(content) and begin:
                self.send_error(416)
                return
            self.send_response(206 if begin else 200)
            self.send_header("Content-Type", host.kind)
            if host.lengths:
                self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            body = content[begin:]
            self.wfile.write(body[: host.cut_after.pop(0)] if host.cut_after else body)

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


def tar_of(folder: Path, *, top: str, compression: str = "gz") -> bytes:
    """A tar archive with the content of ``folder`` under the name ``top`` ("" for none)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as archive:
        if top:
            archive.add(folder, arcname=top)
        else:
            for path in sorted(folder.iterdir()):
                archive.add(path, arcname=path.name)
    return buffer.getvalue()


def zip_of(folder: Path, *, top: str) -> bytes:
    """A zip archive with the content of ``folder`` under the name ``top``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{top}/{path.relative_to(folder).as_posix()}")
    return buffer.getvalue()


def download_of(
    host: Host, name: str, content: bytes, *, into: str = ".", unpacked: int = 0, gives: str = ""
) -> Download:
    """Put ``content`` on the host, and the description with which it is fetched."""
    host.files[name] = content
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Download(
        name, (f"{host.address}/{name}",), len(content), "md5", digest, into, unpacked or 10 * len(content), gives
    )


def make_downloads(name: str, host: Host, root: Path) -> list[Download]:
    """Put on the host what the data set's official archives would hold, in small; returns its downloads."""
    if name == "cub200":
        make_cub(root)
        (root / "attributes.txt").write_bytes(os.urandom(300_000))  # beside the folder, as in the official archive
        return [download_of(host, "CUB_200_2011.tgz", tar_of(root, top=""), gives="CUB_200_2011")]
    if name == "flowers102":
        folder = make_flowers(root) / "flowers-102"
        mats = [
            download_of(host, mat, (folder / mat).read_bytes(), into="flowers-102", gives=f"flowers-102/{mat}")
            for mat in ("imagelabels.mat", "setid.mat")
        ]
        images = tar_of(folder / "jpg", top="jpg")
        return [download_of(host, "102flowers.tgz", images, into="flowers-102", gives="flowers-102/jpg"), *mats]
    if name == "inat2019":
        folder = layouts.make_inat(root, 2019) / "inat2019"
        images = tar_of(folder / "train_val2019", top="train_val2019")
        lists = [
            download_of(
                host,
                f"{split}2019.json.tar.gz",
                tar_of(folder / f"{split}2019.json", top=f"{split}2019.json"),
                into="inat2019",
                gives=f"inat2019/{split}2019.json",
            )
            for split in ("train", "val")
        ]
        archive = download_of(host, "train_val2019.tar.gz", images, into="inat2019", gives="inat2019/train_val2019")
        return [archive, *lists]
    if name == "tiny-imagenet":
        folder = layouts.make_tiny_imagenet(root) / "tiny-imagenet-200"
        content = zip_of(folder, top="tiny-imagenet-200")
        return [download_of(host, "tiny-imagenet-200.zip", content, gives="tiny-imagenet-200")]
    folder = layouts.make_dtd(root) / "dtd"
    return [download_of(host, "dtd-r1.0.1.tar.gz", tar_of(folder, top="dtd"), gives="dtd")]
