"""TOML files as validated values; every mistake is one line that names the file."""

import pytest
from pydantic import BaseModel

from loocbench.errors import UserError
from loocbench.toml_files import read_card


class Card(BaseModel):
    name: str
    budget: dict[str, int] = {}


def read(tmp_path, content):
    path = tmp_path / "card.toml"
    path.write_bytes(content)
    return read_card(path, Card)


def test_a_valid_file_is_the_value(tmp_path):
    assert read(tmp_path, b'name = "x"\n[budget]\nepochs = 3\n') == Card(name="x", budget={"epochs": 3})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name = ", "is not valid TOML"),
        (b"name = '\xff'", "is not valid TOML"),
        (b"", "card.toml, name: field required"),
        (b'name = "x"\n[budget]\nepochs = "many"\n', "card.toml, budget.epochs: input should be a valid integer"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file_and_the_field(tmp_path, content, said):
    with pytest.raises(UserError, match=r"card\.toml") as caught:
        read(tmp_path, content)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"cannot read card .*gone\.toml: No such file"):
        read_card(tmp_path / "gone.toml", Card)
