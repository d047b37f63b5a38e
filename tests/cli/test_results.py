"""``results merge | verify | export | import``: nothing is lost, nothing is replaced, nothing is read twice.

Covers ``loocbench.cli.results``, ``loocbench.records.places``, ``loocbench.records.merging``,
``loocbench.records.archive`` and ``loocbench.jobs.verifying_results``.
"""

import json
import stat
import zipfile

import numpy as np
import pytest

from loocbench.records import archive, merging, places, store
from loocbench.types import Items, Metric, Row
from tests.cli.conftest import files_below
from tests.records.rows import dump_fields, make_path, make_row
from tests.report import fixed_store


def keep(results, suite="local", **changes):
    """Store a row below a results folder; returns it with its path."""
    row = make_row(**changes)
    path = make_path(results, suite, row)
    store.write_row(path, row)
    return row, path


def rows_of(results, suite="local"):
    return [found for found in store.read_rows(results, suite) if isinstance(found, Row)]


def half(value, **changes):
    return {"metrics": {"top1": Metric(value=value, low=0.0, high=1.0, n=100)}, **changes}


@pytest.fixture
def stores(tmp_path):
    """Two stores: a row of each, one that both have, one that both measured apart, one damaged in the first."""
    one, other = tmp_path / "one", tmp_path / "other"
    keep(one, seed=1)
    keep(other, seed=2)
    _, both = keep(one, seed=3)
    copy = other / both.relative_to(one)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(both.read_bytes())
    keep(one, seed=4, **half(0.4))
    keep(other, seed=4, **half(0.6))
    _, torn = keep(one, seed=5)
    torn.write_text(torn.read_text()[:200])
    keep(other, seed=5)
    return one, other


def test_overlapping_conflicting_and_damaged_rows_merge_and_nothing_is_lost(loocbench, stores, tmp_path):
    one, other = stores
    said = loocbench("results", "merge", one, other)
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == "5 rows added to results, 1 there already, 2 set aside"
    assert "with other figures" in said.out
    merged = rows_of(tmp_path / "results")
    assert sorted(row.seed for row in merged) == [1, 2, 3, 4, 5]
    assert {row.seed: row.metrics["top1"].value for row in merged}[4] == 0.4  # of the store named first
    contents = {path.read_bytes() for path in files_below(tmp_path / "results")}
    assert contents == {path.read_bytes() for folder in stores for path in files_below(folder)}
    assert len(contents) == len(files_below(tmp_path / "results")) == 7
    before = files_below(tmp_path / "results")
    again = json.loads(loocbench("results", "merge", one, other, "--json").out)
    assert (again["added"], again["same"]) == (0, 6)
    assert files_below(tmp_path / "results") == before


def test_what_is_there_stays_in_its_place(loocbench, stores, tmp_path):
    keep(tmp_path / "results", seed=4, **half(0.5))
    assert loocbench("results", "merge", *reversed(stores)).code == 0
    merged = {row.seed: row for row in rows_of(tmp_path / "results")}
    assert merged[4].metrics["top1"].value == 0.5
    aside = list((tmp_path / "results").glob(f"local/*/{places.SET_ASIDE}/*.s4.*.json"))
    assert {store.read_row(path).metrics["top1"].value for path in aside} == {0.4, 0.6}
    assert len(aside) == 2


def test_a_damaged_file_of_the_target_makes_room_for_a_whole_row(loocbench, stores, tmp_path):
    one, other = stores
    damaged = (one / next(iter(one.glob("local/*/*.s5.json"))).relative_to(one)).read_bytes()
    said = loocbench("results", "merge", other, "--results", one)
    assert said.code == 0
    assert sorted(row.seed for row in rows_of(one)) == [1, 2, 3, 4, 5]
    (aside,) = one.glob(f"local/*/{places.SET_ASIDE}/*.s5.*.json")
    assert aside.read_bytes() == damaged


def test_a_damaged_file_that_no_whole_row_replaces_keeps_its_place(loocbench, stores, tmp_path):
    one, _ = stores
    said = loocbench("results", "merge", one)
    assert "not a row: " in said.out
    assert (tmp_path / "results" / next(iter(one.glob("local/*/*.s5.json"))).relative_to(one)).is_file()


