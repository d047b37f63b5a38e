"""Plug-ins from the command line: the examples of docs/plugins.md as they stand, what rows and cards say of them, what
is refused, and what other processes are told.

Covers ``loocbench.cards.added_protocols``, ``loocbench.checkpoints.requirements``, ``loocbench.jobs.suite_command`` and
``loocbench.models.backbone``.
"""

import json
from itertools import pairwise

import pytest

from loocbench.checkpoints import card_file
from loocbench.jobs.settings import EvaluationSettings
from loocbench.jobs.suite_command import job_arguments
from loocbench.plugins.adding import plugins_in_use
from tests.cli.conftest import QUICKER
from tests.conftest import picture
from tests.plugins.files import examples, tint, write_example
from tests.runs.training import stop_after

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")


@pytest.fixture
def run_example(loocbench, tmp_path):
    """Write an example's file, run the commands below it, and return what the last one printed."""

    def run(name):
        write_example(name, tmp_path)
        for arguments in examples()[name][1]:
            said = loocbench(*arguments, *(QUICKER if arguments[0] == "pretrain" else []))
            assert said.code == 0, said.err
        return said.out

    return run


def rows(folder):
    return [json.loads(path.read_text()) for path in sorted((folder / "results").rglob("*.json"))]


def card(folder, run):
    return card_file.read_card(folder / "runs" / run / card_file.FILE)


def test_the_page_has_an_example_of_each():
    assert list(examples()) == ["tint.py", "align.py", "plain.py", "dots.py", "means.py"]


def test_an_augmentation_with_a_space_of_its_own(run_example, tmp_path, loocbench):
    run_example("tint.py")
    made = card(tmp_path, "tinted")
    assert made.recipe.left_out == ("color", "tint")
    assert made.versions["plug-in tint"].startswith("tint.py, SHA-256 ")
    assert json.loads((tmp_path / "runs" / "tinted" / "card.json").read_text())["versions"] == made.versions
    (row,) = rows(tmp_path)
    assert row["features"] == "head:tint"
    assert row["versions"]["plug-in tint"] == row["versions"]["plug-in tint in pretraining"]
    said = loocbench("knn", "--checkpoint", "tinted")  # its features need no augmentation
    assert said.code == 0, said.err
    assert "made with a plug-in that is not in use and that features do not need: tint (tint.py)" in said.err
    knn = next(row for row in rows(tmp_path) if row["task"].startswith("knn"))
    assert [key for key in knn["versions"] if "plug-in" in key] == ["plug-in tint in pretraining"]


def test_a_method(run_example, one_line, tmp_path):
    run_example("align.py")
    assert card(tmp_path, "aligned").versions["plug-in align"].startswith("align.py, SHA-256 ")
    line = one_line("knn", "--checkpoint", "aligned")
    assert line.endswith(
        "was made with the plug-in align (align.py) and needs its method align; add --plugin align.py."
    )


def test_an_architecture(run_example, one_line, loocbench, tmp_path):
    run_example("plain.py")
    row = next(row for row in rows(tmp_path) if row["checkpoint"] == "plain-run")
    assert row["backbone"] == "plain"
    assert row["measured_with"]["network"]["code"] in row["versions"]["plug-in plain"]
    assert "needs its architecture plain; add --plugin plain.py" in one_line("knn", "--checkpoint", "plain-run")
    said = loocbench("pretrain", "--plugin", "plain.py", "--backbone", "plain", "--method", "looc++", *QUICKER)
    assert said.code == 0, said.err
    file = tmp_path / "plain.py"
    file.write_text(file.read_text().replace("nn.ReLU()", "nn.GELU()"))
    line = one_line("knn", "--plugin", "plain.py", "--checkpoint", "plain-run")  # other code, other features
    assert "was measured with code" in line
    assert "--overwrite it" in line


def test_a_data_set(run_example, tmp_path, loocbench):
    for number in range(48):
        split, name = ("train", "val", "test")[number % 3], ("large", "small")[number % 2]
        picture(tmp_path / "data" / "dots" / f"{split}_{name}_{number:03d}.jpg", (24, 24), number)
    run_example("dots.py")
    found = rows(tmp_path)
    assert {row["task"] for row in found} == {"linear/dots", "few-shot/dots-2-3trials"}
    assert all(row["versions"]["plug-in dots"].startswith("dots.py, SHA-256 ") for row in found)
    assert "dots" in loocbench("datasets", "ls", "--plugin", "dots.py", "--data-dir", tmp_path / "data").out
    assert "dots" not in loocbench("datasets", "ls").out


