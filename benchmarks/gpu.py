"""What only a GPU can show, beside the CPU's figures and beside the bare networks; ``benchmarks/gpu.sh`` runs it.

    checks       views, a step of LooC, features and a probe's solution against the CPU's; NCCL with one process
    extraction   bfloat16 features of a ResNet-50 from decoded images, beside the bare compiled forward pass (goal 0.9)
    steps        MoCo and LooC at 64 px (ResNet-18) and 224 px (ResNet-50): images per second, beside the bare passes of
                 the networks, the views' share (goal: 5 % of a LooC step), with torch.compile, peak memory, and how
                 often a step waits for the device (goal: only for the log)

Every part is measured in this one run, and what fails does not stop the others: its error stands in its place.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from gpu_checks import check_all
from networks import SIZE, build_networks
from prepared import list_ways, make_noise
from pretraining import bare_passes, our_views, recipe_of, take_turns

from loocbench import files, provenance
from loocbench.data import preparing
from loocbench.data.prepared import PreparedImages
from loocbench.devices import fastest_precision
from loocbench.features.encoder import Encoder
from loocbench.features.inference_config import from_options
from loocbench.models.preprocessing import default_preprocessing
from loocbench.pretraining.loop import Run
from loocbench.progress import Silent

STEPS = {"resnet18 at 64 px": ("resnet18", 64, 256, 20), "resnet50 at 224 px": ("resnet50", 224, 256, 8)}
TINY_STEPS = {"resnet8 at 32 px": ("resnet8", 32, 64, 2)}


def prepare_noise(count: int, size: int, cache: Path) -> PreparedImages:
    """Decoded images of noise, at the size from which views of ``size`` are cropped."""
    dataset = make_noise(count)
    resize = default_preprocessing(size).resize
    return preparing.prepare(dataset, dataset.splits["test"], resize, cache=cache, reporter=Silent())


def measure_extraction(device: str, count: int, turns: int, backbone: str) -> dict[str, Any]:
    """Images per second of features from decoded images, and of the bare network, in turns."""
    precision = fastest_precision(device)
    network, encoder = build_networks(backbone)
    encoder = Encoder(encoder.card, encoder.network, device, from_options(precision, True, device))
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        ways = list_ways(encoder, network, make_noise(count), Path(scratch), precision)
        for turn in range(turns + 1):
            for name, work in ways.items():
                begin = time.perf_counter()
                work()
                if turn:  # the first one compiles and warms up
                    rates.setdefault(name, []).append(count / (time.perf_counter() - begin))
    pairs = zip(rates["loocbench"], rates["(b) compiled"], strict=True)
    return {
        "network": f"{backbone} at {SIZE.image_size} px, {precision}, compiled",
        "images/s": round(statistics.median(rates["loocbench"])),
        "bare compiled forward, images/s": round(statistics.median(rates["(b) compiled"])),
        "of the bare forward (goal 0.9)": round(statistics.median(one / other for one, other in pairs), 3),
    }


@contextmanager
def counted_waits(device: torch.device) -> Iterator[Callable[[], int | None]]:
    """Context that counts how often the host waits for the device; None where that cannot be counted."""
    if device.type != "cuda":
        yield lambda: None
        return
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield lambda: sum("synchroniz" in str(one.message) for one in found)
        finally:
            torch.cuda.set_sync_debug_mode("default")


def measure_steps(name: str, setting: tuple[str, int, int, int], device: torch.device, cache: Path) -> dict[str, Any]:
    """MoCo's and LooC's steps at one size, each beside its bare passes, its views and itself compiled."""
    backbone, size, batch, repeats = setting
    images = prepare_noise(4 * batch, size, cache)
    held = images.on_device(device) if device.type == "cuda" else images
    precision, found = fastest_precision(device.type), {}
    for method in ("moco", "looc"):
        recipe = recipe_of(method, backbone, size, precision, batch)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        contenders = {
            "step": Run(recipe, held, device).steps(),
            "bare": bare_passes(Run(recipe, held, device)),
            "views": our_views(recipe, held, device.type),
        }
        if device.type == "cuda":
            contenders["compiled"] = Run(recipe, held, device, compiled=True).steps()
        taken = take_turns(contenders, repeats, device.type)
        median = {way: statistics.median(values) for way, values in taken.items()}
        with counted_waits(device) as count:
            for _ in range(4):
                next(contenders["step"])
            waits = count()
        found[method] = {
            "setting": f"{name}, batch {batch}, {precision}",
            "images/s": round(batch / median["step"]),
            "images/s compiled": round(batch / median["compiled"]) if "compiled" in median else None,
            "step by its bare passes": round(median["step"] / median["bare"], 3),
            "views by step (goal 0.05)": round(median["views"] / median["step"], 3),
            "waits a step": None if waits is None else waits / 4,
            "peak memory of all of these, MB": _peak(device),
        }
    return found


def _peak(device: torch.device) -> int | None:
    return round(torch.cuda.max_memory_allocated() / 2**20) if device.type == "cuda" else None


def run_part(parts: dict[str, Any], name: str, work: Callable[[], Any]) -> None:
    """Do a part and keep what it found, or its error, with the seconds that it took."""
    begin = time.perf_counter()
    print(f"{name} ...", flush=True)
    try:
        found = work()
    except Exception as error:  # of any library: the other parts go on
        found = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
    parts[name] = {"found": found, "seconds": round(time.perf_counter() - begin, 1)}
    print(json.dumps(parts[name], ensure_ascii=False), flush=True)


def render(report: dict[str, Any]) -> str:
    """The report as a Markdown page."""
    lines = [
        f"# {report['hardware']}",
        "",
        f"torch {report['torch']}, loocbench {report['loocbench']}, {report['when']}",
        "",
    ]
    checks = report["parts"]["checks"]["found"]
    if isinstance(checks, list):
        lines += ["| against the CPU | found | at most | |", "|---|---:|---:|---|"]
        lines += [
            f"| {one['name']} | {one['value']:.2g} | {one['limit']:.2g} | {'holds' if one['holds'] else '**fails**'} |"
            for one in checks
        ]
        lines.append("")
    lines += ["| part | what | figure |", "|---|---|---:|"]
    for name, part in report["parts"].items():
        for what, value in _flatten(part["found"]):
            lines.append(f"| {name} | {what} | {'–' if value is None else value} |")
    return "\n".join(lines) + "\n"


def _flatten(found: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(found, dict):
        return
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}: ")
        else:
            yield f"{prefix}{name}", value


def main() -> int:
    """Measure, print and write. Returns 1 if a check did not hold or a part failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="sizes that a CPU does, too: nothing of it says anything")
    parser.add_argument("--output", type=Path, default=Path("results/hardware"))
    options = parser.parse_args()
    device = torch.device(options.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # for the checks
    parts: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch)

        def checks() -> list[dict[str, Any]]:
            images = prepare_noise(64, 32, cache)
            return [{**one._asdict(), "holds": one.holds} for one in check_all(device, images)]

        run_part(parts, "checks", checks)
        size = (64, 1, "resnet18") if options.tiny else (20_480, 3, "resnet50")
        run_part(parts, "extraction", lambda: measure_extraction(options.device, *size))
        for name, setting in (TINY_STEPS if options.tiny else STEPS).items():
            run_part(parts, name, lambda name=name, setting=setting: measure_steps(name, setting, device, cache))
    hardware = provenance.hardware(options.device)
    report = {
        "hardware": hardware,
        "torch": torch.__version__,
        "loocbench": provenance.versions()["loocbench"],
        "when": provenance.now(),
        "tiny": options.tiny,
        "parts": parts,
    }
    options.output.mkdir(parents=True, exist_ok=True)
    base = options.output / re.sub(r"[^a-z0-9]+", "-", hardware.lower()).strip("-")
    files.write_text(base.with_suffix(".json"), json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    files.write_text(base.with_suffix(".md"), render(report))
    print(f"written: {base}.json, {base}.md")
    found = parts["checks"]["found"]
    good = isinstance(found, list) and all(one["holds"] for one in found)
    return int(not good or any("error" in part["found"] for part in parts.values() if isinstance(part["found"], dict)))


if __name__ == "__main__":
    raise SystemExit(main())
