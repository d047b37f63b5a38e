"""Batches made ahead: all of them, in order, errors in their place, and no thread left behind. GPUs are not needed."""

import itertools
import threading

import pytest
import torch

from loocbench.features import transfers


def alive():
    return [thread for thread in threading.enumerate() if thread.name == "batches ahead"]


def test_every_item_comes_once_and_in_order():
    assert list(transfers._prefetch(iter(range(50)), 2)) == list(range(50))
    assert not alive()


def test_only_so_many_are_made_ahead():
    made = []

    def items():
        for number in itertools.count():
            made.append(number)
            yield number

    ahead = transfers._prefetch(items(), 2)
    assert [next(ahead) for _ in range(3)] == [0, 1, 2]
    assert len(made) <= 3 + 2 + 1  # taken, waiting, in the maker's hand
    ahead.close()
    assert not alive()


def test_an_error_comes_where_its_batch_would_have():
    def items():
        yield 1
        raise ValueError("damaged")

    ahead = transfers._prefetch(items(), 2)
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(ahead)
    assert not alive()


def test_on_the_cpu_batches_pass_as_they_are():
    batch = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    ((tag, passed),) = transfers.to_device(iter([(7, batch)]), torch.device("cpu"))
    assert tag == 7
    assert passed is batch
    assert not alive()
    every = [(number, {"general": torch.full((2, 3), float(number))}) for number in range(5)]
    assert list(transfers.to_cpu(iter(every), torch.device("cpu"))) == every


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_the_same_bytes_arrive():
    batches = [(number, torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)) for number in range(9)]
    for (number, sent), (tag, arrived) in zip(
        batches, transfers.to_device(iter(batches), torch.device("cuda")), strict=True
    ):
        assert tag == number
        assert torch.equal(arrived.cpu(), sent)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_features_come_back_from_a_gpu_whole_and_in_order():
    def computed():
        for number in range(9):
            values = torch.full((256, 2048), float(number), device="cuda")
            for _ in range(50):  # work that is still going on when its copy is asked for
                values = values * 1.0
            yield number, {"general": values}

    found = list(transfers.to_cpu(computed(), torch.device("cuda")))
    assert [number for number, _ in found] == list(range(9))
    assert all(bool((values["general"] == number).all()) for number, values in found)
