"""Machine code is kept on disk, made anew when any of its sources changes, and not needed where nothing can be written.

Covers ``loocbench.views.fused.compiling``.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HELPER = """
from loocbench.views.fused.compiling import inlined

@inlined
def number():
    return {number}
"""

ENTRY = """
from pathlib import Path
from added.helper import number
from loocbench.views.fused.compiling import kept, source_hash

def build(version):
    def compute():
        _ = version
        return number()
    return kept(compute)

compute = build(source_hash(Path(__file__).parent))
"""

RUN = (
    "from added.entry import compute; value = compute(); "
    "hits = sum(compute.stats.cache_hits.values()) if hasattr(compute, 'stats') else 0; print(value, hits)"
)


@pytest.fixture
def added(tmp_path):
    """A package of a compiled function and one that it calls."""
    folder = tmp_path / "added"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "entry.py").write_text(ENTRY)
    (folder / "helper.py").write_text(HELPER.format(number=1))
    return folder


def run(added, **environment):
    """The value that a new process computes, and how often it found the machine code on disk."""
    paths = os.pathsep.join([str(added.parent), str(Path(__file__).parents[3])])
    cleared = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        env={**cleared, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(int(word) for word in done.stdout.split())


@pytest.mark.slow
def test_a_second_process_compiles_only_what_changed(added):
    """numba itself looks at the file of the function alone, not at those of the functions that it calls."""
    assert run(added) == (1, 0)
    assert run(added) == (1, 1)
    helper = added / "helper.py"
    helper.write_text(HELPER.format(number=2))
    later = helper.stat().st_mtime + 2  # Python knows a changed source by its size and the whole second of its time
    os.utime(helper, (later, later))
    assert run(added) == (2, 0)


@pytest.mark.slow
def test_where_the_package_cannot_be_written_the_users_cache_is_used(added, tmp_path):
    """A file in place of the folder of compiled files cannot be written to even by root."""
    (added / "__pycache__").touch()
    where = {"XDG_CACHE_HOME": str(tmp_path / "user"), "HOME": str(tmp_path / "home")}
    assert run(added, **where) == (1, 0)
    assert run(added, **where) == (1, 1)
    assert list(tmp_path.rglob("*.nbc"))


@pytest.mark.slow
def test_where_nothing_can_be_written_each_process_compiles(added, tmp_path):
    (added / "__pycache__").touch()
    (tmp_path / "file").touch()
    where = {"XDG_CACHE_HOME": str(tmp_path / "file"), "HOME": str(tmp_path / "file")}
    assert run(added, **where) == (1, 0)
    assert run(added, **where) == (1, 0)
    assert not list(tmp_path.rglob("*.nbc"))
