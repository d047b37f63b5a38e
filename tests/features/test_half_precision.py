"""What bfloat16 does to a figure: the probe of real features is neither better nor worse for it."""

import numpy as np
import pytest

from loocbench.cards import tasks
from loocbench.checkpoints import locate
from loocbench.data import catalog
from loocbench.devices import fastest_precision
from loocbench.features.encoder import Encoder
from loocbench.features.inference_config import InferenceConfig
from loocbench.jobs.measurement import Measurement
from tests.conftest import Silent


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.skipif(
    fastest_precision("cpu") != "bfloat16",
    reason="a processor without instructions for bfloat16 emulates it: ten minutes in place of one",
)
def test_the_probe_of_bfloat16_features_differs_by_chance_alone(photographs, real_weights, tmp_path):
    """ImageNet's MobileNetV2 on all of Flowers-102, at 64 px so that it takes a minute: 0.2 points, or what as many
    answers that became right or wrong give by chance."""
    dataset, card = catalog.open_dataset("flowers102", photographs), tasks.load_task("linear/flowers102")
    checkpoint = locate.load(str(real_weights / "mobilenet_v2-b0353104.pth"), runs=tmp_path, seed=0)
    right = {}
    for precision in ("float32", "bfloat16"):
        encoder = Encoder.from_checkpoint(checkpoint, inference=InferenceConfig(precision))
        encoder.preprocessing = encoder.preprocessing.model_copy(update={"image_size": 64, "resize": 73})
        data = Measurement(card, encoder, dataset, "looc", 0, tmp_path, Silent())
        right[precision] = np.asarray(card.task_kind.evaluate(card.protocol, card.labels, data).items["top1"])
    changed = (right["bfloat16"] != right["float32"]).mean()
    difference = right["bfloat16"].mean() - right["float32"].mean()
    assert right["float32"].mean() > 0.6
    assert 0 < changed < 0.05
    assert abs(difference) <= max(0.002, 2 * np.sqrt(changed / len(right["float32"])))
