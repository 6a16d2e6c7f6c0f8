"""One row a key from what several sources say of it: field by field, the known value of the highest rank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis


def overlaps(kept: ibis.Table, first_key: str) -> ibis.Table:
    """Values of the first key column (as codebases) of which more than one source speaks."""
    from ibis import _  # noqa: PLC0415 - only where it is asked for: see `duck`

    counted = kept.group_by(first_key).aggregate(sources=_.source.nunique())
    return counted.filter(_.sources > 1).select(first_key)


def standing(ranks: Mapping[str, int]) -> dict[str, int]:
    """Sources numbered, the weakest first: by rank, and of one rank the first name is the strongest."""
    weakest_first = sorted(sorted(ranks, reverse=True), key=lambda each: ranks[each])
    return {each: place for place, each in enumerate(weakest_first)}


def merged(kept: ibis.Table, key: tuple[str, ...], places: ibis.Table) -> ibis.Table:
    """Merge rows with the same key.

    Rows of which only one source can speak are passed through untouched.

    Args:
        kept: Rows as saved, with `source` and `rank`.
        key: The key's columns; null equals null.
        places: `source` and `place`, as `standing` numbers them: the known fields of a higher one stand.
    """
    import ibis  # noqa: PLC0415

    shared = overlaps(kept, key[0])
    doubled = kept.semi_join(shared, key[0]).join(places, "source")
    lists = [name for name, kind in kept.schema().items() if kind.is_array() and name not in key]
    each_key = ibis.window(group_by=list(key))
    known = {f"{name}_from": doubled[name].notnull().ifelse(doubled.place, ibis.null()) for name in lists}
    doubled = doubled.mutate(**{name: place.max().over(each_key) for name, place in known.items()})
    fields = {
        name: (
            # PostgreSQL cannot gather lists to take one of them, but can compare them.
            doubled[name].max(where=doubled.place == doubled[f"{name}_from"])
            if name in lists
            else doubled[name].argmax(doubled.place, where=doubled[name].notnull())
        )
        for name in kept.columns
        if name not in key
    }
    together = doubled.group_by(list(key)).aggregate(**fields).select(*kept.columns)
    return kept.anti_join(shared, key[0]).union(together)
