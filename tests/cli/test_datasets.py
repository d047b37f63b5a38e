"""``loocbench datasets`` as a new user meets it; ``prepare`` against a local server with the real archives' layouts."""

import json
import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from PIL import Image

from loocbench.data.download import fetching
from loocbench.data.entries import ENTRIES
from loocbench.data.official import Official, Part
from loocbench.jobs import datasets as job
from tests.cli.conftest import QUICK, files_below
from tests.conftest import make_cub, make_flowers, picture
from tests.data import layouts
from tests.data.servers import Host, download_of, serving, tar_of, zip_of


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setattr(fetching, "_PAUSE", 0.0)
    with serving() as it:
        yield it


def offer(monkeypatch, name, *downloads):
    """Replace the downloads of the catalog's entry ``name``."""
    entry = ENTRIES[name]
    monkeypatch.setitem(ENTRIES, name, replace(entry, source=replace(entry.source, downloads=downloads)))


def archives(name: str, host: Host, root):
    """The downloads of a data set, made of a small copy in the layout that its official archives have."""
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


NAMES = ["cub200", "flowers102", "inat2019", "tiny-imagenet", "dtd"]


def made_for(name, host, tmp_path, monkeypatch):
    """Offer a small copy of ``name``; returns its downloads."""
    downloads = archives(name, host, tmp_path / "origin")
    shutil.rmtree(tmp_path / "origin")
    offer(monkeypatch, name, *downloads)
    return downloads


@pytest.mark.parametrize("name", NAMES)
def test_prepare_downloads_unpacks_and_reads(loocbench, host, tmp_path, monkeypatch, name):
    made_for(name, host, tmp_path, monkeypatch)
    said = loocbench("datasets", "prepare", name, "--data-dir", tmp_path / "data")
    assert said.code == 0
    assert said.out.startswith(f"{name} is here and was left unchanged: train ")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"downloads", ENTRIES[name].folders[0]}
    assert not files_below(tmp_path / "data" / "downloads")  # archives are gone once they are unpacked
    assert loocbench("datasets", "verify", name, "--data-dir", tmp_path / "data").code == 0
    asked = len(host.requests)
    assert loocbench("datasets", "prepare", name, "--data-dir", tmp_path / "data").code == 0
    assert len(host.requests) == asked  # what is there is not fetched again


def test_archives_can_be_kept_and_taken_from_where_a_hand_put_them(loocbench, host, tmp_path, monkeypatch):
    (download,) = made_for("cub200", host, tmp_path, monkeypatch)
    by_hand = tmp_path / "data" / "downloads" / download.file
    by_hand.parent.mkdir(parents=True)
    by_hand.write_bytes(host.files[download.file])
    host.files.clear()  # no network
    assert loocbench("datasets", "prepare", "cub200", "--data-dir", tmp_path / "data", "--keep-archives").code == 0
    assert host.requests == []
    assert by_hand.exists()


def test_prepare_goes_on_after_a_cut(loocbench, one_line, host, tmp_path, monkeypatch):
    (download,) = made_for("cub200", host, tmp_path, monkeypatch)
    host.cut_after = [len(host.files[download.file]) // 2, *[0] * 8]
    assert "the same command resumes from there" in one_line(
        "datasets", "prepare", "cub200", "--data-dir", tmp_path / "data"
    )
    assert not (tmp_path / "data" / "CUB_200_2011").exists()
    listed = json.loads(loocbench("datasets", "ls", "--json", "--data-dir", tmp_path / "data").out)
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
    offer(monkeypatch, "cub200", download_of(host, "CUB_200_2011.tgz", content, unpacked=1000, gives="CUB_200_2011"))
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
    made_for("inat2019", host, tmp_path, monkeypatch)
    prepare = ["datasets", "prepare", "inat2019", "--data-dir", tmp_path / "data"]
    assert loocbench(*prepare).code == 0
    (tmp_path / "data" / "inat2019" / "val2019.json").unlink()
    host.requests.clear()
    assert loocbench(*prepare).code == 0
    assert [path for path, _ in host.requests] == ["/val2019.json.tar.gz"]


def test_prepare_clears_what_a_killed_one_left(loocbench, host, tmp_path, monkeypatch):
    made_for("cub200", host, tmp_path, monkeypatch)
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
    offer(monkeypatch, "dtd", dead)
    monkeypatch.setattr(fetching, "_PAUSE", 0.0)
    said = one_line("datasets", "prepare", "dtd", "--data-dir", tmp_path / "data")
    assert "no connection" in said
    assert f"put it into {tmp_path / 'data' / 'downloads'}" in said


@pytest.mark.parametrize(("name", "hint"), [("imagenet100", "ImageNet's train/ and val/"), ("objectnet13", "password")])
def test_prepare_says_what_has_to_be_done_by_hand(one_line, tmp_path, name, hint):
    assert hint in one_line("datasets", "prepare", name, "--data-dir", tmp_path / "data")


def test_prepare_refuses_a_disk_without_room(one_line, host, tmp_path, monkeypatch):
    made_for("cub200", host, tmp_path, monkeypatch)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    assert "GB are free; free some space" in one_line("datasets", "prepare", "cub200", "--data-dir", tmp_path / "data")
    assert host.requests == []


def test_prepare_on_a_disk_that_fills_up_leaves_nothing_half_made(one_line, host, tmp_path, monkeypatch):
    made_for("cub200", host, tmp_path, monkeypatch)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(job.unpacking, "_get_target", full)
    assert "the disk is full" in one_line("datasets", "prepare", "cub200", "--data-dir", tmp_path / "data")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"downloads"}


