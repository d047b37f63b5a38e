"""Unpacking archives: intact, damaged and malicious ones."""

import io
import os
import stat
import tarfile
import zipfile

import pytest

from loocbench.data.download import unpacking
from loocbench.errors import UserError
from tests.conftest import Silent

CONTENT = os.urandom(3_000_000)


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
