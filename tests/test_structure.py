"""The layout of the package: every module has a test that can be found, rooms import one another in one direction, and
importing loocbench is cheap.

A room is a first-level package or module of loocbench: ``cards``, ``features``, ``types``.
"""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
ROOT = "loocbench"
LIGHT = (
    "loocbench",
    "loocbench.errors",
    "loocbench.extras",
    "loocbench.files",
    "loocbench.progress",
    "loocbench.results",
)
HEAVY = {
    "torch",
    "torchvision",
    "numpy",
    "numba",
    "scipy",
    "sklearn",
    "pandas",
    "matplotlib",
    "PIL",
    "pydantic",
    "jinja2",
}


def modules():
    """Path of every module of the package by its dotted name; that of ``__init__.py`` is its package's."""
    found = {}
    for path in sorted((CHECKOUT / ROOT).rglob("*.py")):
        parts = path.relative_to(CHECKOUT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path):
    """Pairs (dotted name, line) of all that a file imports, at any level; ``from a import b`` gives a and a.b."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: imports are absolute here"
            found += [(node.module, node.lineno)]
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return found


def is_empty(path):
    """Whether a file holds nothing but a docstring."""
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in tree(path).body)


def named_modules(text):
    """The dotted names of this package in a text, each as a whole: ``loocbench.a.b`` does not name ``loocbench.a``."""
    return set(re.findall(rf"(?<![\w.]){ROOT}(?:\.\w+)*", text or ""))


def uncovered_modules():
    """Names of the modules that no test covers by the rule of :func:`test_every_module_has_its_test`."""
    covered = set()
    for path in sorted((CHECKOUT / "tests").rglob("*.py")):
        imported = {name for name, _ in imports(path)}
        parts = path.relative_to(CHECKOUT / "tests").with_suffix("").parts
        covered |= imported & {".".join([ROOT, *parts[:-1], parts[-1].removeprefix("test_")])}
        rooms = {".".join(name.split(".")[1:2]) for name in imported if name.split(".")[0] in (ROOT, "tests")}
        rooms.add(parts[0])  # fixtures of its folder reach that room; those of tests/cli run whole commands
        named = named_modules(ast.get_docstring(tree(path)))
        covered |= {name for name in named if parts[0] == "cli" or ".".join(name.split(".")[1:2]) in rooms}
    return [name for name, path in MODULES.items() if not is_empty(path) and name not in covered]


def import_graph():
    """(room, room it imports) -> the lines that do. What the package itself exports is left out."""
    found = defaultdict(list)
    for name, path in MODULES.items():
        room = name.split(".")[1:2]
        for imported, line in imports(path):
            target = imported.split(".")[1:2]
            if (
                room
                and target
                and imported.startswith(f"{ROOT}.")
                and f"{ROOT}.{target[0]}" in MODULES
                and room != target
            ):
                place = f"{path.relative_to(CHECKOUT)}:{line} imports {imported}"
                if place not in found[room[0], target[0]]:
                    found[room[0], target[0]].append(place)
    return dict(found)


def shortest_circles(edges):
    """For each room the shortest way back to it, each circle once, as lists of rooms."""
    targets = defaultdict(set)
    for source, target in edges:
        targets[source].add(target)
    circles = {}
    for start in sorted(targets):
        before, queue = {start: None}, [start]
        for room in queue:
            if start in targets[room]:
                way = [room]
                while before[way[0]] is not None:
                    way.insert(0, before[way[0]])
                turn = way.index(min(way))
                circles.setdefault(tuple(way[turn:] + way[:turn]), None)
                break
            for following in sorted(targets[room] - before.keys()):
                before[following] = room
                queue.append(following)
    return [list(circle) for circle in circles]


def test_every_module_has_its_test():
    """loocbench/a/b.py is imported by tests/a/test_b.py; or ``loocbench.a.b`` is named in the docstring of a test
    module that imports something of its room, or of the tests' helpers for it."""
    without = [str(MODULES[name].relative_to(CHECKOUT)) for name in uncovered_modules()]
    assert not without, f"{len(without)} modules that no test covers by name:\n" + "\n".join(without)


def test_rooms_do_not_import_in_a_circle():
    """Imports within functions and for type checking count."""
    edges = import_graph()
    assert ("cli", "jobs") in edges
    said = []
    for circle in shortest_circles(edges):
        said.append(" -> ".join([*circle, circle[0]]))
        for source, target in zip(circle, [*circle[1:], circle[0]], strict=True):
            said += [f"    {place}" for place in edges[source, target]]
    assert not said, "rooms import one another in circles:\n" + "\n".join(said)


@pytest.mark.parametrize("name", LIGHT)
def test_importing_it_imports_nothing_heavy(name):
    """Of the command line: tests/cli/test_startup.py."""
    code = f"import sys, {name}; print(sorted(set(sys.modules) & {HEAVY}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_rules_find_what_they_forbid():
    """The helpers above on a made graph and on made texts."""
    edges = {("cards", "features"): [], ("features", "models"): [], ("models", "cards"): [], ("cli", "cards"): []}
    assert shortest_circles(edges) == [["cards", "features", "models"]]
    assert shortest_circles({("cli", "cards"): [], ("cards", "types"): []}) == []
    assert named_modules("Of loocbench.cards.tasks, loocbench.files and others.") == {
        "loocbench.cards.tasks",
        "loocbench.files",
    }
