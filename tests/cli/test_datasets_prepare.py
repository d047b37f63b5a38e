"""``loocbench datasets prepare`` against a local server that has archives in the official layouts.

``loocbench.jobs.datasets`` and ``loocbench.cli.datasets``.
"""

import json
import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

from loocbench.data.download import fetching
from loocbench.data.entries import ENTRIES
from loocbench.jobs import datasets as job
from tests.cli.conftest import files_below
from tests.data import layouts
from tests.data.servers import download_of, make_downloads, serving


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setattr(fetching, "_PAUSE", 0.0)
    with serving() as it:
        yield it


def replace_downloads(monkeypatch, name, *downloads):
    """Replace the downloads of the catalog's entry ``name``."""
    entry = ENTRIES[name]
    monkeypatch.setitem(ENTRIES, name, replace(entry, source=replace(entry.source, downloads=downloads)))


NAMES = ["cub200", "flowers102", "inat2019", "tiny-imagenet", "dtd"]


def offer_small_copy(name, host, tmp_path, monkeypatch):
    """Serve a small copy of ``name`` as its official archives; returns the downloads."""
    downloads = make_downloads(name, host, tmp_path / "origin")
    shutil.rmtree(tmp_path / "origin")
    replace_downloads(monkeypatch, name, *downloads)
    return downloads


@pytest.mark.parametrize("name", NAMES)
def test_prepare_downloads_unpacks_and_reads(loocbench, host, tmp_path, monkeypatch, name):
    offer_small_copy(name, host, tmp_path, monkeypatch)
    said = loocbench("datasets", "prepare", name, "--data-dir", tmp_path / "data")
    assert said.code == 0
    assert said.out.startswith(f"{name} exists and was left unchanged: train ")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"downloads", ENTRIES[name].folders[0]}
    assert not files_below(tmp_path / "data" / "downloads")  # archives are gone once they are unpacked
    assert loocbench("datasets", "verify", name, "--data-dir", tmp_path / "data").code == 0
    asked = len(host.requests)
    assert loocbench("datasets", "prepare", name, "--data-dir", tmp_path / "data").code == 0
    assert len(host.requests) == asked  # what is there is not fetched again


def test_archives_can_be_kept_and_put_there_by_hand(loocbench, host, tmp_path, monkeypatch):
    (download,) = offer_small_copy("cub200", host, tmp_path, monkeypatch)
    by_hand = tmp_path / "data" / "downloads" / download.file
    by_hand.parent.mkdir(parents=True)
    by_hand.write_bytes(host.files[download.file])
    host.files.clear()  # no network
    assert loocbench("datasets", "prepare", "cub200", "--data-dir", tmp_path / "data", "--keep-archives").code == 0
    assert host.requests == []
    assert by_hand.exists()


def test_prepare_resumes_after_an_interruption(loocbench, one_line, host, tmp_path, monkeypatch):
    (download,) = offer_small_copy("cub200", host, tmp_path, monkeypatch)
    host.cut_after = [len(host.files[download.file]) // 2, *[0] * 8]
    assert "the same command resumes from there" in one_line(
        "datasets", "prepare", "cub200", "--data-dir", tmp_path / "data"
    )
    assert not (tmp_path / "data" / "CUB_200_2011").exists()
    listed = json.loads(loocbench("datasets", "ls", "--json", "--data-dir", tmp_path / "data").out)["datasets"]
    assert next(one for one in listed if one["name"] == "cub200")["state"] == "partial"
    host.cut_after = []
    assert loocbench("datasets", "prepare", "cub200", "--data-dir", tmp_path / "data").code == 0
    assert host.requests[-1][1].startswith("bytes=")


@pytest.mark.parametrize("hostile", ["outside", "link", "bomb", "damaged", "another"])
def test_a_hostile_or_wrong_archive_leaves_the_data_folder_as_it_was(one_line, host, tmp_path, monkeypatch, hostile):
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for number in range(3):
            info = tarfile.TarInfo(f"CUB_200_2011/{number}.txt" if hostile != "another" else f"other/{number}.txt")
            archive.addfile(info)
        if hostile in ("outside", "link"):
            info = tarfile.TarInfo("../../escaped.txt" if hostile == "outside" else "CUB_200_2011/link")
            info.type, info.linkname = (tarfile.REGTYPE, "") if hostile == "outside" else (tarfile.SYMTYPE, "/etc")
            archive.addfile(info)
        if hostile in ("bomb", "damaged"):
            info = tarfile.TarInfo("CUB_200_2011/big")
            info.size = 50_000_000 if hostile == "bomb" else 100_000
            archive.addfile(info, io.BytesIO(bytes(info.size) if hostile == "bomb" else os.urandom(info.size)))
    content = buffer.getvalue()[: -5000 if hostile == "damaged" else None]
    replace_downloads(
        monkeypatch, "cub200", download_of(host, "CUB_200_2011.tgz", content, unpacked=1000, gives="CUB_200_2011")
    )
    said = one_line("datasets", "prepare", "cub200", "--data-dir", tmp_path / "data")
    expected = {
        "outside": "outside its folder",
        "link": "a link",
        "bomb": "more than",
        "damaged": "is damaged",
        "another": "does not hold CUB_200_2011",
    }
    assert expected[hostile] in said
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"downloads"}
    assert not list(tmp_path.rglob("escaped.txt"))


