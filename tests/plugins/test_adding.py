"""Plug-ins in the tables: what is refused, in one line, and that nothing of it stays.

Covers ``loocbench.plugins``, ``loocbench.plugins.plugin``, ``loocbench.plugins.checking`` and
``loocbench.plugins.in_use``.
"""

import hashlib
import sys
from dataclasses import replace

import pytest

import loocbench
from loocbench.cards import added_protocols, protocols
from loocbench.data.entries import ENTRIES
from loocbench.errors import UserError
from loocbench.evaluators import KINDS
from loocbench.models import backbone, backbone_names, backbones
from loocbench.plugins import Plugin, adding, checking, in_use
from loocbench.plugins.adding import plugins_in_use, use_plugins
from loocbench.pretraining.methods import METHODS
from loocbench.views import augmentations
from tests.conftest import tiny_recipe
from tests.plugins.files import examples, tint, write_example


def state():
    """The names in all tables."""
    tables = (ENTRIES, KINDS, METHODS, backbone_names.list_backbones(), added_protocols.ADDED, in_use.IN_USE)
    return [*map(list, tables), [one.name for one in augmentations.AUGMENTATIONS]]


@pytest.fixture(autouse=True)
def _nothing_stays():
    """Each test leaves the tables as they were."""
    before = state()
    yield
    assert state() == before


def test_all_examples_together_add_their_names_and_take_them_away(tmp_path):
    with plugins_in_use([write_example(name, tmp_path) for name in examples()]):
        assert "dots" in ENTRIES
        assert "means" in KINDS
        assert "align" in METHODS
        assert "plain" in backbone_names.list_backbones()
        assert backbone_names.default_image_size("plain") == 32
        assert augmentations.AUGMENTATIONS[-1].name == "tint"
        assert "tint" in augmentations.names_with_space()
        assert protocols.load_protocol("means").settings.normalise is True
        assert [card.protocol for card in protocols.load_protocols("means")] == ["means"]


def test_what_a_run_uses_is_named_with_the_hash_of_its_file(tmp_path):
    files = [write_example(name, tmp_path) for name in examples()]
    with plugins_in_use(files):
        recipe = tiny_recipe("align", augmentations=("color", "tint"))
        used = in_use.find_used(datasets=["blooms"], recipe=recipe)
        hashed = hashlib.sha256((tmp_path / "tint.py").read_bytes()).hexdigest()
        assert used.keys() == {"plug-in align", "plug-in tint"}
        assert used["plug-in tint"] == f"tint.py, SHA-256 {hashed}"
        assert in_use.read_records({"torch": "2.9", **used}) == {"align": "align.py", "tint": "tint.py"}
        assert in_use.find_missing(used) == {}
        assert in_use.find_used(datasets=["dots"], task_kind="means").keys() == {"plug-in dots", "plug-in means"}
        assert in_use.hash_code("task_kinds", "means") == in_use.IN_USE["means"].digest
        assert in_use.list_files() == files
    assert in_use.hash_code("task_kinds", "means") == ""
    assert in_use.find_missing(used) == {"align": "align.py", "tint": "tint.py"}


def test_files_are_also_taken_from_the_environment_each_once(tmp_path, monkeypatch):
    first, second = tint(tmp_path), tint(tmp_path, plugin="other", name="other", stream=129)
    monkeypatch.setenv(adding.VARIABLE, f"{first}:{second}")
    with plugins_in_use([first]):
        assert list(in_use.IN_USE) == ["tint", "other"]


