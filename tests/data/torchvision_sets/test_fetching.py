"""Downloads by torchvision, whose network is replaced.

Covers ``loocbench.data.torchvision_sets.fetching``.
"""

import io
import tarfile
from urllib.error import URLError

import pytest
from torchvision.datasets.utils import _extract_tar

from loocbench.data import catalog
from loocbench.data.torchvision_sets.fetching import fetch_torchvision_set
from loocbench.data.torchvision_sets.table import SETS
from loocbench.errors import UserError
from tests.data.torchvision_sets.layouts import make_eurosat, make_svhn, trust_small_files


def test_torchvision_downloads_below_the_root(tmp_path, monkeypatch):
    def download(url, download_root, md5):
        assert md5
        make_eurosat(tmp_path / "made")

    monkeypatch.setattr("torchvision.datasets.eurosat.download_and_extract_archive", download)
    fetch_torchvision_set(SETS["torchvision:EuroSAT"], tmp_path / "made")
    assert len(catalog.open_dataset("torchvision:EuroSAT", tmp_path / "made").splits["train"]) == 8


def test_a_set_without_a_folder_of_its_own_gets_one(tmp_path, monkeypatch):
    trust_small_files(monkeypatch)
    make_svhn(tmp_path / "origin")

    def download(url, root, filename, md5):
        (tmp_path / "data" / "svhn" / filename).write_bytes((tmp_path / "origin" / "svhn" / filename).read_bytes())
        assert str(root) == str(tmp_path / "data" / "svhn")

    monkeypatch.setattr("torchvision.datasets.svhn.download_url", download)
    fetch_torchvision_set(SETS["torchvision:SVHN"], tmp_path / "data")
    assert len(catalog.open_dataset("torchvision:SVHN", tmp_path / "data").splits["test"]) == 12


def test_what_cannot_be_downloaded_is_one_line_with_where_to_get_it(tmp_path, monkeypatch):
    def download(*arguments, **named):
        raise URLError("no route to host")

    monkeypatch.setattr("torchvision.datasets.eurosat.download_and_extract_archive", download)
    with pytest.raises(UserError, match=r"cannot download torchvision:EuroSAT .*no route") as refused:
        fetch_torchvision_set(SETS["torchvision:EuroSAT"], tmp_path)
    assert "get it from https://github.com/phelber/EuroSAT and put its folder eurosat/" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_archive_cannot_write_outside_its_folder(tmp_path, monkeypatch):
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as file:
        member = tarfile.TarInfo("../outside.txt")
        member.size = 4
        file.addfile(member, io.BytesIO(b"evil"))

    def download(url, download_root, md5):
        _extract_tar(str(archive), str(tmp_path / "inside"), None)

    monkeypatch.setattr("torchvision.datasets.eurosat.download_and_extract_archive", download)
    before = tarfile.TarFile.__dict__.get("extraction_filter")
    with pytest.raises(UserError, match="cannot download torchvision:EuroSAT"):
        fetch_torchvision_set(SETS["torchvision:EuroSAT"], tmp_path / "data")
    assert not (tmp_path / "outside.txt").exists()
    assert tarfile.TarFile.__dict__.get("extraction_filter") is before
