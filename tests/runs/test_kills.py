"""kill -9 at random moments: ``loocbench.runs.states`` and ``runs.folder`` against a process that ends anywhere."""

import multiprocessing
import os
import random
import time

import pytest

from loocbench.checkpoints import card_file, native
from loocbench.data import blooms
from loocbench.runs import states
from loocbench.runs.settings import RunSettings
from tests.conftest import TINY, tiny_recipe
from tests.runs.training import train

LONG = tiny_recipe("looc", epochs=40)  # 120 steps


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="processes are forked from one that has imported all, to start fast"
)
def test_twenty_kills_at_random_moments_end_in_the_same_weights(tmp_path, tiny_blooms):
    """kill -9 whenever it comes: what is there loads, and resuming ends bit for bit where an uninterrupted run does."""
    straight = card_file.read_card(train(LONG, tiny_blooms, tmp_path / "straight"))
    generator = random.Random(0)
    folder = tmp_path / "runs" / "run"

    context = multiprocessing.get_context("forkserver")  # of this process's threads a fork would know nothing
    context.set_forkserver_preload(["torch._dynamo", "tests.runs.loaded_views"])  # seconds of each process's start

    for kill in range(20):
        process = context.Process(target=_go_on, args=(tmp_path,))
        before = _newest(folder)
        process.start()
        while _newest(folder) == before and process.is_alive():  # until it has come further
            time.sleep(0.002)
        time.sleep(generator.uniform(0, 0.05))
        assert process.is_alive(), f"it reached its end before kill {kill + 1}"
        process.kill()
        process.join()
        if (folder / card_file.FILE).exists():
            native.load(folder / card_file.FILE)
        assert any(states.is_whole(state) for state in folder.glob("state-*.safetensors"))
    _go_on(tmp_path)
    assert not list(folder.glob(".*.part"))  # what the killed had begun to write
    assert card_file.read_card(folder / card_file.FILE).weights == straight.weights


def _go_on(folder):
    train(LONG, blooms.make_blooms(TINY), folder, existing="resume", settings=RunSettings(save_minutes=0.0002))


def _newest(folder):
    return max((path.name for path in folder.glob("state-*.safetensors")), default="")