def test_in_python_plugins_stay_in_use_and_may_be_named_again(tmp_path):
    path = tint(tmp_path)
    use_plugins(path)
    try:
        loocbench.use_plugins(str(path))
        assert "tint" in in_use.IN_USE
        with plugins_in_use([path]):
            pass
        assert tiny_recipe("moco", augmentations=("tint",)).augmentations == ("tint",)  # stays after the block
    finally:
        (one,) = augmentations.select_augmentations(["tint"])
        augmentations.remove_augmentation(one)
        del in_use.IN_USE["tint"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"plugin": "b", "name": "color"}, "b.py: the augmentation 'color' is there already; choose another name."),
        ({"plugin": "b", "stream": 7}, "stream 7 of augmentation tint is for loocbench's own; choose one from 128"),
        ({"plugin": "b", "name": "c"}, "augmentation c has stream 128, as tint; choose another"),
        ({"plugin": "b", "stream": 129}, "augmentation 'tint' is there already"),
        ({"plugin": "b", "name": "Tint"}, "augmentation 'Tint' has no plain name"),
        ({"plugin": "B"}, "a plug-in cannot be called 'B'"),
    ],
)
def test_names_and_streams_that_are_taken_are_refused(tmp_path, other, message):
    with pytest.raises(UserError, match=message) as refused:
        adding._add_all([tint(tmp_path), tint(tmp_path, **other)])
    assert "\n" not in str(refused.value)


def test_two_plugins_of_one_name_are_refused(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(UserError, match=r"two plug-ins are called tint: .*rename one"):
        adding._add_all([tint(tmp_path), tint(tmp_path / "b", stream=129, name="other")])


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("dots.py", ('name="dots",\n    short', 'name="dtd",\n    short'), "data set 'dtd' is there already"),
        ("dots.py", ("read=read_dots,", "read=read_dots, test_only=True,"), "dots has test images alone"),
        ("align.py", ('name = "align"', 'name = "looc++"'), r"method 'looc\+\+' is there already"),
        ("align.py", ("(Align(),)", "(Align,)"), "holds the class Align; give Method values"),
        ("align.py", ("(Align(),)", "Align()"), r"methods of the plug-in align is a Align; write \(method,\)"),
        ("plain.py", ('Backbone("plain"', 'Backbone("resnet8"'), "architecture 'resnet8' is there already"),
        ("plain.py", ('Backbone("plain"', 'Backbone("vit_b_16"'), "architecture 'vit_b_16' is there already"),
        ("means.py", ('name = "means"', 'name = "knn"'), "task kind knn has no protocol"),
        ("means.py", ("protocols=(CARD,)", "protocols=()"), "task kind means has no protocol"),
        ("means.py", ("protocols=(CARD,)", "protocols=(CARD, 3)"), "protocols holds a int; give dicts"),
        ("means.py", ('"normalise": True', '"normalize": True'), "protocol means, settings: .*normalize"),
        ("means.py", ('"protocol": "means"', '"protocol": "mean"'), "protocol mean has to begin with its kind, means"),
        ("means.py", ("protocols=(CARD,)", "protocols=(CARD, CARD)"), "has the name or the variant of means"),
        ("tint.py", ("has_space=True", "usual=True"), "usual of augmentation tint is for loocbench's own"),
    ],
)
def test_declarations_that_cannot_be_added_are_refused_in_one_line(tmp_path, file, change, message):
    path = write_example(file, tmp_path)
    text = path.read_text()
    assert text.count(change[0]) == 1
    path.write_text(text.replace(*change))
    with pytest.raises(UserError, match=message) as refused:
        adding._add_all([path])
    assert str(refused.value).startswith(file)
    assert "\n" not in str(refused.value)


def test_a_backbone_that_does_not_return_parts_is_refused():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(backbone.ADDED, "wrong", backbone.Backbone("wrong", lambda: None))
        with pytest.raises(UserError, match=r"build\(\) of architecture wrong gives NoneType"):
            backbones.build_backbone("wrong")


def test_streams_of_plugins_are_beside_those_of_this_package():
    assert max(one.stream for one in augmentations.AUGMENTATIONS) < checking.FIRST_STREAM


def test_a_package_is_hashed_with_all_of_its_modules(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "helpers.py").write_text("A = 1\n")
    one = in_use.LoadedPlugin(Plugin("mine"), "mine 1.2", folder)
    before = one.digest
    assert one.record == f"mine 1.2, SHA-256 {before}"
    (folder / "helpers.py").write_text("A = 2\n")
    assert replace(one).digest != before
    assert in_use.advise({"mine": "mine 1.2"}) == "install mine 1.2"
    assert in_use.advise({"tint": "tint.py"}) == "add --plugin tint.py"
    assert one.holds(str(folder / "helpers.py"))
    assert not one.holds(sys.executable)