def test_equal_figures_of_two_measurements_are_said_to_be_equal(loocbench, tmp_path):
    for name in ("one", "other"):
        keep(tmp_path / name, hardware=name)
    said = loocbench("results", "merge", "one", "other")
    assert "with the same figures" in said.out
    assert [row.hardware for row in rows_of(tmp_path / "results")] == ["one"]


def test_copies_and_rows_in_anothers_place_come_to_their_own(tmp_path):
    one, target = tmp_path / "one", tmp_path / "target"
    row, path = keep(one, seed=1)
    backup = path.parents[1] / "backup" / path.name
    backup.parent.mkdir()
    path.rename(backup)
    second, _ = keep(one, seed=2)
    stranger = make_path(target, "local", second)
    stranger.parent.mkdir(parents=True)
    stranger.write_text(dump_fields(make_row(seed=3).model_dump(mode="json")))  # a row of seed 3 in the place of seed 2
    merging.perform_merge(merging.plan_merge([one], target))
    found = {one.seed: one for one in rows_of(target)}
    assert found.keys() == {1, 2, 3}
    assert found[1] == row
    assert all(make_path(target, "local", one).is_file() for one in found.values())
    assert len(files_below(target)) == 3


def test_pictures_and_other_suites_come_along(loocbench, tmp_path):
    _, path = keep(tmp_path / "one", "first")
    path.with_suffix(".png").write_bytes(b"neighbours")
    (path.parents[1] / "gallery-retrieval-blooms.s0.png").write_bytes(b"side by side")
    keep(tmp_path / "one", "second")
    assert loocbench("results", "merge", "one", "--suite", "first").code == 0
    assert len(files_below(tmp_path / "results")) == 3
    assert store.list_suites(tmp_path / "results") == ["first"]
    assert loocbench("results", "merge", "one").code == 0
    assert store.list_suites(tmp_path / "results") == ["first", "second"]


@pytest.mark.parametrize("checkpoint", ["../../evil", "/evil", "a/b", ".hidden", "a\nb"])
def test_a_row_cannot_name_a_place_outside_the_store(loocbench, tmp_path, checkpoint):
    path = tmp_path / "one" / "local" / "any" / "row.json"
    path.parent.mkdir(parents=True)
    path.write_text(dump_fields(make_row(checkpoint=checkpoint).model_dump(mode="json")))
    assert places.find_place("local", store.read_row(path)) is None
    assert loocbench("results", "merge", "one").code == 0
    assert files_below(tmp_path) == {path, tmp_path / "results" / "local" / "any" / "row.json"}
    assert "its names are not those of files" in loocbench("results", "verify", "--results", "one").out


def test_what_cannot_be_merged_is_said(one_line, tmp_path):
    keep(tmp_path / "one")
    assert "is not a folder" in one_line("results", "merge", "nowhere")
    assert "is the folder that rows are added to" in one_line("results", "merge", "one", "--results", "one")
    assert "Did you mean 'local'?" in one_line("results", "merge", "one", "--suite", "locale")
    (tmp_path / "empty").mkdir()
    assert "no measured rows in empty" in one_line("results", "merge", "empty")


# verify


@pytest.fixture
def verified(loocbench, tmp_path):
    """Change one row of the fixed store, and return what verify says and its lines of that row's folder."""
    fixed_store.write(tmp_path / "results")
    path = next(iter(sorted((tmp_path / "results").glob("fixed/moco-s0-*/linear-cub200-sgd*.json"))))

    def change(**fields):
        known = json.loads(path.read_text())
        path.write_text(dump_fields({**known, **fields}))
        said = loocbench("results", "verify")
        return said, [line for line in said.out.splitlines() if line.startswith(f"results/fixed/{path.parent.name}")]

    return change


def test_sound_rows_verify(verified):
    said, lines = verified()
    assert (said.code, lines) == (0, [])
    assert said.out.splitlines()[-1] == f"{len(fixed_store.rows())} rows checked, 0 bad"


