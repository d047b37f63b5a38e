"""The command line answers at once: nothing heavy is imported before a command runs.

Covers ``loocbench.__main__``.
"""

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from loocbench.cli import _COMMANDS, app

HEAVY = ("torch", "torchvision", "numpy", "numba", "scipy", "sklearn", "pandas", "matplotlib", "PIL", "jinja2")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["probe", "--help"],
        ["report", "--help"],
        ["compare", "--help"],
        ["checkpoints", "--help"],
        ["tasks", "--help"],
    ],
)
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys; sys.argv = ['loocbench', *sys.argv[1:]]\n"
        "from loocbench.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"heavy = sorted(set(sys.modules) & set({HEAVY}))\n"
        "print('HEAVY', heavy)"
    )
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert "Usage" in result.stdout
    assert result.stdout.rstrip().endswith("HEAVY []")


def test_python_m_loocbench_is_the_console_script():
    result = subprocess.run([sys.executable, "-m", "loocbench", "--help"], capture_output=True, text=True, check=True)
    assert "Usage: loocbench" in result.stdout


def test_help_of_pretrain_names_what_the_tables_hold_without_torch():
    code = (
        "import sys; sys.argv = ['loocbench', 'pretrain', '--help']\n"
        "from loocbench.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print('HEAVY', sorted({'torch', 'numba'} & set(sys.modules)))"
    )
    wide = {**os.environ, "COLUMNS": "160"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=wide)
    assert "moco++, add-one, looc, looc++" in result.stdout
    assert "{" not in result.stdout
    assert result.stdout.rstrip().endswith("HEAVY []")


def test_tables_of_rows_are_made_without_torch(tmp_path):
    """It takes longer to import than a table takes to make; what runs keep beside is read without it, too."""
    copy = tmp_path / "results" / "blooms"
    kept = sorted((Path(__file__).parents[2] / "results" / "blooms").glob("*/*.json"))[:3]
    for path in kept:
        (copy / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy / path.parent.name)
        (tmp_path / "runs" / path.parent.name).mkdir(parents=True, exist_ok=True)
    code = (
        "import sys; sys.argv = ['loocbench', 'report', '--suite', 'blooms']\n"
        "from loocbench.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print('HEAVY', sorted({'torch', 'numba', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert result.stdout.rstrip().endswith("HEAVY []")
    assert "Blooms" in result.stdout


@pytest.mark.parametrize("group", ["tasks", "datasets", "suites", "recipes"])
def test_lists_import_nothing_that_measures_or_downloads(group):
    code = (
        f"import sys; sys.argv = ['loocbench', '{group}', 'ls']\n"
        "from loocbench.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print('UNUSED', sorted({'torch', 'scipy', 'sklearn', 'pandas', 'requests'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.rstrip().endswith("UNUSED []")


def test_a_measurement_imports_only_what_it_uses(tmp_path):
    """``scipy.stats``, sympy (by torch's shapes and compiler), scikit-learn and pandas take a second each."""
    arguments = ["knn", "--dataset", "blooms", "--checkpoint", "random:resnet8", "--limit", "20"]
    code = (
        f"import sys; sys.argv = ['loocbench', *{arguments}]\n"
        "from loocbench.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "unused = {'scipy.stats', 'sympy', 'torch._dynamo', 'sklearn', 'pandas', 'numba', 'matplotlib', 'timm'}\n"
        "print('UNUSED', sorted(unused & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.rstrip().endswith("UNUSED []")


def test_the_list_of_commands_says_what_each_command_says_of_itself():
    """It is written without importing them."""
    group = typer.main.get_command(app)
    for name, (_, text) in _COMMANDS.items():
        first = inspect.cleandoc(group.get_command(None, name).help).split("\n\n")[0]
        assert " ".join(first.split()) == text, name
