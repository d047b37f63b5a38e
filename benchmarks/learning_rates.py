"""Why a space does not take up its augmentation: LooC's rotation space at several learning rates, and what wakes it.

Trains LooC (color, rotation) on blooms from one seed by the small recipe, but with the learning rates and settings of
each case, and measures the signs of learning within the first epoch and after some. Prints a Markdown line each: how
far the rotation space moves with rotation (mean cosine gained where the draw is shared, 0: it is blind), how far the
color space moves with color, and the last loss of each space as a share of that of one that learned nothing. Training
images alone are seen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from blooms_factors import read_split
from recipe_search import Rendered

from loocbench import provenance
from loocbench.data import blooms
from loocbench.pretraining import recipes, schedule
from loocbench.pretraining.learning_signs import Signs
from loocbench.pretraining.loop import Run
from loocbench.runs.signs_monitor import SignsMonitor

EPOCHS = 15
EARLY = (0, 10, 25, 50)  # steps of the first epoch, of 93
SHOWN = (1, 2, 3, 5, 8, 10, 12, 15)  # epochs


def cosine(peak: float) -> list[float]:
    """Learning rates of the recipe's schedule."""
    return [schedule.cosine(peak, epoch, EPOCHS) for epoch in range(EPOCHS)]


@dataclass(frozen=True)
class Case:
    """rates: learning rate of each epoch. changes: of the recipe."""

    rates: Sequence[float]
    changes: dict[str, float | int | tuple[str, ...]] = field(default_factory=dict)


LARGE = {"batch_size": 64, "queue_size": 1024}  # the small recipe of older versions, which had 0.2
CASES = {
    "0.03": Case(cosine(0.03)),
    "0.06": Case(cosine(0.06)),
    "0.12": Case(cosine(0.12)),
    "0.2": Case(cosine(0.2)),
    "0.03, batch 64, queue 1,024": Case(cosine(0.03), LARGE),
    "0.2, batch 64, queue 1,024": Case(cosine(0.2), LARGE),
    "0.2, batch 64, queue 1,024, no weight decay": Case(cosine(0.2), {**LARGE, "weight_decay": 0.0}),
    "0.2, batch 64, queue 1,024, warm-up of 5 epochs": Case(
        [0.04 * (n + 1) for n in range(5)] + cosine(0.2)[5:], LARGE
    ),
    "0.03 for 5 epochs, then 0.2; batch 64, queue 1,024": Case([0.03] * 5 + [0.2] * 10, LARGE),
}


class Scheduled(Run):
    """A run whose learning rates are given."""

    rates: Sequence[float] = ()

    def _learning_rate(self, epoch: int) -> float:
        return self.rates[epoch]


def measure(case: Case, images: Rendered) -> str:
    """Train; the cells of a Markdown line."""
    settings = {**recipes.DEFAULTS, "epochs": EPOCHS, "learning_rate": case.rates[0], **case.changes}
    recipe = recipes.make(augmentations=("color", "rotation"), **settings)
    run = Scheduled(recipe, images, torch.device("cpu"))  # type: ignore[arg-type]
    run.rates = case.rates
    monitor = SignsMonitor(recipe, images, None, torch.device("cpu"))
    begin = time.perf_counter()
    early, later = [monitor.measure(run.network)], []
    for progress in run.steps():
        if progress.epoch == 1 and progress.step in EARLY:
            early.append(monitor.measure(run.network))
        if progress.ends_epoch and progress.epoch in SHOWN:
            later.append(monitor.measure(run.network))
            losses = progress.losses
    chance = dict(zip(losses, recipes.find_method(recipe.method).chance_losses(recipe, classes=0), strict=True))
    shares = ", ".join(f"{name} {losses[name] / chance[name]:.2f}" for name in losses)
    color = f"{later[-1].variation['color']['color']:.2f}" if "color" in losses else "–"
    taken = time.perf_counter() - begin
    return " | ".join([" ".join(map(moved, early)), " ".join(map(moved, later)), color, shares, f"{taken:.0f} s"])


def moved(signs: Signs) -> str:
    """How far the rotation space moves with rotation."""
    return f"{signs.variation['rotation']['rotation']:.2f}"


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images = Rendered(read_split("train"))
    print(
        f"{provenance.hardware('cpu')}, {options.threads} threads, torch {torch.__version__}; blooms v{blooms.VERSION}"
    )
    print(
        f"| learning rate | rotation, after steps {', '.join(map(str, EARLY))} | after epochs "
        f"{', '.join(map(str, SHOWN))} | color | loss, of chance | time |\n| --- | --- | --- | ---: | --- | ---: |"
    )
    for name in options.case or CASES:
        print(f"| {name} | {measure(CASES[name], images)} |", flush=True)


if __name__ == "__main__":
    main()
