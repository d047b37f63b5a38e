"""loocbench.types.CheckpointCard: cards of earlier versions load, and hostile ones do not validate."""

from __future__ import annotations

import json
import re

import pytest
from safetensors.torch import save_file

from loocbench.checkpoints import locate, native, untrained
from loocbench.errors import UserError
from loocbench.types import CheckpointCard


def test_cards_written_before_still_load():
    """A card of format 1, as the first version wrote it: no architecture, no source."""
    card = untrained.build_checkpoint("resnet8", 0).card
    written = card.model_dump(mode="json", exclude={"architecture", "source"})
    assert CheckpointCard.model_validate(written) == card
    with pytest.raises(ValueError, match="a card has a recipe, or an architecture and a source"):
        CheckpointCard.model_validate({**written, "recipe": None})


def test_a_card_cannot_hand_anything_to_a_librarys_constructor():
    card = locate.load("random:shufflenet_v2_x0_5").card.model_dump(mode="json")
    for options in (
        *({"checkpoint_path": "/etc/passwd"}, {"depth": 10**9}, {"embed_dim": -1}, {"depth": 257}),
        *({"depth": "3"}, {"image_size": 1.5}, {"num_heads": True}, {"qkv_bias": 1}, {"global_pool": 3}),
    ):
        hostile = {**card, "architecture": {**card["architecture"], "options": options}}
        with pytest.raises(ValueError, match="is not an option of an architecture"):
            CheckpointCard.model_validate(hostile)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"std": [0.2, 0, 0.2]}, "bad value for std: input should be greater than or equal to 0.001"),
        ({"mean": [123.675, 116.28, 103.53]}, "divide those of 0 to 255 by 255"),
        ({"mean": [float("nan"), 0, 0]}, "bad value for mean: input should be a finite number"),
        ({"resize": 16}, "images of short side 16 px have no centre crop of 32"),
    ],
)
def test_a_card_whose_preprocessing_cannot_be_is_refused_for_that(changed, message, tmp_path):
    checkpoint = untrained.build_checkpoint("resnet8", 0)
    card = json.loads(checkpoint.card.model_dump_json())
    card["preprocessing"] |= changed
    save_file(dict(checkpoint.weights), tmp_path / "x.safetensors", metadata={"card": json.dumps(card)})
    with pytest.raises(UserError, match=f"the card of .*{re.escape(message)}.*; copy or import it anew"):
        native.load(tmp_path / "x.safetensors")


def test_a_card_with_a_recipe_cannot_also_name_code():
    """Both at once, each reader might look at another one of them."""
    card = untrained.build_checkpoint("resnet8", 0).card.model_dump(mode="json")
    foreign = {"architecture": {"name": "python:os:system"}, "source": {"kind": "file", "name": "x"}}
    with pytest.raises(ValueError, match="a card has a recipe, or an architecture and a source"):
        CheckpointCard.model_validate({**card, **foreign})


@pytest.mark.parametrize("name", ["/tmp/elsewhere", "../elsewhere", "a/b", ""])
def test_a_cards_spaces_cannot_name_other_files(name):
    """Features of a space are cached in a file of its name."""
    card = untrained.build_checkpoint("resnet8", 0).card.model_dump(mode="json")
    with pytest.raises(ValueError, match="should match pattern"):
        CheckpointCard.model_validate({**card, "spaces": [name]})