def test_prepare_knows_the_names(one_line, loocbench):
    assert "Did you mean 'cub200'" in one_line("datasets", "prepare", "cub20")
    assert loocbench("datasets", "prepare", "blooms").out.startswith("blooms is ready: train 3,000")


def test_ls_tells_how_each_stands(loocbench, tmp_path):
    make_flowers(tmp_path / "data")
    layouts.make_inat(tmp_path / "data", 2019)
    (tmp_path / "data" / "inat2019" / "val2019.json").unlink()
    said = loocbench("datasets", "ls", "--data-dir", tmp_path / "data", "--json")
    listed = {one["name"]: one for one in json.loads(said.out)}
    assert set(listed) == set(ENTRIES)
    assert {name for name, one in listed.items() if one["state"] == "ready"} == {"blooms"}
    assert {name for name, one in listed.items() if one["state"] == "partial"} == {"flowers102", "inat2019", "inat1k"}
    assert listed["flowers102"]["reason"].startswith("subset 24 of 8,189")
    assert "val2019.json" in listed["inat2019"]["reason"]
    assert listed["cub200"]["official_lists"] == {"train": 5994, "test": 5794}
    for one in listed.values():
        assert one["licence"]
        assert one["source"]
    table = loocbench("datasets", "ls", "--data-dir", tmp_path / "data").out
    assert all(name in table for name in ENTRIES)


def test_verify_lists_each_damaged_file_and_ends_with_2(loocbench, tmp_path):
    layouts.make_folder(tmp_path / "pets")
    for name in ("cat/3.jpg", "dog/7.jpg"):
        path = tmp_path / "pets" / name
        path.write_bytes(path.read_bytes()[:400])
    said = loocbench("datasets", "verify", "folder:pets")
    assert said.code == 2
    assert "20 images decoded, 2 of them damaged" in said.out
    assert "cat/3.jpg is damaged" in said.out
    assert "dog/7.jpg is damaged" in said.out
    assert said.err.startswith("loocbench: folder:pets failed the check: 2 damaged images")
    found = json.loads(loocbench("datasets", "verify", "folder:pets", "--json").out)
    assert set(found["damaged"]) == {"cat/3.jpg", "dog/7.jpg"}
    assert not found["sound"]


def test_verify_ends_with_2_on_altered_lists(loocbench, tmp_path, monkeypatch):
    from loocbench.data import catalog

    make_cub(tmp_path)
    splits = catalog.open_dataset("cub200", tmp_path).splits
    parts = tuple(Part(name, (name,), len(split)) for name, split in splits.items())
    recorded = dict.fromkeys(splits, "0" * 64)
    changed = replace(ENTRIES["cub200"], official=Official(parts, 3, fingerprints=recorded))
    monkeypatch.setitem(ENTRIES, "cub200", changed)
    said = loocbench("datasets", "verify", "cub200", "--data-dir", tmp_path)
    assert said.code == 2
    assert "mismatch: altered: not the official images, labels or split" in said.out
    assert said.out.count("differs") == 3


def test_verify_has_nothing_against_a_subset(loocbench, tmp_path):
    layouts.make_imagenet_c(tmp_path, grouped=False)
    layouts.make_objectnet(tmp_path)
    assert loocbench("datasets", "verify", "imagenet-c-100", "--data-dir", tmp_path).code == 0
    said = loocbench("datasets", "show", "objectnet13", "--data-dir", tmp_path, "--output", tmp_path / "o.png")
    assert "altered: 2 classes instead of 13" in said.out


def test_names_are_shown_as_they_are(loocbench, tmp_path):
    layouts.make_folder(tmp_path / "[bold]pets", classes=("a$\\frac$", "[/b]"))
    said = loocbench("datasets", "show", f"folder:{tmp_path / '[bold]pets'}", "--output", tmp_path / "o.png")
    assert "a$\\frac$, " in said.out or ", a$\\frac$" in said.out
    assert loocbench("datasets", "ls", "--data-dir", tmp_path / "[bold]pets").code == 0


