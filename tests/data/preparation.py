"""Preparing images, and what it reports and leaves."""

from loocbench.data import preparing
from tests.conftest import Silent


class Listening(Silent):
    """Keeps what it hears."""

    def __init__(self):
        self.said, self.stages = [], []

    def info(self, message):
        """A line."""
        self.said.append(message)

    def update(self, stage, done, total, detail=""):
        """Progress."""
        self.stages.append((stage, done, total))


def prepare(dataset, split, short_side, cache, reporter=None):
    return preparing.prepare(dataset, dataset.splits[split], short_side, cache=cache, reporter=reporter or Silent())


def leftovers(cache):
    return [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".safetensors"]
