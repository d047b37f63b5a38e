"""What an answer depends on beside its question: this machine, its installation, environment and configuration.

Nothing heavy is imported here, and no library to look at its version: where a library lies is found without running it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from importlib import util
from pathlib import Path

import loocbench
from loocbench import configuration
from loocbench.cache.file_states import hash_file, hash_tree

_CODE = (".py", ".toml", ".txt", ".json", ".html", ".css", ".js", ".npz")
_LIBRARIES = ("torch", "torchvision", "numpy", "numba", "scipy", "sklearn", "PIL", "pydantic", "safetensors", "timm")
_INSTALLED = ("site-packages", "dist-packages")  # their own time changes when a package is added, replaced or removed
# Beginnings of the names of variables by which a run may end otherwise: folders, devices, arithmetic, processes.
_VARIABLES = (
    *("LOOCBENCH_", "XDG_", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PYTHON", "VIRTUAL_ENV", "LD_"),
    *("TORCH", "PYTORCH", "CUDA", "NVIDIA", "HIP", "ROCR", "HF_", "HUGGINGFACE"),
    *("ATEN", "OMP_", "MKL_", "KMP_", "DNNL", "ONEDNN", "OPENBLAS", "WORLD_SIZE", "RANK", "LOCAL_RANK"),
)


def describe_surroundings() -> dict[str, str]:
    """Return what answers depend on, by name; equal texts where a full run of a command would go the same way."""
    return {
        "folder": str(Path.cwd()),
        "code": _hash_code(),
        "python": f"{sys.version}, {sys.executable}, {sys.flags}",
        "packages": _hash_packages(),
        "machine": f"{platform.node()}, {platform.platform()}, {_describe_devices()}",
        "environment": _hash_text(
            "\n".join(f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES))
        ),
        "configuration": ", ".join(
            hash_file(path) for path in (configuration.project_path(), configuration.user_path())
        ),
    }


def _hash_code() -> str:
    """The state of this package's files and of the cards, which lie within it or beside it."""
    package = Path(loocbench.__file__).parent
    folders = [package, package.parent / "tasks"]
    return _hash_text(" ".join(hash_tree(folder, suffixes=_CODE, settled=False) for folder in folders))


def _hash_packages() -> str:
    """Where Python looks for packages, when something was installed there, and the files of those that matter."""
    lines = list(sys.path)
    installed = [Path(name) for name in sys.path if Path(name).name in _INSTALLED]
    lines += [str(folder.stat().st_mtime_ns) for folder in installed if folder.is_dir()]
    for library in _LIBRARIES:
        spec = util.find_spec(library)
        if spec is None or spec.origin is None:
            lines.append(library)
            continue
        state = Path(spec.origin).stat()
        lines.append(f"{spec.origin} {state.st_size} {state.st_mtime_ns}")
    return _hash_text("\n".join(lines))


def _describe_devices() -> str:
    """The GPUs that the system offers, without asking a library that needs seconds to say so."""
    names = sorted(path.name for pattern in ("nvidia*", "dxg", "kfd") for path in Path("/dev").glob(pattern))
    driver = Path("/proc/driver/nvidia/version")
    return " ".join(names) + (_hash_text(driver.read_text(errors="replace")) if driver.is_file() else "")


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
