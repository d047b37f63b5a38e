"""Damaged images are left out when the user asks for it, found once, and named."""

import json

import pytest

from loocbench.cache import entries
from loocbench.data import damage
from loocbench.errors import UserError
from tests.data.preparation import Listening


@pytest.fixture
def damaged_pets(pets, tmp_path):
    """The pets, of which one image of train is cut off and one of test is empty; and their names."""
    cut, empty = (tmp_path / "pets" / pets.splits[split].items[3] for split in ("train", "test"))
    cut.write_bytes(cut.read_bytes()[:600])
    empty.write_bytes(b"")
    return pets, [pets.splits["train"].items[3], pets.splits["test"].items[3]]


def test_damaged_images_are_left_out_and_named(damaged_pets, tmp_path):
    pets, damaged = damaged_pets
    reporter = Listening()
    found = damage.without_damaged(pets, cache=tmp_path / "cache", reporter=reporter)
    assert found.skipped == tuple(damaged)
    assert found.note.endswith("2 damaged left out")
    for name, split in found.splits.items():
        assert set(split.items) == set(pets.splits[name].items) - set(damaged)
    (line,) = reporter.said
    assert line == f"left out 2 damaged images of {pets.name}: {', '.join(damaged)}"


def test_a_data_set_without_damage_stays_as_it_is(pets, tmp_path):
    assert damage.without_damaged(pets, cache=tmp_path / "cache", reporter=Listening()) is pets


def test_images_are_examined_once(damaged_pets, tmp_path, monkeypatch):
    pets, damaged = damaged_pets
    damage.without_damaged(pets, cache=tmp_path / "cache", reporter=Listening())
    monkeypatch.setattr(damage, "_make_record", lambda *_: pytest.fail("examined again"))
    assert damage.without_damaged(pets, cache=tmp_path / "cache", reporter=Listening()).skipped == tuple(damaged)


def test_records_say_what_they_are_and_can_be_removed(damaged_pets, tmp_path):
    pets, damaged = damaged_pets
    damage.without_damaged(pets, cache=tmp_path / "cache", reporter=Listening())
    found = {entry.description["split"]: entry for entry in entries.find_entries(tmp_path / "cache")}
    assert found["train"].description == {
        "kind": "damage",
        "dataset": pets.name,
        "split": "train",
        "images": len(pets.splits["train"]),
        "damaged": damaged[:1],
    }
    assert all(entries.remove_entry(entry) for entry in found.values())
    assert damage.without_damaged(pets, cache=tmp_path / "cache", reporter=Listening()).skipped == tuple(damaged)


def test_a_record_that_is_pruned_this_moment_is_made_again(damaged_pets, tmp_path, monkeypatch):
    pets, damaged = damaged_pets
    real, pruned = damage._read_record, []

    def read(path):
        if not pruned:
            pruned.append(path)
            path.unlink()
        return real(path)

    monkeypatch.setattr(damage, "_read_record", read)
    assert damage.without_damaged(pets, cache=tmp_path / "cache", reporter=Listening()).skipped == tuple(damaged)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"damaged"', '{"damaged": []}'])
def test_a_damaged_record_is_made_anew_with_a_line(damaged_pets, tmp_path, content):
    pets, damaged = damaged_pets
    path = damage.record_path(pets, pets.splits["train"], tmp_path / "cache")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    hears = Listening()
    assert damage.without_damaged(pets, cache=tmp_path / "cache", reporter=hears).skipped == tuple(damaged)
    assert any(f"{path} is damaged" in line for line in hears.said)
    assert path.read_text() != content


def test_a_split_of_damaged_images_alone_is_refused(pets, tmp_path):
    for item in pets.splits["val"].items:
        (tmp_path / "pets" / item).write_bytes(b"")
    with pytest.raises(UserError, match="every image of folder:pets, val is damaged"):
        damage.without_damaged(pets, cache=tmp_path / "cache", reporter=Listening())


def test_equal_content_gives_equal_records(pets, tmp_path):
    for cache in ("one", "two"):
        damage.without_damaged(pets, cache=tmp_path / cache, reporter=Listening())
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / c).rglob("*.json")} for c in ("one", "two"))
    assert one == two
    assert all(json.loads(record)["damaged"] == [] for record in one.values())
