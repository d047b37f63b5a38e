"""A data set whose files changed is another data set, however alike it looks from outside."""

import hashlib
import os
from dataclasses import replace

import numpy as np
import pytest

from loocbench import editions
from loocbench.cache import layout
from loocbench.data import catalog, damage, digests, opening
from loocbench.errors import UserError
from tests.conftest import Silent, picture
from tests.data.preparation import Listening, prepare


def replace_alike(path):
    """Another picture in a file's place, with its size and its time of modification; returns what was there."""
    before, state = path.read_bytes(), path.stat()
    changed = bytearray(before)
    changed[-len(changed) // 3] ^= 1
    path.write_bytes(changed)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (state.st_size, state.st_mtime_ns)
    return before


def opened(tmp_path, reporter=None):
    return opening.open_dataset(
        f"folder:{tmp_path / 'pets'}",
        None,
        skip_damaged=False,
        cache=tmp_path / "cache",
        reporter=reporter or Silent(),
    )


def hashes(reporter):
    return [stage for stage, _, _ in reporter.stages if stage.startswith("hash")]


def test_a_file_replaced_by_one_that_looks_alike_is_another_data_set(tmp_path, pets):
    item = pets.splits["test"].items[0]
    before = pets.edition(), pets.content(pets.splits["test"].items), pets.splits["test"].fingerprint
    assert prepare(pets, "test", 24, tmp_path / "cache")
    kept = replace_alike(tmp_path / "pets" / item)
    after = pets.edition(), pets.content(pets.splits["test"].items), pets.splits["test"].fingerprint
    assert after[0] != before[0]
    assert not editions.is_same_edition(after[0], before[0])
    assert after[1] != before[1]  # features and decoded images are made anew
    assert after[2] == before[2]  # paths and labels
    assert opened(tmp_path).edition() == after[0]
    (tmp_path / "pets" / item).write_bytes(kept)
    assert pets.edition() == before[0]


def test_the_edition_is_of_paths_and_bytes_and_the_same_elsewhere(tmp_path, pets):
    import shutil

    items = sorted(item for split in pets.splits.values() for item in split.items)
    lines = [f"{item}\t{hashlib.sha256((tmp_path / 'pets' / item).read_bytes()).hexdigest()}\n" for item in items]
    sizes = [f"{item}\t{(tmp_path / 'pets' / item).stat().st_size}\n" for item in items]
    content, former = (hashlib.sha256("".join(part).encode()).hexdigest() for part in (lines, sizes))
    assert pets.edition() == f"content:{content} sizes:{former}"
    shutil.copytree(tmp_path / "pets", tmp_path / "elsewhere" / "pets", copy_function=shutil.copy)
    assert catalog.open_dataset(f"folder:{tmp_path / 'elsewhere' / 'pets'}").edition() == pets.edition()
    assert editions.is_same_edition(former, pets.edition())  # as older rows have it


def test_digests_come_from_decoding_and_files_are_not_read_again(tmp_path, pets):
    expected = pets.edition()
    for split in pets.splits:
        prepare(pets, split, 24, tmp_path / "cache")
    reporter = Listening()
    assert opened(tmp_path, reporter).edition() == expected
    assert not hashes(reporter)


def test_without_decoded_images_files_are_read_once(tmp_path, pets):
    reporter = Listening()
    expected = pets.edition()
    dataset = opened(tmp_path, reporter)
    assert dataset.edition() == dataset.edition() == expected
    assert hashes(reporter) == ["hash, train", "hash, val", "hash, test"]
    assert opened(tmp_path, reporter).edition() == expected
    assert len(hashes(reporter)) == 3


def test_an_interrupted_preparation_keeps_the_digests_of_all_files(tmp_path, pets, monkeypatch):
    from loocbench.data import preparing

    monkeypatch.setattr(preparing, "_CHUNK", 8)
    monkeypatch.setattr(preparing, "_GROUP", 16)

    class Stops(Listening):
        def update(self, stage, done, total, detail=""):
            if stage.startswith("decode") and done == 40:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(pets, "train", 24, tmp_path / "cache", Stops())
    split = pets.splits["train"]
    path = digests.record_path(tmp_path / "pets", split.items, tmp_path / "cache")
    assert not path.exists()
    prepare(pets, "train", 24, tmp_path / "cache")
    whole = digests.hash_files(tmp_path / "pets", split.items)
    assert np.array_equal(digests.read_record(path, len(split)), whole)


def damage_of(raw, number):
    """One of sixty: a byte that is flipped, a zeroed stretch, a file that is cut short."""
    position, spoiled = len(raw) * number // 60, bytearray(raw)
    if number % 3 == 0:
        spoiled[position] ^= 1 << number % 8
    elif number % 3 == 1:
        spoiled[position : position + len(raw) // 2] = bytes(len(raw[position : position + len(raw) // 2]))
    else:
        del spoiled[position:]
    return bytes(spoiled)


def test_every_damage_of_a_record_is_noticed_and_it_is_made_anew(tmp_path, pets):
    expected = opened(tmp_path).edition()
    paths = list(layout.folder_path(tmp_path / "cache", "digests").glob("*"))
    raw = paths[0].read_bytes()
    sizes = {len(split) for split in pets.splits.values()}
    count = next(size for size in sizes if digests.read_record(paths[0], size) is not None)
    for number in range(60):
        paths[0].write_bytes(damage_of(raw, number))
        assert digests.read_record(paths[0], count) is None, number
    assert opened(tmp_path).edition() == expected
    assert paths[0].read_bytes() == raw


def test_a_cache_that_cannot_be_written_to_is_no_obstacle(tmp_path, pets):
    (tmp_path / "file").write_text("in the folder's place")
    dataset = opening.keep_digests(pets, tmp_path / "file", Silent())
    assert dataset.edition() == pets.edition()


def test_the_edition_is_of_all_images_though_damaged_ones_are_left_out(tmp_path, pets):
    (tmp_path / "pets" / pets.splits["train"].items[3]).write_bytes(b"")
    without = damage.without_damaged(pets, cache=tmp_path / "cache", reporter=Silent())
    assert len(without.skipped) == 1
    assert without.edition() == pets.edition()


def test_a_file_that_changes_while_it_is_decoded_is_refused(tmp_path, pets, monkeypatch):
    from loocbench.data import preparing

    victim, real = pets.splits["test"].items[0], preparing._write_images

    def write(chunk, images):
        real(chunk, images)
        if victim in chunk.items:  # chunks are decoded by several threads
            replace_alike(tmp_path / "pets" / victim)

    monkeypatch.setattr(preparing, "_write_images", write)
    with pytest.raises(UserError, match="images of folder:pets changed while they were read"):
        prepare(pets, "test", 24, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


def test_names_that_would_blur_the_lists_of_names_are_refused(tmp_path, pets):
    (tmp_path / "pets" / pets.splits["test"].items[0]).rename(tmp_path / "pets" / "cat" / "a\nb.jpg")
    with pytest.raises(UserError, match=r"'cat/a\\nb.jpg' in .* has a line break or tab; rename it"):
        opened(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_in_an_images_place_is_refused(tmp_path, pets):
    victim = tmp_path / "pets" / pets.splits["test"].items[0]
    victim.unlink()
    os.mkfifo(victim)
    with pytest.raises(UserError, match="is not a file; replace it"):
        pets.edition()


def test_rendered_data_sets_keep_their_renderers_version(tiny_blooms, tmp_path):
    assert opening.keep_digests(tiny_blooms, tmp_path, Silent()).edition() == "blooms v2 seed 0"
    assert replace(tiny_blooms).edition() == "blooms v2 seed 0"


def test_remarks_are_told_when_a_data_set_is_opened(tmp_path, pets):
    picture(tmp_path / "pets" / "cat" / "more.jpg")
    (tmp_path / "pets" / "cat" / "a.heic").write_bytes(b"x")
    reporter = Listening()
    opened(tmp_path, reporter)
    assert reporter.said == [f"left out of {tmp_path / 'pets'}, since they are not images that can be read: 1 .heic"]
