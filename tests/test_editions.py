"""Editions: when two are of the same pixels."""

from loocbench.editions import format_edition, is_same_edition, join_editions, unify_editions

A, B, C, D = (letter * 64 for letter in "abcd")
NEW = format_edition(A, B)


def test_content_decides_where_both_know_it():
    assert is_same_edition(NEW, NEW)
    assert not is_same_edition(NEW, format_edition(C, B))
    assert f"content:{A} sizes:{B}" == NEW


def test_older_rows_know_names_and_sizes_alone():
    assert is_same_edition(B, NEW)
    assert is_same_edition(NEW, B)
    assert is_same_edition(B, B)
    assert not is_same_edition(D, NEW)


def test_renderers_versions_are_equal_or_not():
    assert is_same_edition("blooms v1 seed 0", "blooms v1 seed 0")
    assert not is_same_edition("blooms v1 seed 0", "blooms v1 seed 1")
    assert not is_same_edition("blooms v1 seed 0", NEW)


def test_of_two_data_sets_both_have_to_be_the_same():
    both = join_editions([NEW, "blooms v1 seed 0"])
    assert is_same_edition(both, join_editions([B, "blooms v1 seed 0"]))
    assert not is_same_edition(both, join_editions([NEW, "blooms v1 seed 1"]))
    assert not is_same_edition(both, NEW)


def test_an_older_edition_joins_the_only_known_content():
    assert unify_editions([NEW, B, D]) == {NEW: f"content:{A}", B: f"content:{A}", D: D}
    assert unify_editions([B, D, "blooms v1 seed 0"]) == {edition: edition for edition in (B, D, "blooms v1 seed 0")}


def test_of_two_contents_an_older_edition_joins_neither():
    other = format_edition(C, B)
    assert unify_editions([NEW, other, B]) == {NEW: f"content:{A}", other: f"content:{C}", B: B}


def test_editions_of_two_data_sets_are_unified_together():
    both, former = join_editions([NEW, "blooms v1"]), join_editions([B, "blooms v1"])
    assert len(set(unify_editions([both, former]).values())) == 1