BITS = Items.of(np.ones(400, bool)).model_dump(mode="json")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"edition": ""}, "does not say which edition"),
        ({"fingerprints": {"train": "0" * 64}}, "it has no fingerprint of its test images"),
        ({"fingerprints": {"test": "0" * 64}}, "its images are others than those of 12 rows of the same task"),
        ({"fingerprints": {"test": "zebra"}}, "the fingerprint of its split test is not a SHA-256"),
        ({"checkpoint_hash": "zebra"}, "the fingerprint of its checkpoint is not a SHA-256"),
        ({"task_version": 99}, "its task has version 99, of which the newest here is"),
        ({"dataset": "blooms"}, "it is of blooms, its task of cub200"),
        ({"metrics": {}, "items": {}}, "it lacks its task's metric top1"),
        ({"metrics": {"speed": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}}, "items": {}}, "no metric speed"),
        ({"items": {"top5": BITS}}, "it has items of top5, which is not among its metrics"),
        ({"items": {"top1": {**BITS, "data": "AAAA"}}}, "the items of its top1 are damaged"),
        ({"seed": 7}, "it belongs at"),
        ({"schema_version": 99}, "was written by a newer loocbench"),
        ({"hardware": None}, "hardware: input should be a valid string"),
    ],
)
def test_every_bad_row_is_a_line_and_the_exit_code_is_2(verified, fields, said):
    found, lines = verified(**fields)
    assert found.code == 2
    assert len(lines) == 1
    assert said in lines[0]
    assert f"1 of {len(fixed_store.rows())} rows is bad" in found.err


def test_a_changed_byte_is_found(loocbench, tmp_path):
    _, path = keep(tmp_path / "results", fingerprints={"test": "0" * 64}, checkpoint_hash="1" * 64)
    path.write_text(path.read_text().replace('"a machine"', '"b machine"'))
    said = loocbench("results", "verify", "--json")
    assert said.code == 2
    (bad,) = json.loads(said.out)["bad"]
    assert "was altered after it was written" in bad["faults"][0]


@pytest.mark.usefixtures("only_tiny_blooms")
def test_what_commands_measure_verifies_and_a_protocol_of_ones_own_does_not(loocbench, tmp_path):
    assert loocbench("knn", "--checkpoint", "random:resnet8").code == 0
    assert loocbench("results", "verify").out == "1 row checked, 0 bad\n"
    card = loocbench("tasks", "show", "knn/blooms").out
    (tmp_path / "mine.toml").write_text(card.replace('task = "knn/blooms"', 'task = "knn/mine"'))
    assert loocbench("evaluate", "--task", "mine.toml", "--checkpoint", "random:resnet8").code == 0
    said = loocbench("results", "verify")
    assert said.out == "knn/mine: no card here to check 1 row against\n2 rows checked, 0 bad\n"
    (path,) = (tmp_path / "results").glob("*/*/knn-blooms.*.json")
    fields = json.loads(path.read_text())
    fields["measured_with"]["protocol"]["temperature"] = 7.0
    fields["measured_with"]["labels"] = ["color"]
    path.write_text(dump_fields(fields))
    line = loocbench("results", "verify").out.splitlines()[0]
    assert "its labels are color, its task's species; its protocol differs from its task's card in temperature" in line


# export and import


def test_rows_leave_as_one_file_and_come_back_the_same(loocbench, tmp_path):
    fixed_store.write(tmp_path / "results")
    keep(tmp_path / "results", "other")
    said = loocbench("results", "export", "rows.zip", "--suite", "fixed")
    assert said.out == f"written: rows.zip, {len(fixed_store.rows())} rows of fixed\n"
    said = loocbench("results", "import", "rows.zip", "--results", "elsewhere")
    assert said.code == 0, said.err
    sent, received = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in files_below(tmp_path / name / "fixed")}
        for name in ("results", "elsewhere")
    )
    assert received == sent
    (kept,) = (tmp_path / "elsewhere" / "imports").iterdir()
    provenance = json.loads(kept.read_text())
    assert (provenance["file"], provenance["hardware"], provenance["suites"]) == ("rows.zip", ["a machine"], ["fixed"])
    assert store.list_suites(tmp_path / "elsewhere") == ["fixed"]
    assert f"{len(sent)} there already" in loocbench("results", "import", "rows.zip", "--results", "elsewhere").out
    assert len(list((tmp_path / "elsewhere" / "imports").iterdir())) == 1


