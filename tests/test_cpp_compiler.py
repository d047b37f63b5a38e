"""torch.compile's compiler is looked for before the work begins."""

import shutil
import sys

import pytest

from loocbench import cpp_compiler
from loocbench.errors import UserError


@pytest.mark.parametrize(
    ("variable", "platform", "command"),
    [
        (None, "linux", "g++"),
        (None, "darwin", "clang++"),
        ("ccache clang++-18", "linux", "clang++-18"),
        ("", "linux", "g++"),
    ],
)
def test_the_command_is_torchs(monkeypatch, variable, platform, command):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("CXX", raising=False)
    if variable is not None:
        monkeypatch.setenv("CXX", variable)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == command else None)
    assert cpp_compiler.has_compiler()
    cpp_compiler.require_compiler()


def test_without_one_there_is_one_line_and_a_way_out(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert not cpp_compiler.has_compiler()
    with pytest.raises(UserError, match=r"needs a C\+\+ compiler: install g\+\+, or name one in CXX"):
        cpp_compiler.require_compiler()
