"""Names of backbones are known without torch, and are those that can be built."""

import subprocess
import sys

import pytest

from loocbench.errors import UserError
from loocbench.models import backbone_names, backbones


def test_names_are_known_without_torch():
    code = "import sys; from loocbench.models import backbone_names as b; b.resolve_trainable('resnet50')"
    code += "; b.default_image_size('resnet8'); b.list_trainable(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", backbone_names.SMALL)
def test_a_small_one_has_four_times_its_width_in_dimensions(name):
    assert backbones.build_backbone(name).dim == 4 * backbone_names.SMALL[name][1]
    assert backbone_names.default_image_size(name) == 32


def test_an_unknown_name_is_refused_with_the_nearest():
    assert backbone_names.default_image_size("resnet50") == 224
    with pytest.raises(UserError, match="resnet50"):
        backbone_names.resolve_trainable("resnet-50")
