"""The queue of negatives."""

import torch

from loocbench.pretraining.queue import Queues


def test_the_queue_is_first_in_first_out_and_wraps_around():
    queues = Queues(spaces=2, size=5, dim=3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(queues.entries.norm(dim=2), torch.ones(2, 5))
    history = torch.randn(2, 13, 3)
    for begin, end in ((0, 3), (3, 6), (6, 13)):  # the last is longer than the queue
        queues.enqueue(history[:, begin:end])
        expected = history[:, max(0, end - 5) : end] if end >= 5 else history[:, :end]
        oldest_first = queues.entries.roll(-int(queues.pointer), dims=1)[:, -expected.shape[1] :]
        assert torch.equal(oldest_first, expected)
