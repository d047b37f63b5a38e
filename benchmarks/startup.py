"""``loocbench --help`` against a bare Typer app with one command: median wall time of a new process, and the ratio."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

BARE = """
import typer
app = typer.Typer()
@app.command()
def hello(name: str = "you") -> None: "Say hello."
@app.command()
def bye(name: str = "you") -> None: "Say goodbye."
app()
"""
REPEATS = 15


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def main() -> None:
    """Warm up, interleave the two, print medians and the ratio."""
    commands = {
        "bare Typer app": [sys.executable, "-c", BARE, "--help"],
        "loocbench --help": [sys.executable, "-m", "loocbench", "--help"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for repeat in range(REPEATS + 2):
        for name, command in commands.items():
            taken = seconds(command)
            if repeat >= 2:
                times[name].append(taken)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:18} {median * 1000:6.0f} ms")
    print(f"ratio              {medians['loocbench --help'] / medians['bare Typer app']:6.2f}")


if __name__ == "__main__":
    main()
