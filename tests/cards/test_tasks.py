"""Tasks are protocols on data sets: which exist, what they are called, and that no stored name changed."""

import re

import pytest

from loocbench.cards import tasks
from loocbench.cards.finding import find_task_of_row
from loocbench.cards.protocols import load_protocol, load_protocols
from loocbench.data.entries import ENTRIES
from loocbench.errors import UserError
from loocbench.evaluators import KINDS

# Tasks that rows were stored of before every kind worked on every data set: (task, version, title, metric, labels).
STORED = [
    ("controlled/blooms", 1, "Blooms, own copies", "hue_kept", ()),
    ("controlled/car-colors", 1, "Cars by colour, own copies", "hue_kept", ()),
    ("controlled/cub200", 1, "CUB-200, own copies", "hue_kept", ()),
    ("controlled/flowers102", 1, "Flowers-102, own copies", "hue_kept", ()),
    ("controlled/imagenet100", 1, "ImageNet-100, own copies", "hue_kept", ()),
    ("controlled/inat1k", 1, "iNat-1k, own copies", "hue_kept", ()),
    ("controlled/tiny-imagenet", 1, "Tiny ImageNet, own copies", "hue_kept", ()),
    ("episodes/blooms-5way-1shot", 1, "Blooms, 5-way 1-shot", "top1", ("species",)),
    ("episodes/blooms-5way-5shot", 1, "Blooms, 5-way 5-shot", "top1", ("species",)),
    ("episodes/flowers102-5way-1shot", 1, "Flowers-102, 5-way 1-shot", "top1", ("class",)),
    ("episodes/flowers102-5way-5shot", 1, "Flowers-102, 5-way 5-shot", "top1", ("class",)),
    ("episodes/tiny-imagenet-5way-1shot", 1, "Tiny ImageNet, 5-way 1-shot", "top1", ("class",)),
    ("episodes/tiny-imagenet-5way-5shot", 1, "Tiny ImageNet, 5-way 5-shot", "top1", ("class",)),
    ("few-shot/flowers102-10-path", 2, "Flowers-102 10-shot, path", "top1", ("class",)),
    ("few-shot/flowers102-10", 1, "Flowers-102 10-shot, Adam", "top1", ("class",)),
    ("few-shot/flowers102-5-path", 2, "Flowers-102 5-shot, path", "top1", ("class",)),
    ("few-shot/flowers102-5", 1, "Flowers-102 5-shot, Adam", "top1", ("class",)),
    ("knn/blooms-color", 2, "Blooms colour kNN", "top1", ("color",)),
    ("knn/blooms", 2, "Blooms kNN", "top1", ("species",)),
    ("knn/car-colors", 2, "Cars by colour kNN", "top1", ("color",)),
    ("knn/cub200", 2, "CUB-200 kNN", "top1", ("class",)),
    ("knn/flowers102", 2, "Flowers-102 kNN", "top1", ("class",)),
    ("knn/tiny-imagenet", 2, "Tiny ImageNet kNN", "top1", ("class",)),
    ("linear/blooms-color", 3, "Blooms colour", "top1", ("color",)),
    ("linear/blooms-ridge", 2, "Blooms, ridge", "top1", ("species",)),
    ("linear/blooms-sgd", 1, "Blooms, SGD", "top1", ("species",)),
    ("linear/blooms-texture", 3, "Blooms texture", "top1", ("texture",)),
    ("linear/blooms", 3, "Blooms species", "top1", ("species",)),
    ("linear/car-colors-ridge", 2, "Cars by colour, ridge", "top1", ("color",)),
    ("linear/car-colors", 2, "Cars by colour", "top1", ("color",)),
    ("linear/cub200-ridge", 2, "CUB-200, ridge", "top1", ("class",)),
    ("linear/cub200-sgd", 1, "CUB-200, SGD", "top1", ("class",)),
    ("linear/cub200", 3, "CUB-200", "top1", ("class",)),
    ("linear/flowers102-ridge", 2, "Flowers-102, ridge", "top1", ("class",)),
    ("linear/flowers102-sgd", 1, "Flowers-102, SGD", "top1", ("class",)),
    ("linear/flowers102", 3, "Flowers-102", "top1", ("class",)),
    ("linear/imagenet100-sgd", 1, "ImageNet-100, SGD", "top1", ("class",)),
    ("linear/imagenet100", 2, "ImageNet-100", "top1", ("class",)),
    ("linear/inat-animals-20", 2, "Twenty animals", "top1", ("class",)),
    ("linear/inat1k-sgd", 1, "iNat-1k, SGD", "top1", ("class",)),
    ("linear/inat1k", 2, "iNat-1k", "top1", ("class",)),
    ("linear/tiny-imagenet-ridge", 2, "Tiny ImageNet, ridge", "top1", ("class",)),
    ("linear/tiny-imagenet", 3, "Tiny ImageNet", "top1", ("class",)),
    ("retrieval/blooms", 3, "Blooms neighbours", "color_recall1", ("species", "color")),
    ("retrieval/car-colors", 2, "Cars by colour, neighbours", "color_recall1", ("color",)),
    ("retrieval/cub200", 4, "CUB-200 neighbours", "class_recall1", ("class",)),
    ("retrieval/flowers102", 4, "Flowers-102 neighbours", "class_recall1", ("class",)),
    ("retrieval/imagenet100", 4, "ImageNet-100 neighbours", "class_recall1", ("class",)),
    ("retrieval/inat1k", 4, "iNat-1k neighbours", "class_recall1", ("class",)),
    ("retrieval/tiny-imagenet", 4, "Tiny ImageNet neighbours", "class_recall1", ("class",)),
    ("robustness/blooms", 2, "Blooms, corrupted", "top1", ("species",)),
    ("robustness/cub200", 2, "CUB-200, corrupted", "top1", ("class",)),
    ("robustness/flowers102", 2, "Flowers-102, corrupted", "top1", ("class",)),
    ("robustness/imagenet-c-100", 2, "ImageNet-C-100", "top1", ("class",)),
    ("robustness/imagenet100", 2, "ImageNet-100, corrupted", "top1", ("class",)),
    ("robustness/objectnet13", 2, "ObjectNet-13", "top1", ("class",)),
    ("robustness/tiny-imagenet", 2, "Tiny ImageNet, corrupted", "top1", ("class",)),
    ("rotation/blooms", 3, "Blooms orientation", "top1", ()),
    ("rotation/cub200", 3, "CUB-200 orientation", "top1", ()),
    ("rotation/flowers102", 3, "Flowers-102 orientation", "top1", ()),
    ("rotation/imagenet100", 2, "ImageNet-100 orientation", "top1", ()),
    ("rotation/tiny-imagenet", 3, "Tiny ImageNet orientation", "top1", ()),
    ("sensitivity/blooms", 2, "Blooms, sensitivity", "hue_equivariance", ("species",)),
    ("sensitivity/car-colors", 2, "Cars by colour, sensitivity", "hue_equivariance", ("color",)),
    ("sensitivity/cub200", 2, "CUB-200, sensitivity", "hue_equivariance", ("class",)),
    ("sensitivity/flowers102", 2, "Flowers-102, sensitivity", "hue_equivariance", ("class",)),
    ("sensitivity/imagenet100", 2, "ImageNet-100, sensitivity", "hue_equivariance", ("class",)),
    ("sensitivity/inat1k", 2, "iNat-1k, sensitivity", "hue_equivariance", ("class",)),
    ("sensitivity/tiny-imagenet", 2, "Tiny ImageNet, sensitivity", "hue_equivariance", ("class",)),
]
STORED_ON_FOLDERS = [
    ("controlled/folder", 1, "Any folder of images, own copies", "hue_kept", ()),
    ("knn/folder", 2, "Any folder of images kNN", "top1", ("class",)),
    ("linear/folder-ridge", 2, "Any folder of images, ridge", "top1", ("class",)),
    ("linear/folder-sgd", 1, "Any folder of images, SGD", "top1", ("class",)),
    ("linear/folder", 3, "Any folder of images", "top1", ("class",)),
    ("retrieval/folder", 4, "Any folder of images, neighbours", "class_recall1", ("class",)),
    ("robustness/folder", 2, "Any folder of images, corrupted", "top1", ("class",)),
    ("rotation/folder", 3, "Any folder of images, orientation", "top1", ()),
    ("sensitivity/folder", 2, "Any folder of images, sensitivity", "hue_equivariance", ("class",)),
]


