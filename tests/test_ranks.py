"""Two processes against one: the same weights, queues and statistics."""

import multiprocessing

import pytest
import torch
from torch import distributed as dist

from loocbench.errors import SharedError, UserError
from loocbench.pretraining import step as steps
from loocbench.ranks import Ranks
from tests.conftest import tiny_recipe
from tests.pretraining.test_groups import BATCHES, CPU, views_of
from tests.pretraining.test_step import take

GROUPS = {"looc": 2, "moco++": 4, "supervised": 2}


def train(method, groups, ranks):
    """Four steps on batches of 8 and tails of 7. Returns all that training left, and the losses."""
    recipe = tiny_recipe(
        method, groups=groups, learning_rate=0.1, key_momentum=0.9, augmentations=("color", "rotation")
    )
    torch.set_default_dtype(torch.float64)
    try:
        training = steps.start_training(recipe, CPU, classes=3, ranks=ranks)
    finally:
        torch.set_default_dtype(torch.float32)
    losses = []
    for number, count in enumerate(BATCHES):
        views = {"looc": 4, "moco++": 2, "supervised": 1}[method]
        losses.append(take(training, views_of(count, number, views), torch.arange(count) % 3))
    left = {
        f"{part}.{name}": value.detach()
        for part, module in training.modules().items()
        for name, value in module.state_dict().items()
        # The key encoder's own running statistics are never used.
        if not (part == "key_encoder" and ("running" in name or "tracked" in name))
    }
    return left | {"losses": torch.stack(losses)} | _numbers(training.diagnostics())


def _numbers(health):
    return {f"{name}.{space}": torch.tensor(value) for name, of in health.items() for space, value in of.items()}


def one_of_two(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    ranks = Ranks(rank, 2)
    for method, groups in GROUPS.items():
        torch.save(train(method, groups, ranks), f"{folder}/{method}-{rank}.pt")
    assert ranks.largest(rank) == 1
    assert ranks.agree(f"from {rank}") == "from 0"
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def left_by_two(tmp_path_factory):
    """The folder in which two processes wrote what each method's training left."""
    folder = tmp_path_factory.mktemp("two")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=one_of_two, args=(rank, folder)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
        assert process.exitcode == 0
    return folder


@pytest.mark.slow
@pytest.mark.xdist_group("ranks")
@pytest.mark.parametrize("method", GROUPS)
def test_two_processes_are_one_with_as_many_groups_tails_included(left_by_two, method):
    """Weights, queues, losses, running statistics and health to 1e-9; queues identical on both to the last bit."""
    expected = train(method, GROUPS[method], Ranks())
    first, second = (torch.load(left_by_two / f"{method}-{rank}.pt") for rank in range(2))
    assert first.keys() == second.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(first[name], value, rtol=0, atol=1e-9, msg=name)
        assert torch.equal(first[name], second[name]), name


def test_where_the_first_process_is_refused_the_others_say_nothing_of_their_own():
    def refuse():
        raise UserError("no")

    heard = []

    class First(Ranks):
        def agree(self, value):
            heard.append(value)
            return value

    class Other(Ranks):
        def agree(self, value):
            return heard[-1]

    for method in (Ranks.broadcast_from_main, Ranks.first_then_others):
        with pytest.raises(UserError, match="no"):
            method(First(0, 2), refuse)
        with pytest.raises(SharedError):
            method(Other(1, 2), lambda: pytest.fail("it must not begin"))
    assert First(0, 2).broadcast_from_main(lambda: 7) == Other(1, 2).broadcast_from_main(refuse) == 7
