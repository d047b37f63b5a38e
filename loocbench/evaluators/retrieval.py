"""Retrieval: how many of an image's nearest neighbours share its class, its colour, or both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from loocbench.errors import UserError
from loocbench.evaluators.task_kind import TaskKind
from loocbench.types import Dataset, Frozen, Outcome

if TYPE_CHECKING:
    from torch import Tensor

    from loocbench.evaluators.kept_neighbours import KeptNeighbours
    from loocbench.evaluators.task_data import TaskData

COLOR = "color"
FOREGROUND = "foreground"  # key in a row's ``stated``: the pixels that colour was computed from
RANKING = ("recall1", "recall5", "recall10", "map", "map_at_r", "r_precision")
_CHUNK = 256
_CENTRAL = "central half of the crop"


class RetrievalProtocol(Frozen):
    """Retrieval has no settings."""


class Retrieval(TaskKind[RetrievalProtocol]):
    """Ranking metrics for matches in each label, in colour, and in all of them: LABEL_recall1, _recall5, _recall10,
    _map, _map_at_r and _r_precision (see ``ranking_metrics``).

    If no label is the colour, ``color_descriptor`` decides which images have the same colour, and color_agreement is
    measured too. The nearest neighbours of some images are kept as items (``kept_neighbours``). scale: the same metrics
    of a random ranking and of the best possible one.
    """

    name = "retrieval"
    protocol = RetrievalProtocol
    label_use = "matched"
    draws_gallery = True

    def metrics(self, protocol: RetrievalProtocol, labels: Sequence[str]) -> tuple[str, ...]:
        """Return all ranking metrics for every kind of match."""
        kinds = [*labels, *([COLOR] if COLOR not in labels else [])]
        kinds += [join_labels(kinds)] if len(kinds) > 1 else []
        own = tuple(f"{kind}_{name}" for kind in kinds for name in RANKING)
        return own if COLOR in labels else (*own, "color_agreement")

    def headline(self, protocol: RetrievalProtocol, labels: Sequence[str]) -> str:
        """Return recall@1 of the colour if that is a label, else of the main label."""
        return f"{COLOR if COLOR in labels else labels[0]}_recall1"

    def table_metrics(self, headline: str, metrics: Sequence[str]) -> list[str]:
        """Return recall@1 of every kind of match, and color_agreement."""
        return [name for name in metrics if name.endswith("recall1") or name == "color_agreement"]

    def expected_statements(self, dataset: Dataset) -> Mapping[str, str]:
        """Return the pixels that colour is computed from where it is not a label."""
        return {FOREGROUND: describe_foreground(dataset.foreground.kind if dataset.foreground else "")}

    def evaluate(self, protocol: RetrievalProtocol, labels: Sequence[str], data: TaskData) -> Outcome:
        """Rank all other test images for every test image. Raises UserError for fewer than two."""
        import torch

        from loocbench.evaluators import (
            color_descriptor,
            kept_neighbours,
            neighbours,
            ranking_metrics,
            sampling,
            statistics,
        )

        features = data.features("test")
        if len(features) < 2:
            raise UserError("retrieval needs two test images; an image is never its own neighbour.")
        order = torch.from_numpy(sampling.shuffle_rows(len(features), seed=data.seed))
        features = features[order.to(features.device)]
        own = {label: data.labels("test", label)[order.to(features.device)] for label in labels}
        described = None if COLOR in own else _describe_colors(data, len(features))[order].to(features.device)
        found: dict[str, list[Tensor]] = defaultdict(list)
        rows: dict[str, list[Tensor]] = defaultdict(list)  # of the images that the values belong to
        chance: dict[str, list[Tensor]] = defaultdict(list)

        kept: list[tuple[Tensor, Tensor, dict[str, Tensor]]] = []  # rows, neighbours, matches of some queries
        wanted = torch.from_numpy(kept_neighbours.choose_queries(len(features)))

        def note(name: str, values: Tensor, queries: Tensor) -> None:
            found[name].append(values.cpu())
            rows[name].append(order[queries.cpu()])

        for block in neighbours.rank_neighbours(features, ties_follow_query=True):
            matches = {name: label[block.neighbours] == label[block.queries][:, None] for name, label in own.items()}
            if described is not None:
                matches[COLOR] = color_descriptor.find_alike(described, block.queries).gather(1, block.neighbours)
                nearest = color_descriptor.color_agreement(described, block.queries, block.neighbours[:, 0])
                note("color_agreement", nearest, block.queries)
            asked = order[block.queries.cpu()]
            if (chosen := torch.isin(asked, wanted)).any():
                here, few = chosen.to(block.neighbours.device), kept_neighbours.MOST_NEIGHBOURS
                shared = {kind: right[here, :few].cpu() for kind, right in matches.items()}
                kept.append((asked[chosen], order[block.neighbours[here, :few].cpu()], shared))
            if len(matches) > 1:
                matches[join_labels(list(matches))] = torch.stack(list(matches.values())).all(dim=0)
            for kind, right in matches.items():
                answerable = block.queries[ranking_metrics.has_relevant(right)]
                for name, values in ranking_metrics.all_metrics(right).items():
                    note(f"{kind}_{name}", values, block.queries if len(values) == len(right) else answerable)
                for name, values in ranking_metrics.all_chances(right).items():
                    chance[f"{kind}_{name}"].append(values)
        # Precision is left out if no query has a relevant image, as in a small set without two images of a class.
        items = {
            name: values[torch.cat(rows[name]).argsort()].numpy()
            for name, parts in found.items()
            if len(values := torch.cat(parts))
        }
        expected = {name: float(torch.cat(parts).mean()) for name, parts in chance.items() if name in items}
        oracle = {name: _best_possible(name, items) for name in expected}
        stated = {}
        if described is not None:
            expected["color_agreement"], oracle["color_agreement"] = 0.5, 1.0
            stated[FOREGROUND] = describe_foreground(data.foreground)
        return Outcome(
            {
                name: statistics.wilson_share(values)
                if values.dtype == bool
                else statistics.bootstrap_mean(values, seed=data.seed)
                for name, values in items.items()
            },
            items={
                **{name: values for name, values in items.items() if len(values) == len(features)},
                **_join_blocks(kept).to_items(),
            },
            scale={"random": expected, "oracle": oracle},
            stated=stated,
        )


def _join_blocks(blocks: Sequence[tuple[Tensor, Tensor, dict[str, Tensor]]]) -> KeptNeighbours:
    """Join the neighbours that were kept of blocks of queries, in the order of the images."""
    import torch

    from loocbench.evaluators.kept_neighbours import KeptNeighbours

    queries = torch.cat([rows for rows, _, _ in blocks])
    place = queries.argsort()
    return KeptNeighbours(
        queries[place].numpy(),
        torch.cat([nearest for _, nearest, _ in blocks])[place].numpy(),
        {kind: torch.cat([shared[kind] for _, _, shared in blocks])[place].numpy() for kind in blocks[0][2]},
    )


def join_labels(kinds: Sequence[str]) -> str:
    """Return the name of a match in all of several labels."""
    return "_and_".join(kinds)


def describe_foreground(kind: str) -> str:
    """Return the pixels that colour is computed from. kind: the data set's masks or boxes; "" without them."""
    return kind or _CENTRAL


def _best_possible(name: str, items: Mapping[str, np.ndarray]) -> float:
    """Return a metric's value for the best order: 1, or for recall the share of queries with a relevant image."""
    kind, metric = name.rsplit("_recall", 1) if "_recall" in name else (name, "")
    return len(items.get(f"{kind}_map", ())) / len(items[name]) if metric else 1.0


def _describe_colors(data: TaskData, count: int) -> Tensor:
    """Return the colour histograms of all test images, float32 [count, 405]."""
    import torch

    from loocbench.evaluators import color_descriptor

    parts = []
    for rows in np.array_split(np.arange(count), -(-count // _CHUNK)):
        masks = data.masks("test", rows.tolist()) if data.foreground else None
        parts.append(color_descriptor.color_histograms(data.crops("test", rows.tolist()), masks))
    return torch.from_numpy(np.concatenate(parts))


KIND = Retrieval()
