"""Getting archives: from servers that break off, lie or are away; and archives that would do harm."""

import io
import os
import stat
import tarfile
import zipfile
from dataclasses import replace

import pytest

from loocbench.data.download import fetching, unpacking
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


def test_what_arrived_before_a_kill_is_gone_on_with(tmp_path, host):
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


def test_a_server_that_brings_nothing_is_given_up_and_the_part_is_kept(tmp_path, host):
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


def test_a_stale_part_that_spoils_the_checksum_is_dropped(tmp_path, host):
    download = download_of(host, "a.bin", CONTENT)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.bin.part").write_bytes(b"of another version")
    assert fetch(download, tmp_path / "d").read_bytes() == CONTENT


def test_junk_of_a_bad_mirror_does_not_spoil_a_good_one(tmp_path, host):
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
def test_an_archive_without_a_published_checksum_has_to_be_whole(tmp_path, host, whole):
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


def tar(path, *members):
    """A tar of TarInfo objects, or (name, content)."""
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def unpack(archive, folder, limit=10**6):
    folder.mkdir(parents=True, exist_ok=True)
    unpacking.unpack_archive(archive, folder, limit=limit, reporter=Silent())


def below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["a.tgz", "a.tar.gz", "a.tar", "a.zip"])
def test_plain_archives_are_unpacked(tmp_path, kind):
    if kind == "a.zip":
        with zipfile.ZipFile(tmp_path / kind, "w") as archive:
            archive.writestr("top/", "")
            archive.writestr("top/inner/b.txt", "hello")
    else:
        tar(tmp_path / kind, special("top", tarfile.DIRTYPE), ("top/inner/b.txt", b"hello"))
    unpack(tmp_path / kind, tmp_path / "out")
    assert (tmp_path / "out" / "top" / "inner" / "b.txt").read_bytes() == b"hello"


def test_no_modes_are_taken_from_an_archive(tmp_path):
    info = tarfile.TarInfo("run.sh")
    info.mode = 0o6777
    unpack(tar(tmp_path / "a.tgz", info), tmp_path / "out")
    assert not stat.S_IMODE((tmp_path / "out" / "run.sh").stat().st_mode) & 0o6111


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (("/etc/evil", b"x"), "outside its folder"),
        (("../evil", b"x"), "outside its folder"),
        (("top/../../evil", b"x"), "outside its folder"),
        (("C:/evil", b"x"), "outside its folder"),
        (("top\\..\\..\\evil", b"x"), "outside its folder"),
        (special("link", tarfile.SYMTYPE, "/etc/passwd"), "a link"),
        (special("link", tarfile.SYMTYPE, "inside"), "a link"),
        (special("link", tarfile.LNKTYPE, "good.txt"), "a link"),
        (special("pipe", tarfile.FIFOTYPE), "a device or pipe"),
        (special("device", tarfile.CHRTYPE), "a device or pipe"),
    ],
)
def test_a_hostile_tar_is_refused(tmp_path, member, reason):
    archive = tar(tmp_path / "a.tgz", ("good.txt", b"fine"), member)
    with pytest.raises(UserError, match=reason):
        unpack(archive, tmp_path / "deep" / "out")
    assert below(tmp_path) <= {"a.tgz", "deep/out/good.txt"}


@pytest.mark.parametrize("name", ["/etc/evil", "../evil", "a/../../evil"])
def test_a_hostile_zip_is_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(UserError, match="outside its folder"):
        unpack(tmp_path / "a.zip", tmp_path / "deep" / "out")
    assert below(tmp_path) == {"a.zip"}


def test_a_link_in_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(UserError, match="a link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("kind", ["a.tgz", "a.zip"])
def test_a_bomb_is_stopped_at_its_limit(tmp_path, kind):
    zeros = bytes(20_000_000)
    if kind == "a.zip":
        with zipfile.ZipFile(tmp_path / kind, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("big", zeros)
    else:
        tar(tmp_path / kind, ("big", zeros))
    with pytest.raises(UserError, match="more than 3 MB"):
        unpack(tmp_path / kind, tmp_path / "out", limit=3_000_000)
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*")) <= 3_000_000


@pytest.mark.parametrize("name", ["a.tgz", "a.zip", "a.tar"])
@pytest.mark.parametrize("keep", [0, 30, 200, -20_000])
def test_a_damaged_archive_is_named(tmp_path, name, keep):
    if name == "a.zip":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("b.bin", CONTENT[:50_000])
    else:
        tar(tmp_path / name, ("b.bin", CONTENT[:50_000]))
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[:keep])
    with pytest.raises(UserError, match=r"is damaged .*; delete it"):
        unpack(tmp_path / name, tmp_path / "out")