def test_a_task_kind(run_example, one_line, tmp_path):
    table = run_example("means.py")
    assert "Blooms color, means" in table
    (row,) = rows(tmp_path)
    assert row["metrics"]["top1"]["value"] > 1 / 6  # six colours
    file = tmp_path / "means.py"
    file.write_text(file.read_text() + "\n# another line\n")
    command = ["evaluate", "--plugin", "means.py", "--task", "means/blooms-color", "--checkpoint", "random:resnet8"]
    assert "was measured with kind_code" in one_line(*command)


def test_a_run_is_resumed_with_the_plugins_that_it_began_with(loocbench, one_line, tmp_path, monkeypatch):
    command = [
        "pretrain",
        "--plugin",
        tint(tmp_path),
        "--method",
        "moco",
        "--augment",
        "tint",
        "--name",
        "mine",
        *QUICKER,
    ]
    with monkeypatch.context() as context:
        stop_after(context, 1)
        said = loocbench(*command, "--epochs", 3)
    assert said.code == 143
    assert "Go on with: loocbench pretrain --resume mine --plugin tint.py" in said.err
    said = one_line("pretrain", "--resume", "mine")
    assert said.endswith("run mine was begun with the plug-ins tint (tint.py); add --plugin tint.py.")
    (tmp_path / "tint.py").write_text((tmp_path / "tint.py").read_text().replace("0.9", "0.8"))
    assert "is of another run (plug-ins differ)" in one_line("pretrain", "--resume", "mine", "--plugin", "tint.py")
    (tmp_path / "tint.py").write_text((tmp_path / "tint.py").read_text().replace("0.8", "0.9"))
    said = loocbench("pretrain", "--resume", "mine", "--plugin", "tint.py")
    assert said.code == 0, said.err


def test_an_error_while_a_plugin_runs_is_one_line_with_file_and_line(one_line, loocbench, tmp_path):
    file = tint(tmp_path)
    file.write_text(file.read_text().replace("np.float32", "np.nothing"))
    command = ["pretrain", "--plugin", file, "--augment", "tint", *QUICKER]
    line = one_line(*command)
    assert "the plug-in tint failed in tint.py, line" in line
    assert "(draw): AttributeError" in line
    assert "Traceback" in loocbench(*command, "-v").err


def test_a_file_that_cannot_be_run_is_refused_before_anything_else(one_line, tmp_path):
    (tmp_path / "mine.py").write_text("1 / 0\n")
    line = one_line("knn", "--checkpoint", "random:resnet8", "--plugin", "mine.py")
    assert (
        line
        == "loocbench: mine.py, line 1: ZeroDivisionError: division by zero; mend it, or leave --plugin mine.py out."
    )
    assert not (tmp_path / "results").exists()


def test_of_torchruns_processes_one_says_what_is_wrong(loocbench, monkeypatch, tmp_path):
    (tmp_path / "mine.py").write_text("1 / 0\n")
    monkeypatch.setenv("RANK", "1")
    said = loocbench("pretrain", "--plugin", "mine.py")
    assert (said.code, said.err) == (2, "")


def test_a_plugin_is_not_run_for_help(loocbench, tmp_path):
    (tmp_path / "mine.py").write_text("1 / 0\n")
    said = loocbench("knn", "--plugin", "mine.py", "--help")
    assert said.code == 0
    assert "--plugin" in said.out


@pytest.mark.parametrize("field", ["plugin", "plugins"])
def test_no_card_names_a_plugin(loocbench, one_line, tmp_path, field):
    text = loocbench("recipes", "show", "small/moco").out.replace("small/moco", "own/mine")
    (tmp_path / "own.toml").write_text(f'{field} = "mine.py"\n{text}')
    assert f"own.toml, {field}: unknown key" in one_line("recipes", "show", "own.toml")


