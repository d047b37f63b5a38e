"""Files are seen whole or not at all, and a failed write says what to do."""

import errno
import os
import signal
import threading
from pathlib import Path

import pytest

from loocbench import files
from loocbench.errors import UserError


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def fail_while_writing(path, error):
    with files.writing(path) as part:
        part.write_text("half")
        raise error


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new folder" / "a.txt"
    with files.writing(path) as part:
        part.write_text("half")
        assert not path.exists()
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert names_in(path.parent) == ["a.txt"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(KeyboardInterrupt):
        fail_while_writing(path, KeyboardInterrupt())
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_file_has_the_mode_that_open_would_give(tmp_path):
    (tmp_path / "plain").touch()
    files.write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_new_file_never_replaces_one(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no links")))
    path = tmp_path / "a.txt"
    assert [files.write_new_text(path, text) for text in ("first", "second")] == [True, False]
    assert path.read_text() == "first"
    assert names_in(tmp_path) == ["a.txt"]


def test_of_many_that_write_a_new_file_at_once_one_is_told_that_it_did(tmp_path):
    told = []
    threads = [
        threading.Thread(target=lambda n=n: told.append(files.write_new_text(tmp_path / "a", str(n)))) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False] * 7 + [True]


def test_a_temporary_file_gives_away_the_name_it_was_to_get(tmp_path):
    with files.writing(tmp_path / "a.b.json") as part:
        assert files.name_behind_temporary(part.name) == "a.b.json"
    assert files.name_behind_temporary("a.b.json") is None


def test_a_folder_that_another_process_made_first_stays(tmp_path):
    with files.writing_folder(tmp_path / "x") as part:
        (part / "ours").touch()
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "theirs").touch()
    assert names_in(tmp_path) == ["x"]
    assert names_in(tmp_path / "x") == ["theirs"]


def test_a_full_disk_is_one_line_that_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"cannot write .*a\.txt: the disk is full; free some space"):
        fail_while_writing(tmp_path / "a.txt", OSError(errno.ENOSPC, "No space left on device"))
    assert names_in(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path):
    files.require_writable(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="a file stands where a folder is needed"):
        files.require_writable(tmp_path / "file" / "below")


def test_ctrl_c_waits_for_the_end_of_the_block():
    """Also where other threads run that the system may hand the signal to."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    reached, wait = [], threading.Event()
    threading.Thread(target=wait.wait).start()

    def disturbed():
        with files.undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("the end")

    try:
        with pytest.raises(KeyboardInterrupt):
            disturbed()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        wait.set()
        signal.signal(signal.SIGINT, before)
    assert reached == ["the end"]


@pytest.mark.parametrize("name", ["a", "looc++_v1.0-x", "0"])
def test_plain_names_can_name_a_file(name):
    assert files.require_name("suite", name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "a b", "-a", "a\n", "é"])
def test_other_names_are_refused(name):
    with pytest.raises(UserError, match="cannot name a suite"):
        files.require_name("suite", name)


def test_what_killed_writers_left_goes_after_a_day_and_nothing_else(tmp_path):
    """A file that is being written, other programs' files and other kinds stay."""
    long_ago = 1_000_000_000
    kept = [tmp_path / name for name in (".b.json.ab12cd34.part", ".a.txt.ab12cd34.part", ".note.part", "old.json")]
    remains = [tmp_path / name for name in (".a.json.ab12cd34.part", ".other.json.zz_2cd34.part")]
    for path in kept + remains:
        path.write_text("half")
    for path in remains + kept[1:]:
        os.utime(path, (long_ago, long_ago))
    (tmp_path / ".c.json.ab12cd34.part").mkdir()
    files.write_text(tmp_path / "a.json", "whole")
    assert names_in(tmp_path) == sorted(["a.json", ".c.json.ab12cd34.part", *(path.name for path in kept)])


@pytest.mark.parametrize("name", ["x" * 300, "x" * 201])
def test_a_name_that_is_too_long_for_a_file_is_refused(name):
    with pytest.raises(UserError, match=f"^'{'x' * 40}…' is too long to name a suite; use at most 200 letters"):
        files.require_name("suite", name)
    assert files.require_name("suite", "x" * 200)


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "old").write_text("old")
    with files.replacing_folder(folder) as part:
        (part / "new").write_text("new")
        assert names_in(folder) == ["old"]
    assert names_in(folder) == ["new"]
    assert names_in(tmp_path) == ["site"]
    (tmp_path / "plain").mkdir()
    assert folder.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_error_leaves_the_old_folder(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "old").write_text("old")
    with pytest.raises(KeyboardInterrupt), files.replacing_folder(folder):
        raise KeyboardInterrupt
    assert names_in(folder) == ["old"]
    rename, calls = Path.rename, []

    def fail_second(path, target):
        calls.append(path)
        if len(calls) == 2:  # the new folder's
            raise OSError(errno.ENOSPC, "full")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_second)
    with pytest.raises(UserError, match="the disk is full"), files.replacing_folder(folder) as part:
        (part / "new").write_text("new")
    assert names_in(folder) == ["old"]
    assert names_in(tmp_path) == ["site"]
