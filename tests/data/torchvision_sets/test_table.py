"""The table of torchvision's data sets: names, aliases, entries.

Covers ``loocbench.data.torchvision_sets.table``.
"""

import subprocess
import sys

import pytest
import torchvision

from loocbench.data import catalog
from loocbench.data.entries import ENTRIES
from loocbench.data.torchvision_sets import table
from loocbench.errors import UserError
from tests.data.torchvision_sets.layouts import MAKERS


def test_every_name_is_a_class_of_torchvision_and_has_a_layout_for_tests():
    assert {name.removeprefix(table.PREFIX) for name in table.SETS} == set(MAKERS)
    assert all(hasattr(torchvision.datasets, name) for name in table.list_names())
    assert {"DTD", "Flowers102"} < set(table.list_names())


def test_an_alias_is_the_entry_of_the_reader_that_is_there():
    assert catalog.entry_of("torchvision:DTD") is ENTRIES["dtd"]
    assert catalog.entry_of("torchvision:Flowers102").name == "flowers102"


def test_entries_say_where_a_data_set_comes_from():
    for name in table.SETS:
        entry = table.make_entry(name)
        assert (entry.name, entry.labels) == (name, ("class",))
        assert entry.source.homepage.startswith("http")
        assert entry.source.licence
        assert entry.official.images
        assert entry.source.by_hand
    assert table.make_entry("torchvision:StanfordCars").fetch is None
    assert catalog.entry_of("torchvision:CIFAR10").official.images == 60_000


def test_short_names_and_folders_are_unique():
    entries = [*ENTRIES.values(), *map(table.make_entry, table.SETS)]
    assert len({entry.short for entry in entries}) == len(entries)
    folders = [one.folder for one in table.SETS.values()]
    assert len(set(folders)) == len(folders)


@pytest.mark.parametrize("name", ["cifar10", "CIFAR11", ""])
def test_an_unknown_name_is_refused_with_the_nearest(name):
    with pytest.raises(UserError, match=f"unknown data set of torchvision '{name}'"):
        catalog.entry_of(f"torchvision:{name}")


def test_the_table_imports_no_torch():
    code = "import sys, loocbench.data.torchvision_sets.table; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
