"""Plug-ins as files: the examples of docs/plugins.md, and short ones."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
TINT = """
import numpy as np

from loocbench.plugins import Plugin
from loocbench.views.augmentations.augmentation import Augmentation


def draw(u, sizes):
    return {{"shift": (u[:, 0] - 0.5).astype(np.float32)}}


def apply(images, parameters, context):
    return images * 0.9


TINT = Augmentation("{name}", "Tint", stream={stream}, uniforms=1, draw=draw, apply=apply, has_space=True)
PLUGIN = Plugin("{plugin}", augmentations=(TINT,))
"""


def tint(folder: Path, *, plugin: str = "tint", name: str = "tint", stream: int = 128) -> Path:
    """Write a plug-in with one augmentation, and return its file."""
    path = folder / f"{plugin}.py"
    path.write_text(TINT.format(plugin=plugin, name=name, stream=stream))
    return path


def examples() -> dict[str, tuple[str, list[list[str]]]]:
    """The worked examples of the page: file name -> its text, and the arguments of the commands below it."""
    found = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        (code,) = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
        (shell,) = re.findall(r"^```sh\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
        name = code.splitlines()[0].removeprefix("# ")
        found[name] = code, [shlex.split(line)[1:] for line in shell.splitlines()]
    return found


def write_example(name: str, folder: Path) -> Path:
    """Write an example's file, and return it."""
    path = folder / name
    path.write_text(examples()[name][0])
    return path
