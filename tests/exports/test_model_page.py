"""README.md of a hub's repository: loocbench's own is made anew, anybody else's stays but for loocbench's figures."""

import pytest
import yaml

from loocbench.errors import UserError
from loocbench.exports.model_index import make_model_index
from loocbench.exports.model_page import replace_figures, update_page
from loocbench.types import Metric
from tests.records.rows import make_row

hub = pytest.importorskip("huggingface_hub")

FRESH = "---\nlibrary_name: loocbench\ntags:\n- loocbench\n---\n\n# a-run\n"
OF_OTHERS = """model-index:
- name: mine
  results:
  - task: {type: image-classification}
    dataset: {type: beans, name: Beans}
    metrics:
    - type: accuracy
      value: 0.9
"""
THEIRS = f"""---
# a comment that stays
license: mit   # and this one
{OF_OTHERS}
# of the tags
tags: [b,   a]
---

# Théirs

Text --- with dashes.
---
"""


def index_of(value=0.5, name="a-run"):
    return make_model_index(name, [make_row(metrics={"top1": Metric(value=value, low=value, high=value, n=9)})], {})


def values_of(page):
    """What huggingface_hub reads: value by name of the data set."""
    return {one.dataset_name: one.metric_value for one in hub.ModelCard(page).data.eval_results or []}


def test_the_first_page_is_ours_and_the_library_reads_its_figures():
    page = update_page(None, FRESH, index_of(0.5))
    assert values_of(page) == {"Blooms": 0.5}
    assert hub.ModelCard(page).data.tags == ["loocbench"]
    assert page.startswith("---\nlibrary_name: loocbench\n")
    assert "\n# a-run\n" in page


def test_our_page_is_made_anew_as_long_as_nobody_edits_it():
    first = update_page(None, FRESH, index_of(0.5))
    newer = FRESH.replace("a-run", "b-run")
    second = update_page(first, newer, index_of(0.6))
    assert second == update_page(None, newer, index_of(0.6))
    edited = first.replace("# a-run", "# a-run, edited")
    third = update_page(edited, newer, index_of(0.7))
    assert "# a-run, edited" in third
    assert "b-run" not in third
    assert values_of(third) == {"Blooms": 0.7}
    assert update_page(third, newer, index_of(0.8)) == third.replace("0.7", "0.8").replace("70.0", "80.0")


def test_a_page_of_somebody_else_stays_but_for_the_block():
    page = update_page(THEIRS, FRESH, index_of())
    assert values_of(page) == {"Beans": 0.9, "Blooms": 0.5}
    begin, end = THEIRS.index("model-index"), THEIRS.index("\n# of the tags")
    assert page.startswith(THEIRS[:begin])
    assert page.endswith(THEIRS[end:])
    assert update_page(page, FRESH, index_of()) == page  # the second push changes nothing


def test_figures_of_other_weights_go_with_the_weights():
    page = update_page(THEIRS, FRESH, index_of())
    gone = update_page(page, FRESH, [])
    assert values_of(gone) == {"Beans": 0.9}
    bare = update_page("---\nlicense: mit\n---\nText\n", FRESH, index_of())
    assert update_page(bare, FRESH, []) == "---\nlicense: mit\n---\nText\n"


@pytest.mark.parametrize("page", ["Just text.\n", "", "# No metadata\n\n---\n", "\ufeffText\n"])
def test_a_page_without_metadata_gets_some(page):
    changed = update_page(page, FRESH, index_of())
    assert changed.endswith(page)
    assert values_of(changed) == {"Blooms": 0.5}
    assert update_page(page, FRESH, []) == page


def test_line_ends_stay():
    page = update_page("---\r\nlicense: mit\r\n---\r\nText\r\n", FRESH, index_of())
    assert "\n" not in page.replace("\r\n", "")
    assert values_of(page) == {"Blooms": 0.5}


def test_an_entry_of_the_same_name_gets_our_results_beside_its_own():
    page = replace_figures(THEIRS, index_of(name="mine"))
    (entry,) = yaml.safe_load(page.split("---")[1])["model-index"]
    assert [one["dataset"]["name"] for one in entry["results"]] == ["Beans", "Blooms"]


def test_without_figures_a_page_stays_as_it_is():
    page = update_page(THEIRS, FRESH, index_of())
    assert update_page(page, FRESH, [], figures=False) == page


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("license: [", "are not YAML"),
        ("- a\n- b", "not a table of names and values"),
        ("model-index: 7", "not in the hub's format"),
        ("model-index:\n- name: x", "not in the hub's format"),
        ("{license: mit, model-index: []}", "cannot be changed without a loss"),
        ("model-index: [\n{name: x, results: []}\n]", "cannot be changed without a loss"),
    ],
)
def test_metadata_that_cannot_be_changed_safely_are_refused(front, said):
    with pytest.raises(UserError, match=said):
        update_page(f"---\n{front}\n---\nText\n", FRESH, index_of())
