"""Which device a command computes on."""

import pytest
import torch

from loocbench.devices import resolve_device
from loocbench.errors import UserError


def test_auto_is_the_best_device_here():
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device("cpu") == "cpu"


@pytest.mark.parametrize(
    ("device", "message"),
    [("gpu", "no device 'gpu'"), ("mps", "'mps' is not supported"), ("cuda:99", "no device 'cuda:99' on this machine")],
)
def test_a_device_that_is_not_there_is_refused(device, message):
    with pytest.raises(UserError, match=message):
        resolve_device(device)
