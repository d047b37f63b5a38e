"""Values that packages pass to one another: what identifies them, and what they refuse.

CheckpointCard and Architecture are tested in tests/checkpoints/test_card.py, Items in tests/test_item_codec.py, which
covers loocbench.item_codec. Of loocbench.progress there are but protocols, and reporters that show nothing.
"""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from loocbench import progress
from loocbench.types import UNTRAINED, Metric, Recipe, Split, WeightsSource


def split(items=("a", "b"), labels=(0, 1), name="test"):
    return Split("x", name, tuple(items), {"class": np.array(labels)}, {"class": ("one", "other")})


def test_a_splits_fingerprint_is_that_of_its_images_with_their_labels_in_any_order():
    assert split().fingerprint == split(("b", "a"), (1, 0), name="val").fingerprint
    assert split().fingerprint != split(labels=(1, 0)).fingerprint
    assert split().fingerprint != split(("a", "c")).fingerprint
    assert len(split()) == 2


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (
            WeightsSource(kind="hf", name="org/name", revision="0123abc", sha256="89ab"),
            "hf:org/name@0123abc, SHA-256 89ab",
        ),
        (WeightsSource(kind="file", name="moco.pth"), "moco.pth"),
    ],
)
def test_a_source_of_weights_is_written_as_one_asks_for_it(source, shown):
    assert str(source) == shown


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_metric_is_a_finite_number(value):
    with pytest.raises(ValidationError):
        Metric(value=value, low=0, high=1, n=1)


def test_stored_values_are_immutable_and_know_their_fields():
    metric = Metric(value=0.5, low=0, high=1, n=1)
    with pytest.raises(ValidationError):
        metric.value = 0.6
    with pytest.raises(ValidationError):
        Metric(value=0.5, low=0, high=1, n=1, median=0.5)


def test_a_recipe_of_an_untrained_network_says_so():
    given = {"augmentations": (), "backbone": "resnet8", "image_size": 16, "epochs": 0, "batch_size": 2}
    assert Recipe(method=UNTRAINED, learning_rate=0.1, **given).untrained
    assert not Recipe(method="moco", learning_rate=0.1, **given).untrained


def test_the_silent_reporter_accepts_everything():
    reporter: progress.Reporter = progress.Silent()
    assert reporter.update("embedding", 1, 2, "detail") is None
    assert reporter.info("one line") is None


def test_a_traceback_is_reported_to_who_can_show_it():
    class Verbose(progress.Silent):
        shown = ()

        def trace(self, error):
            self.shown = (*self.shown, error)

    error, verbose = ValueError("wrong"), Verbose()
    progress.report_traceback(verbose, error)
    assert verbose.shown == (error,)
    progress.report_traceback(progress.Silent(), error)
