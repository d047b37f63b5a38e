"""README, docs/ and the other pages: every command that they show is one that ``loocbench.cli`` takes, every link and
every module that they name exists, and Python examples are Python."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from loocbench.cli import app

CHECKOUT = Path(__file__).parents[1]
PAGES = [
    *(CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")),
    *sorted((CHECKOUT / "docs").glob("*.md")),
]
CHANGELOG = CHECKOUT / "CHANGELOG.md"  # which also names what there was
INLINE = re.compile(r"`(loocbench [^`]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def page_id(path):
    return path.relative_to(CHECKOUT).as_posix()


def code_blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands_of(text):
    """Arguments of every ``loocbench`` command of a page: lines of shell blocks, and code within sentences.

    Code with an ellipsis, or with several commands (``loocbench runs ls | show``), is left out.
    """
    shell = "\n".join(code_blocks(text, "sh")).replace("\\\n", " ")
    lines = [shlex.split(line, comments=True) for line in shell.splitlines() if not line.startswith("docker")]
    lines += [shlex.split(code) for code in INLINE.findall(text) if not set("|…") & set(code)]
    return [
        words[words.index("loocbench") + 1 :]
        for words in lines
        if "loocbench" in words and words[: words.index("loocbench")][-1:] in ([], ["-m"])
    ]


def parse(arguments):
    """Parse a command's arguments as the program does, without running it. Raises click's error for a wrong one."""
    command, context = typer.main.get_command(app), None
    while hasattr(command, "commands") and arguments:  # without a sub-command it prints its help
        context = command.make_context(command.name, list(arguments), parent=context)
        _, command, arguments = command.resolve_command(context, list(arguments))
    if not hasattr(command, "commands"):
        command.make_context(command.name, list(arguments), parent=context)


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_the_commands_of_a_page_are_taken(path):
    wrong = []
    for arguments in commands_of(path.read_text(encoding="utf-8")):
        try:
            parse(arguments)
        except typer.Exit:  # --help
            continue
        except Exception as error:  # click's usage errors: typer brings a click of its own in some versions
            wrong.append(f"loocbench {shlex.join(arguments)}: {error}")
    assert not wrong, "\n".join(wrong)


def test_commands_are_found_and_wrong_ones_refused():
    assert len(commands_of((CHECKOUT / "docs" / "questions.md").read_text())) > 30
    assert commands_of(
        "```sh\ntorchrun -m loocbench extract  # all\npip install loocbench\n```\n`loocbench cache ls`"
    ) == [
        ["extract"],
        ["cache", "ls"],
    ]
    for wrong in (["probe", "--strength", "3"], ["proble"], ["tasks", "list"], ["run"], ["bench", "--images", "many"]):
        with pytest.raises(Exception, match=r"(?i)unknown command|no such option|missing|a valid integer"):
            parse(wrong)


@pytest.mark.parametrize("path", [*PAGES, CHANGELOG], ids=page_id)
def test_the_links_of_a_page_lead_somewhere(path):
    for target, anchor in LINK.findall(re.sub(r"`[^`\n]*`", "", path.read_text(encoding="utf-8"))):
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), target
        if anchor:
            assert anchor in anchors_of(file.read_text(encoding="utf-8")), f"{target}#{anchor}"


def anchors_of(text):
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_files_that_docs_name_exist():
    named = re.compile(r"`((?:[\w-]+/)*[\w-]+\.(?:py|toml|md))`")
    roots = (CHECKOUT, CHECKOUT / "loocbench", CHECKOUT / "benchmarks")
    # that a reader makes
    of_users = {
        "cifar_resnets.py",
        "convert.py",
        "table.md",
        "NAME.toml",
        "b.py",
        "test_b.py",
        "FILE.py",
        "tint.py",
        "loocbench.toml",
    }

    missing = [
        f"{page_id(path)}: {name}"
        for path in PAGES
        for name in named.findall(path.read_text(encoding="utf-8"))
        if name.rpartition("/")[2] not in of_users
        and not any((root / name).exists() for root in roots)
        and not list((CHECKOUT / "loocbench").rglob(f"*/{name}"))
    ]
    assert missing == []


def test_every_room_is_in_the_table_of_rooms():
    text = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [path for path in (CHECKOUT / "loocbench").iterdir() if path.name not in ("__main__.py", "py.typed")]
    names = [f"{path.name}/" if path.is_dir() else path.name for path in rooms if path.name != "__pycache__"]
    assert [name for name in sorted(names) if not re.search(rf"`(?:loocbench/)?{re.escape(name)}", text)] == []


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_python_examples_are_python(path):
    for code in code_blocks(path.read_text(encoding="utf-8"), "python"):
        compile(
            re.sub(r"^(def [^\n]*(?:\n[^\n]*)*?-> [\w.]+)$", r"\1: ...", code, flags=re.MULTILINE), path.name, "exec"
        )


@pytest.mark.slow
def test_the_readmes_example_runs(only_tiny_blooms, tmp_path, monkeypatch, capsys):
    """Without its training: one epoch instead of ten."""
    (code,) = code_blocks((CHECKOUT / "README.md").read_text(encoding="utf-8"), "python")
    monkeypatch.chdir(tmp_path)
    shorter = code.replace("epochs=10", "epochs=1, cache='cache'").replace('-color")', "-color\", cache='cache')")
    exec(compile(shorter, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(" ")[0] for line in lines] == ["MoCo", "LooC++ (color, rotation)"]