def test_damaged_rows_are_left_out_and_named(loocbench, stores):
    one, _ = stores
    said = loocbench("results", "export", "rows.zip", "--results", one)
    assert said.out.count("left out ") == 1
    assert said.out.endswith("written: rows.zip, 3 rows of local\n")


def repack(path, change):
    """Write an archive anew with other members: change(names -> contents) changes them in place."""
    with zipfile.ZipFile(path) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content)


def list_in_manifest(members, name, content=b"{}"):
    import hashlib

    manifest = json.loads(members[archive.MANIFEST])
    manifest["files"][name] = hashlib.sha256(content).hexdigest()
    members |= {name: content, archive.MANIFEST: json.dumps(manifest).encode()}


ROW = "rows/local/a/b.json"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: list_in_manifest(m, "rows/local/a/../../../../evil.json"), "which is not a row's name"),
        (lambda m: list_in_manifest(m, "/evil.json"), "which is not a row's name"),
        (lambda m: list_in_manifest(m, "rows/../a/evil.json"), "which is not a row's name"),
        (lambda m: list_in_manifest(m, "rows/local/a/evil.py"), "which is not a row's name"),
        (lambda m: list_in_manifest(m, "rows\\local\\a\\evil.json"), "which is not a row's name"),
        (lambda m: m.update({ROW: b"{}"}), "is in the archive or in its manifest alone"),
        (lambda m: m.pop(next(name for name in m if name != archive.MANIFEST)), "in its manifest alone"),
        (lambda m: m.pop(archive.MANIFEST), "it has no manifest.json"),
        (lambda m: m.update({archive.MANIFEST: b"{}"}), "its manifest.json cannot be read"),
        (lambda m: m.update({next(name for name in m if name != archive.MANIFEST): b"{}"}), "is not what its manifest"),
    ],
)
def test_an_archive_that_was_changed_is_refused_whole(loocbench, one_line, tmp_path, change, said):
    keep(tmp_path / "one")
    assert loocbench("results", "export", "rows.zip", "--results", "one").code == 0
    repack(tmp_path / "rows.zip", change)
    before = files_below(tmp_path)
    line = one_line("results", "import", "rows.zip")
    assert said in line
    assert "'loocbench results export'" in line
    assert files_below(tmp_path) == before


def test_a_link_in_an_archive_is_no_more_than_its_text(loocbench, one_line, tmp_path):
    keep(tmp_path / "one")
    assert loocbench("results", "export", "rows.zip", "--results", "one").code == 0
    repack(tmp_path / "rows.zip", lambda members: list_in_manifest(members, ROW, b"/etc/passwd"))
    with zipfile.ZipFile(tmp_path / "rows.zip", "a") as opened:
        opened.getinfo(ROW).external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.comment = b"written again"
    assert loocbench("results", "import", "rows.zip").code == 0
    (found,) = (tmp_path / "results").glob("local/a/b.json")
    assert not found.is_symlink()
    assert len(rows_of(tmp_path / "results")) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"{}"])
def test_what_is_no_archive_is_refused(one_line, tmp_path, content):
    (tmp_path / "rows.zip").write_bytes(content)
    assert "it is damaged, or not a zip file" in one_line("results", "import", "rows.zip")


def test_files_that_cannot_be_read_or_written_are_said(one_line, tmp_path):
    assert "cannot read nowhere.zip: No such file" in one_line("results", "import", "nowhere.zip")
    keep(tmp_path / "results")
    assert "does not end in .zip" in one_line("results", "export", "rows.tar")


def test_a_row_that_is_too_large_is_refused(loocbench, one_line, tmp_path, monkeypatch):
    keep(tmp_path / "one")
    assert loocbench("results", "export", "rows.zip", "--results", "one").code == 0
    monkeypatch.setattr(archive, "MAX_FILE", 500)
    assert "is larger than any row" in one_line("results", "import", "rows.zip")