def test_verify_names_images_that_are_in_two_splits(loocbench, tmp_path):
    for split in ("train", "test"):
        layouts.make_folder(tmp_path / "pets", above=split, images=5)
    for path in (tmp_path / "pets" / "test").rglob("*.jpg"):
        picture(path, (30, 24), seed=hash(path.parent.name) % 1000 + int(path.stem) + 100)
    for path in (tmp_path / "pets" / "train").rglob("*.jpg"):
        picture(path, (30, 24), seed=2000 + hash(path.parent.name) % 1000 + int(path.stem))
    shutil.copy(tmp_path / "pets" / "train" / "cat" / "0.jpg", tmp_path / "pets" / "test" / "dog" / "1.jpg")
    said = loocbench("datasets", "verify", "folder:pets")
    assert said.code == 0
    assert "1 images are in more than one split" in said.out
    assert "test/dog/1.jpg" in said.out


@pytest.mark.parametrize("name", ["cub200", "folder:pets", "blooms"])
def test_show_draws_a_contact_sheet(loocbench, tmp_path, name):
    make_cub(tmp_path / "data")
    layouts.make_folder(tmp_path / "data" / "pets")
    said = loocbench("datasets", "show", name, "--data-dir", tmp_path / "data", "--output", tmp_path / "sheet.png")
    assert said.code == 0
    assert f"contact sheet: {tmp_path / 'sheet.png'}" in said.out
    assert Image.open(tmp_path / "sheet.png").size[0] > 800
    summary = json.loads(loocbench("datasets", "show", name, "--data-dir", tmp_path / "data", "--json").out)
    assert summary["splits"].keys() == {"train", "val", "test"}


def test_a_damaged_image_stops_a_run_unless_it_is_to_be_skipped(loocbench, one_line, tmp_path):
    layouts.make_folder(tmp_path / "pets", images=15)
    victim = tmp_path / "pets" / "cat" / "3.jpg"
    victim.write_bytes(victim.read_bytes()[:400])
    probe = ["probe", "--dataset", "folder:pets", "--checkpoint", "random:resnet8"]
    assert "3.jpg is damaged" in one_line(*probe)
    said = loocbench(*probe, "--skip-damaged")
    assert said.code == 0
    assert "left out 1 damaged images of folder:pets: cat/3.jpg" in said.err
    (path,) = (tmp_path / "results").rglob("*.json")
    row = json.loads(path.read_text())
    assert row["skipped"] == ["cat/3.jpg"]
    assert row["dataset_note"] == "1 damaged left out"
    assert row["dataset"] == "folder:pets"
    assert "1 damaged left out" in loocbench("report").out


def test_any_folder_can_be_trained_on_probed_and_searched(loocbench, one_line, tmp_path):
    layouts.make_folder(tmp_path / "cars", classes=("old", "new"), images=20)
    rows = [f"{kind}/{i}.jpg,{('red', 'blue')[i % 2]}" for kind in ("old", "new") for i in range(20)]
    (tmp_path / "cars" / "labels.csv").write_text("\n".join(["path,color", *rows]) + "\n")
    assert loocbench("pretrain", "--dataset", "folder:cars", "--method", "looc", *QUICK).code == 0
    for command in (["probe"], ["probe", "--label", "color"], ["rotation"], ["retrieve"]):
        assert loocbench(*command, "--dataset", "folder:cars").code == 0
    tasks = {json.loads(path.read_text())["task"] for path in (tmp_path / "results").rglob("*.json")}
    assert tasks == {
        "linear/folder-cars",
        "linear/folder-cars-color",
        "rotation/folder-cars",
        "retrieval/folder-cars",
    }
    assert "unknown label of folder:cars 'size'" in one_line("probe", "--dataset", "folder:cars", "--label", "size")


@pytest.mark.parametrize("where", ["--in-memory", "--on-device"])
def test_where_images_are_held_changes_no_weight(loocbench, tmp_path, only_tiny_blooms, where):
    for name, option in (("plain", []), ("held", [where])):
        assert loocbench("pretrain", "--name", name, *QUICK, *option).code == 0
    cards = [json.loads((tmp_path / "runs" / name / "card.json").read_text()) for name in ("plain", "held")]
    assert cards[0]["weights"] == cards[1]["weights"]


def test_images_are_held_in_one_place(one_line):
    assert "exclude each other" in one_line("pretrain", "--in-memory", "--on-device")


def test_a_test_set_cannot_be_trained_on_or_probed(one_line, tmp_path):
    layouts.make_objectnet(tmp_path)
    assert "test set without training images" in one_line(
        "pretrain", "--dataset", "objectnet13", "--data-dir", tmp_path, *QUICK
    )
