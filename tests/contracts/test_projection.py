"""A projection shows what it lists and nothing else, whatever the document looks like."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp_contracts import pointers
from lgsp_contracts.projection import Projection

names = st.sampled_from(["a", "b", "c", "d/e", "~"])
documents = st.recursive(
    st.integers(), lambda inner: st.dictionaries(names, inner, max_size=4) | st.lists(inner, max_size=3), max_leaves=25
)
paths = st.lists(st.lists(names, min_size=1, max_size=3).map(tuple), max_size=5)


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], int]]:
    """Every number of a document with the names that lead to it."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item, path)]
    return [(path, value)]


@given(st.dictionaries(names, documents, max_size=4), paths)
def test_exactly_the_listed_is_seen(document: dict[str, Any], allowed: list[tuple[str, ...]]) -> None:
    seen = leaves(Projection(pointers.join(path) for path in allowed).apply(document))
    expected = [leaf for leaf in leaves(document) if any(leaf[0][: len(path)] == path for path in allowed)]
    assert sorted(seen) == sorted(expected)


@given(documents)
def test_a_star_shows_everything(document: Any) -> None:
    assert Projection(["*"]).apply(document) == document


def test_arrays_are_looked_through() -> None:
    shown = Projection(["/nguoi/ten"]).apply({"nguoi": [{"ten": "a", "so": 1}, {"so": 2}, 3], "so": 4})
    assert shown == {"nguoi": [{"ten": "a"}, {}]}


def test_a_field_is_a_pointer() -> None:
    with pytest.raises(ValueError, match="begins with a slash"):
        Projection(["ten"])
