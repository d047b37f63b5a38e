"""Names of devices: what they resolve to, and which are refused."""

import pytest
import torch

from loocbench.devices import resolve_device
from loocbench.errors import UserError


@pytest.mark.parametrize(("gpu", "best"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_the_best_device_there_is(monkeypatch, gpu, best):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert resolve_device("auto") == best


def test_a_device_that_is_there_stays_as_it_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [resolve_device(name) for name in ("cpu", "cuda", "cuda:1")] == ["cpu", "cuda", "cuda:1"]


@pytest.mark.parametrize(
    ("name", "said"), [("gpu", "no device"), ("meta", "not supported"), ("cuda:2", "--device cpu")]
)
def test_others_are_refused_with_a_way_out(monkeypatch, name, said):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UserError, match=said):
        resolve_device(name)