def test_prepare_fetches_only_what_is_missing(loocbench, host, tmp_path, monkeypatch):
    offer_small_copy("inat2019", host, tmp_path, monkeypatch)
    prepare = ["datasets", "prepare", "inat2019", "--data-dir", tmp_path / "data"]
    assert loocbench(*prepare).code == 0
    (tmp_path / "data" / "inat2019" / "val2019.json").unlink()
    host.requests.clear()
    assert loocbench(*prepare).code == 0
    assert [path for path, _ in host.requests] == ["/val2019.json.tar.gz"]


def test_prepare_removes_what_a_killed_one_left(loocbench, host, tmp_path, monkeypatch):
    offer_small_copy("cub200", host, tmp_path, monkeypatch)
    layouts.make_folder(tmp_path / "data" / ".CUB_200_2011.abcd.part")
    assert loocbench("datasets", "prepare", "cub200", "--data-dir", tmp_path / "data").code == 0
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"downloads", "CUB_200_2011"}


def test_prepare_takes_addresses_as_mirrors_only(one_line, tmp_path):
    for mirror in ("localhost:8000", "archives", "file:///tmp"):
        assert "is not an address" in one_line(
            "datasets", "prepare", "dtd", "--mirror", mirror, "--data-dir", tmp_path / "data"
        )


def test_prepare_without_network_says_what_to_put_where(one_line, tmp_path, monkeypatch):
    dead = replace(ENTRIES["dtd"].source.downloads[0], urls=("http://127.0.0.1:9/dtd-r1.0.1.tar.gz",))
    replace_downloads(monkeypatch, "dtd", dead)
    monkeypatch.setattr(fetching, "_PAUSE", 0.0)
    said = one_line("datasets", "prepare", "dtd", "--data-dir", tmp_path / "data")
    assert "no connection" in said
    assert f"put it into {tmp_path / 'data' / 'downloads'}" in said


@pytest.mark.parametrize(("name", "hint"), [("imagenet100", "ImageNet's train/ and val/"), ("objectnet13", "password")])
def test_prepare_says_what_has_to_be_done_by_hand(one_line, tmp_path, name, hint):
    assert hint in one_line("datasets", "prepare", name, "--data-dir", tmp_path / "data")


def test_prepare_refuses_a_disk_without_room(one_line, host, tmp_path, monkeypatch):
    offer_small_copy("cub200", host, tmp_path, monkeypatch)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    assert "GB are free; free some space" in one_line("datasets", "prepare", "cub200", "--data-dir", tmp_path / "data")
    assert host.requests == []


def test_prepare_on_a_disk_that_fills_up_leaves_no_partial_folder(one_line, host, tmp_path, monkeypatch):
    offer_small_copy("cub200", host, tmp_path, monkeypatch)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(job.unpacking, "_get_target", full)
    assert "the disk is full" in one_line("datasets", "prepare", "cub200", "--data-dir", tmp_path / "data")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"downloads"}


def test_prepare_knows_the_names(one_line, loocbench):
    assert "Did you mean 'cub200'" in one_line("datasets", "prepare", "cub20")
    assert loocbench("datasets", "prepare", "blooms").out.startswith("blooms is ready: train 3,000")
