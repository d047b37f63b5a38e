"""The paper's few-shot training against plain torch, one problem at a time."""

import subprocess
import sys

import torch
from torch import nn
from torch.nn import functional as F

from loocbench.solvers import adam
from loocbench.solvers.adam import train_with_adam


def test_each_problem_is_a_linear_layer_trained_by_adam():
    generator = torch.Generator().manual_seed(0)
    features, labels = torch.randn(3, 20, 7, generator=generator), torch.arange(20).expand(3, -1) % 4
    weights, intercepts = train_with_adam(features, labels)
    for one in range(3):
        layer = nn.Linear(7, 4)
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.03)
        for _ in range(250):
            optimizer.zero_grad()
            F.cross_entropy(layer(features[one]), labels[one]).backward()
            optimizer.step()
        torch.testing.assert_close(weights[one], layer.weight.detach(), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(intercepts[one], layer.bias.detach(), rtol=1e-3, atol=1e-3)


def test_it_is_torchs_adam_to_the_last_bit(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    features, labels = torch.randn(3, 20, 7, generator=generator), torch.arange(20).expand(3, -1) % 4
    ours = train_with_adam(features, labels)
    monkeypatch.setattr(adam, "PlainAdam", torch.optim.Adam)
    assert all(torch.equal(a, b) for a, b in zip(ours, train_with_adam(features, labels), strict=True))


def test_it_imports_no_compiler():
    code = """
import sys, torch
from loocbench.solvers.adam import train_with_adam
train_with_adam(torch.eye(2)[None], torch.tensor([[0, 1]]))
print("torch._dynamo" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False"]
