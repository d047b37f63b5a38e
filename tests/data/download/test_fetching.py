"""Downloading files from servers that break off, lie, or cannot be reached."""

import io
import os
import zipfile
from dataclasses import replace

import pytest

from loocbench.data.download import fetching
from loocbench.errors import UserError
from tests.conftest import Silent
from tests.data.servers import download_of, serving

CONTENT = os.urandom(3_000_000)


@pytest.fixture
def host():
    with serving() as it:
        yield it


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(fetching, "_PAUSE", 0.0)


def fetch(download, folder, **options):
    folder.mkdir(exist_ok=True)
    return fetching.fetch_file(download, folder, Silent(), **options)


def test_a_file_is_fetched_verified_and_kept(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    assert fetch(download, tmp_path / "d").read_bytes() == CONTENT
    assert fetch(download, tmp_path / "d").read_bytes() == CONTENT
    assert len(host.requests) == 1  # the second time it was there
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["a.bin"]


def test_a_cut_connection_is_resumed_at_once(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    host.cut_after = [1_500_000, 500_000]
    assert fetch(download, tmp_path / "d").read_bytes() == CONTENT
    starts = [int(asked.removeprefix("bytes=").rstrip("-")) for _, asked in host.requests if asked]
    assert len(starts) == 2
    assert 0 < starts[0] < starts[1] <= 2_000_000


def test_the_part_that_a_killed_download_left_is_resumed(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.bin.part").write_bytes(CONTENT[:1_234_567])
    assert fetch(download, tmp_path / "d").read_bytes() == CONTENT
    assert host.requests == [("/a.bin", "bytes=1234567-")]


def test_a_part_that_is_already_whole_needs_no_more_bytes(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.bin.part").write_bytes(CONTENT)
    assert fetch(download, tmp_path / "d").read_bytes() == CONTENT


def test_a_server_that_cannot_resume_sends_all_again(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    host.ranges = False
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.bin.part").write_bytes(b"old bytes")
    assert fetch(download, tmp_path / "d").read_bytes() == CONTENT


def test_a_server_that_sends_nothing_is_given_up_and_the_part_is_kept(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    host.cut_after = [2_200_000, 0, 0, 0, 0, 0]
    with pytest.raises(UserError, match="2 MB are kept, the same command resumes") as caught:
        fetch(download, tmp_path / "d")
    assert "the connection was cut" in str(caught.value)
    host.cut_after = []
    assert fetch(download, tmp_path / "d").read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_leaves_nothing(tmp_path, host):
    download = replace(download_of(host, "a.bin", CONTENT), digest="0" * 32)
    with pytest.raises(UserError, match=r"not the official file \(wrong checksum\)"):
        fetch(download, tmp_path / "d")
    assert not list((tmp_path / "d").iterdir())


def test_a_part_of_another_version_is_dropped(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.bin.part").write_bytes(b"of another version")
    assert fetch(download, tmp_path / "d").read_bytes() == CONTENT


def test_a_bad_mirror_does_not_affect_a_good_address(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    host.files["bad/a.bin"] = CONTENT * 3
    host.lengths = False
    assert fetch(download, tmp_path / "d", mirror=f"{host.address}/bad").read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_short_answer_does_not_destroy_what_has_arrived(tmp_path, host, kind):
    download = download_of(host, "a.bin", CONTENT)
    host.files["a.bin"], host.ranges, host.kind = b"please log in", False, kind
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.bin.part").write_bytes(CONTENT[:2_000_000])
    with pytest.raises(UserError, match="2 MB are kept"):
        fetch(download, tmp_path / "d")
    assert (tmp_path / "d" / "a.bin.part").read_bytes() == CONTENT[:2_000_000]


def test_a_busy_server_is_asked_again(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    host.busy = 2
    assert fetch(download, tmp_path / "d").read_bytes() == CONTENT
    host.busy = 9
    with pytest.raises(UserError, match="HTTP 503"):
        fetch(replace(download, file="b.bin"), tmp_path / "d")


@pytest.mark.parametrize("whole", [True, False])
def test_an_archive_without_a_published_checksum_must_be_intact(tmp_path, host, whole):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("b.bin", CONTENT[:50_000])
    content = buffer.getvalue() if whole else buffer.getvalue()[:-40]
    download = replace(download_of(host, "a.zip", content), algorithm="", digest="")
    if whole:
        assert fetch(download, tmp_path / "d").read_bytes() == content
    else:
        with pytest.raises(UserError, match="not the official file"):
            fetch(download, tmp_path / "d")


def test_a_wrong_file_put_there_by_hand_is_named_and_not_deleted(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.bin").write_bytes(b"something else")
    with pytest.raises(UserError, match=r"a\.bin is not the official file, its checksum is wrong; delete"):
        fetch(download, tmp_path / "d")
    assert (tmp_path / "d" / "a.bin").read_bytes() == b"something else"


def test_the_next_mirror_is_tried(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    dead = "http://127.0.0.1:9/a.bin"  # nobody listens on the discard port
    download = replace(download, urls=(dead, f"{host.address}/gone.bin", *download.urls))
    assert fetch(download, tmp_path / "d").read_bytes() == CONTENT


def test_a_mirror_of_the_users_is_tried_first(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    host.files["mine/a.bin"] = CONTENT
    fetch(download, tmp_path / "d", mirror=f"{host.address}/mine/")
    assert host.requests == [("/mine/a.bin", None)]


def test_without_network_one_line_says_what_to_put_where(tmp_path, host):
    download = replace(download_of(host, "a.bin", CONTENT), urls=("http://127.0.0.1:9/a.bin",))
    with pytest.raises(UserError) as caught:
        fetch(download, tmp_path / "d")
    assert str(caught.value) == (
        "cannot download a.bin (127.0.0.1:9: no connection). Or get it from http://127.0.0.1:9/a.bin by other means "
        f"and put it into {tmp_path / 'd'}."
    )


@pytest.mark.parametrize(("told", "reason"), [(True, "3 MB instead of 0 MB"), (False, "more than 1 MB")])
def test_far_more_than_the_published_size_is_refused(tmp_path, host, told, reason):
    download = replace(download_of(host, "a.bin", CONTENT), size=1000)
    host.lengths = told
    with pytest.raises(UserError, match=reason):
        fetch(download, tmp_path / "d")
    assert sum(path.stat().st_size for path in (tmp_path / "d").iterdir()) <= download.size_limit


def test_a_full_disk_is_named(tmp_path, host, monkeypatch):
    download = download_of(host, "a.bin", CONTENT)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetching, "_receive", full)
    with pytest.raises(UserError, match="the disk is full"):
        fetch(download, tmp_path / "d")
