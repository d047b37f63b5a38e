"""What a run that cannot go on says.

Covers ``loocbench.runs.failures``, ``loocbench.runs.memory``.
"""

import numpy as np
import pytest
import torch

from loocbench.checkpoints import card_file
from loocbench.errors import UserError
from loocbench.pretraining.loop import NotFiniteError, Run
from loocbench.runs import memory
from tests.conftest import tiny_recipe
from tests.runs.training import train

CPU = torch.device("cpu")


def test_a_loss_that_is_not_finite_names_its_images_and_the_last_good_checkpoint(tmp_path, tiny_blooms, monkeypatch):
    real = Run._step

    def step(self, batch):
        return real(self, batch) if self.position.epoch == 0 else np.array([np.nan])

    monkeypatch.setattr(Run, "_step", step)
    with pytest.raises(UserError, match=r"not finite at epoch 2, step 1 \(images bloom-") as caught:
        train(tiny_recipe("moco", epochs=3), tiny_blooms, tmp_path)
    assert f"the last good checkpoint is {tmp_path / 'runs' / 'run' / card_file.FILE}" in str(caught.value)
    assert isinstance(caught.value.__cause__, NotFiniteError)
    named = (tmp_path / "runs" / "run" / "not-finite.json").read_text()
    assert named.count("bloom-") == 32


def test_out_of_memory_says_which_batch_fits(tmp_path, tiny_blooms, monkeypatch):
    """A device on which 8 images fit, simulated where the networks are asked."""
    from loocbench.pretraining.contrastive_step import ContrastiveTraining

    real = ContrastiveTraining.step

    def step(self, share, queries, keys, labels):
        if len(queries) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, share, queries, keys, labels)

    monkeypatch.setattr(ContrastiveTraining, "step", step)
    with pytest.raises(UserError, match=r"groups of 32 images do not fit .*; 8 do: use --batch-size 8, or --groups 4"):
        train(tiny_recipe("looc"), tiny_blooms, tmp_path)
    monkeypatch.setattr(ContrastiveTraining, "step", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("no")))
    assert memory.find_fitting_group(tiny_recipe("looc"), CPU) == 0
