"""Label-free signs of a space: how many of its dimensions are in use, as RankMe and LiDAR count them.

RankMe counts directions in which features of different images lie. LiDAR counts those in which images differ by more
than the views of one image do. Neither sees a label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from loocbench.errors import UserError
from loocbench.evaluators.task_kind import TaskKind
from loocbench.types import Change, Frozen, Metric, Outcome

if TYPE_CHECKING:
    from loocbench.evaluators.task_data import TaskData

_FEWEST = 2  # images: one has no scatter
_Several = Annotated[int, Field(ge=_FEWEST)]


class SpectrumProtocol(Frozen):
    """images: the most test images for RankMe. lidar_images, views: the most for LiDAR, and random views of each.

    delta: added to the diagonal of LiDAR's scatter within images.
    """

    images: _Several
    lidar_images: _Several
    views: _Several
    delta: Annotated[float, Field(gt=0)]


class Spectrum(TaskKind[SpectrumProtocol]):
    """rankme: effective rank of the features of the images' centre crops. lidar: that of discriminant analysis whose
    classes are the images, each of several random crops, mirrored or not.

    Neither has an interval, since a resample repeats images, which lowers a rank. scale: the highest that each can be.
    """

    name = "spectrum"
    protocol = SpectrumProtocol
    label_use = "none"
    unit = "dimensions"

    def metrics(self, protocol: SpectrumProtocol, labels: Sequence[str]) -> tuple[str, ...]:
        """Return rankme and lidar."""
        return ("rankme", "lidar")

    def headline(self, protocol: SpectrumProtocol, labels: Sequence[str]) -> str:
        """Return rankme."""
        return "rankme"

    def evaluate(self, protocol: SpectrumProtocol, labels: Sequence[str], data: TaskData) -> Outcome:
        """Measure both on drawn test images. Raises UserError for fewer than two.

        LiDAR is 1 where the images' means are the same but for rounding, of which it would count the directions.
        """
        from loocbench.evaluators import episode_sampling, sampling
        from loocbench.evaluators.spread import describe_constant
        from loocbench.solvers.effective_rank import ViewScatter, measure_rankme

        count = len(data.items("test"))
        if count < _FEWEST:
            raise UserError(f"effective ranks need {_FEWEST} test images; {data.dataset_name} has {count}.")
        rows = sampling.sample_rows(count, protocol.images, seed=data.seed)
        features = data.features("test", rows=rows)
        viewed = sampling.sample_rows(count, protocol.lidar_images, seed=data.seed)
        scatter = ViewScatter()
        for view in range(1, protocol.views + 1):
            scatter.add(data.features("test", change=Change(view=view, seed=data.seed), rows=viewed))
        lidar = 1.0 if describe_constant(scatter.means) else scatter.measure_lidar(protocol.delta)
        dim = features.shape[1]
        return Outcome(
            {"rankme": _exact(measure_rankme(features), len(rows)), "lidar": _exact(lidar, len(viewed))},
            draws=episode_sampling.hash_rows(rows, viewed),
            scale={"most": {"rankme": min(len(rows), dim), "lidar": min(len(viewed) - 1, dim)}},
        )


def _exact(value: float, images: int) -> Metric:
    """Return a metric without an interval."""
    return Metric(value=value, low=value, high=value, n=images)


KIND = Spectrum()
