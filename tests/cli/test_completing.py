"""Shell completion of names, as bash asks for it.

Covers ``loocbench.cli.completing``.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loocbench.cards import recipes, suites
from loocbench.checkpoints import card_file, kept_epochs
from loocbench.cli import completing
from loocbench.runs import run_options


@pytest.fixture
def folders(tmp_path):
    """Two runs, one of which has no checkpoint yet, a file and a folder."""
    for name, file in (("mine", card_file.FILE), ("begun", run_options.FILE), ("store/yours", card_file.FILE)):
        path = tmp_path / "runs" / name / file
        path.parent.mkdir(parents=True)
        path.touch()
    kept_epochs.file_of(tmp_path / "runs" / "mine", 5).touch()
    (tmp_path / "pets").mkdir()
    (tmp_path / "own.toml").touch()
    (tmp_path / "weights.pth").touch()


def complete(line):
    """The words that bash is offered for the last word of a line."""
    words = line.split(" ")
    asked = {"_LOOCBENCH_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code = "import sys; from loocbench.cli import main\ntry: main()\nfinally: assert 'torch' not in sys.modules"
    said = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert said.stderr == ""
    return said.stdout.split()


def test_names_that_other_programs_own_are_those_here():
    assert card_file.FILE == completing.CHECKPOINT_FILE
    assert completing.complete_suite("") == suites.suite_names()
    assert completing.complete_recipe("") == recipes.recipe_names()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("loocbench prob", ["probe"]),
        ("loocbench probe --dataset ca", ["car-colors"]),
        ("loocbench probe --checkpoint m", ["mine", "mine-epoch5"]),
        ("loocbench probe --runs runs/store --checkpoint y", ["yours"]),
        ("loocbench probe --checkpoint w", ["weights.pth"]),
        ("loocbench probe --checkpoint runs/m", ["runs/mine/"]),
        ("loocbench checkpoints inspect m", ["mine", "mine-epoch5"]),
        ("loocbench evaluate --task knn/cub", ["knn/cub200"]),
        ("loocbench tasks show o", ["own.toml"]),
        ("loocbench run ph", ["photographs"]),
        ("loocbench pretrain --recipe paper/moco-rotation-", ["paper/moco-rotation-same"]),
        ("loocbench pretrain --resume b", ["begun"]),
        ("loocbench datasets prepare fl", ["flowers102"]),
    ],
)
def test_a_shell_is_offered_names(folders, line, expected):
    assert complete(line) == expected


def test_prefixes_and_folders(folders):
    assert completing.complete_dataset("folder:p") == ["folder:pets"]
    assert completing.complete_dataset("fo") == ["folder:"]

    class Context:
        params = {"runs": Path("runs")}  # noqa: RUF012
        default_map = None

    assert completing.complete_checkpoint(Context(), "random:") == ["random:mine"]
    assert completing.complete_checkpoint(Context(), "t") == ["torchvision:", "timm:"]


def test_the_configured_folder_is_looked_into_and_a_broken_file_is_no_matter(folders, tmp_path):
    (tmp_path / "loocbench.toml").write_text('runs = "runs/store"')
    assert complete("loocbench probe --checkpoint y") == ["yours"]
    (tmp_path / "loocbench.toml").write_text("runs =")
    assert complete("loocbench probe --checkpoint m") == ["mine", "mine-epoch5"]