def test_jobs_in_other_processes_are_given_the_same_files(tmp_path, monkeypatch):
    first, second = tint(tmp_path), tint(tmp_path, plugin="other", name="other", stream=129)
    monkeypatch.setenv("LOOCBENCH_PLUGINS", str(first))
    monkeypatch.chdir(tmp_path)
    with plugins_in_use([second.relative_to(tmp_path)]):
        arguments = job_arguments("small", "pretrain.x", EvaluationSettings())
    given = [value for option, value in pairwise(arguments) if option == "--plugin"]
    assert given == [str(first), str(second)]  # absolute


@pytest.mark.slow
def test_a_suite_whose_models_are_a_plugins_is_run_job_by_job(loocbench, one_line, tmp_path):
    write_example("align.py", tmp_path)
    text = loocbench("suites", "show", "demo").out
    budget = {"epochs": 1, "image_size": 16, "batch_size": 8, "queue_size": 32}
    lines = [
        f"{line.split(' = ')[0]} = {budget[line.split(' = ')[0]]}" if line.split(" = ")[0] in budget else line
        for line in text.split("[[models]]")[0].replace('suite = "demo"', 'suite = "mine"').splitlines()
        if not line.startswith("tasks")
    ]
    lines = ['tasks = ["knn/blooms-color"]', *lines, "[[models]]", 'method = "align"', 'features = ["looc++"]']
    (tmp_path / "mine.toml").write_text("\n".join(lines) + "\n")
    assert "unknown method 'align'" in one_line("run", "mine.toml", "--dry-run")
    planned = json.loads(loocbench("run", "mine.toml", "--plugin", "align.py", "--dry-run", "--json").out)
    names = [job["job"] for job in planned["jobs"]]
    for name in names:
        said = loocbench("run", "mine.toml", "--plugin", "align.py", "--job", name)
        assert said.code == 0, said.err
    (row,) = rows(tmp_path)
    assert row["model"] == "Align (color, rotation)"
    assert row["versions"]["plug-in align"].startswith("align.py, SHA-256 ")


def test_a_plugin_that_fails_in_a_suite_is_one_line_and_stops_no_other_row(loocbench, tmp_path):
    file = write_example("means.py", tmp_path)
    file.write_text(file.read_text().replace("        import torch\n", '        raise LookupError("no\\nmeans")\n', 1))
    line = file.read_text().splitlines().index('        raise LookupError("no\\nmeans")') + 1
    told = f"the plug-in means failed in means.py, line {line} (evaluate): LookupError: no means"
    about = 'suite = "own"\nversion = 1\ntitle = "Own"\ndescription = "Mine."\ncost = "little"\n'
    (tmp_path / "own.toml").write_text(about + 'tasks = ["means/blooms-color", "knn/blooms"]\n')
    command = ["run", "own.toml", "--plugin", "means.py", "--checkpoint", "random:resnet8"]
    said = loocbench(*command)
    assert said.code == 2
    assert [one for one in said.err.splitlines() if one.startswith("failed, ")] == [
        f"failed, going on: {told}; mend it (-v shows all of the error)"
    ]
    assert "Traceback" not in said.err
    assert said.err.splitlines()[-1] == (
        f"loocbench: 1 of 2 rows could not be measured, the first (means/blooms-color): {told}"
    )
    assert [row["task"] for row in rows(tmp_path)] == ["knn/blooms"]
    again = loocbench(*command, "-v")
    assert again.code == 2
    assert "Traceback" in again.err
    assert 'raise LookupError("no\\nmeans")' in again.err


def test_an_architecture_that_cannot_be_built_stops_a_suite_before_any_work(loocbench, tmp_path):
    file = write_example("plain.py", tmp_path)
    assert loocbench("checkpoints", "inspect", "random:plain", "--plugin", "plain.py").code == 0
    broken = file.read_text().replace("    from torch import nn\n", '    raise LookupError("no layers")\n', 1)
    file.write_text(broken)
    about = 'suite = "own"\nversion = 1\ntitle = "Own"\ndescription = "Mine."\ncost = "little"\n'
    (tmp_path / "own.toml").write_text(about + 'tasks = ["knn/blooms"]\n')
    command = ["run", "own.toml", "--plugin", "plain.py", "--checkpoint"]
    said = loocbench(*command, "random:plain", "--checkpoint", "random:resnet8")
    assert said.code == 2
    assert "the plug-in plain failed in plain.py, line " in said.err.splitlines()[-1]
    assert "Traceback" not in said.err
    assert rows(tmp_path) == []  # as an unknown checkpoint would