@pytest.mark.parametrize(("name", "version", "title", "metric", "labels"), STORED)
def test_tasks_of_stored_rows_keep_name_version_title_metric_and_labels(name, version, title, metric, labels):
    card = tasks.load_task(name)
    assert (card.task, card.version, card.title, card.metric, card.labels) == (name, version, title, metric, labels)


@pytest.mark.parametrize(("name", "version", "title", "metric", "labels"), STORED_ON_FOLDERS)
def test_tasks_on_folders_keep_theirs_too(name, version, title, metric, labels):
    """With the folder's name in theirs."""
    protocol = load_protocol(name.replace("/folder", ""))
    card = tasks.make_folder_task(protocol, "folder:/data/My birds", "My birds")
    stem, variant = f"{protocol.kind}/folder", name.removeprefix(f"{protocol.kind}/folder")
    assert card.task == f"{stem}{variant}-My_birds"
    assert card.title == title.replace("Any folder of images", "My birds")
    assert (card.version, card.metric, card.labels) == (version, metric, labels)
    assert card.dataset == "folder:/data/My birds"


@pytest.mark.parametrize("dataset", [name for name, entry in ENTRIES.items() if not entry.test_only])
def test_every_kind_works_on_every_data_set_with_training_images(dataset):
    names = set(tasks.task_names())
    for protocol in load_protocols():
        if not protocol.for_test_sets:
            name = f"{protocol.kind}/{dataset}" + (f"-{protocol.variant}" if protocol.variant else "")
            assert name in names
            card = tasks.load_task(name)
            assert (card.kind, card.dataset, card.elsewhere) == (protocol.kind, dataset, "")
            assert card.description
            assert card.cost


