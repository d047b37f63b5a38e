"""``loocbench.pretraining.grouped_optimizer.PlainSGD``: torch's arithmetic without torch's compiler."""

import subprocess
import sys

import torch

from loocbench.pretraining.grouped_optimizer import PlainSGD

SETTINGS = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4, "foreach": True}


def train(optimizer_class, generator):
    """Weights and state after some steps, with a state that is read, loaded and gone on from in between."""
    weights = [torch.randn(4, 3, generator=generator).requires_grad_() for _ in range(3)]
    optimizer = optimizer_class(weights, **SETTINGS)
    for step in range(4):
        optimizer.zero_grad(set_to_none=True)
        sum(weight.sin().sum() for weight in weights).backward()
        optimizer.step()
        if step == 1:
            state = optimizer.state_dict()
            optimizer = optimizer_class(weights, **SETTINGS)
            optimizer.load_state_dict(state)
    return [*weights, *(state["momentum_buffer"] for state in optimizer.state_dict()["state"].values())]


def test_weights_and_state_are_those_of_torchs_sgd_to_the_last_bit():
    ours, theirs = (train(kind, torch.Generator().manual_seed(0)) for kind in (PlainSGD, torch.optim.SGD))
    assert len(ours) == 6
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert all(weight.grad_fn is None for weight in ours)  # the step itself is not differentiated


def test_a_step_imports_no_compiler():
    code = """
import sys, torch
from loocbench.pretraining.grouped_optimizer import PlainSGD
weight = torch.ones(2, requires_grad=True)
optimizer = PlainSGD([weight], lr=0.1, momentum=0.9, foreach=True)
optimizer.zero_grad()
weight.sum().backward()
torch.amp.GradScaler("cpu", enabled=False).step(optimizer)
optimizer.load_state_dict(optimizer.state_dict())
print(float(weight[0].detach()), "torch._dynamo" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["0.8999999761581421", "False"]