def test_every_further_label_is_predicted_too():
    names = set(tasks.task_names())
    for kind in KINDS.values():
        exists = {f"{kind.name}/blooms-{label}" in {name.rsplit("-5", 1)[0] for name in names} for label in ("color",)}
        assert exists == {kind.label_use == "predicted"}
    assert tasks.load_task("robustness/blooms-texture").labels == ("texture",)
    assert tasks.load_task("linear/blooms-texture-ridge").title == "Blooms texture, ridge"


def test_test_sets_are_judged_by_the_classifier_of_another_data_set_alone():
    of_test_sets = [name for name in tasks.task_names() if "imagenet-c-100" in name or "objectnet13" in name]
    assert of_test_sets == ["robustness/imagenet-c-100", "robustness/objectnet13"]
    card = tasks.load_task("robustness/objectnet13")
    assert (card.dataset, card.elsewhere) == ("imagenet100", "objectnet13")


def test_every_task_has_a_name_and_a_title_of_its_own():
    cards = [tasks.load_task(name) for name in tasks.task_names()]
    assert [card.task for card in cards] == tasks.task_names()
    assert len({card.task for card in cards}) == len(cards)
    assert len({card.title for card in cards}) == len(cards)
    assert all(card.metric in card.metrics for card in cards)


def test_a_match_is_by_the_main_label_and_by_colour_where_that_is_a_label():
    assert tasks.load_task("retrieval/blooms").labels == ("species", "color")
    assert tasks.load_task("retrieval/car-colors").labels == ("color",)
    assert tasks.load_task("retrieval/dtd").labels == ("class",)


def test_what_a_data_set_states_replaces_the_protocols():
    protocol, card = load_protocol("linear-sgd").settings, tasks.load_task("linear/blooms-sgd").protocol
    assert (protocol.epochs, protocol.augment) == (100, True)
    assert (card.epochs, card.augment) == (50, False)
    assert card.learning_rates == protocol.learning_rates


def test_an_unknown_task_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'few-shot/cub200-5'"):
        tasks.load_task("few-shot/cub200-6")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("My birds/2026", "My_birds_2026"),  # as rows of it are stored
        ("a+b (c)", "a_b_c_"),
        ("fåglar", "f_glar_"),
        ("日本", "_"),
    ],
)
def test_slugs_are_safe_in_file_names(name, slug):
    """They keep ASCII names as they were; others get a hash."""
    assert tasks.slug(name) == slug if name.isascii() else re.fullmatch(f"{slug}_?[0-9a-f]{{8}}", tasks.slug(name))
    assert tasks.slug(tasks.slug(name)) == tasks.slug(name)


def test_folders_that_differ_in_other_letters_alone_have_tasks_of_their_own():
    names = ["fåglar", "fäglar", "日本", "中国", "_"]
    assert len({tasks.slug(name) for name in names}) == len(names)
    assert tasks.slug("fa\u030aglar") == tasks.slug("f\u00e5glar")  # as macOS and Linux write the same name


def test_tasks_on_such_folders_know_the_name_that_rows_were_stored_under():
    protocol = load_protocol("knn")
    card = tasks.make_folder_task(protocol, "folder:/data/日本", "日本", "色")
    assert card.former_task == "knn/folder-_-_"
    assert re.fullmatch(r"knn/folder-_[0-9a-f]{8}-_[0-9a-f]{8}", card.task)
    assert tasks.make_folder_task(protocol, "folder:/data/My birds", "My birds").former_task == ""
    assert find_task_of_row(card.former_task, "folder:日本").task == card.former_task
    assert find_task_of_row(card.task.rpartition("-")[0], "folder:日本").task == card.task.rpartition("-")[0]
