"""One row a key from what several sources say of it: field by field, the known value of the highest rank.

These are expressions, for every engine that Ibis speaks to; making one loads Ibis, which takes a second.
`ready` has what DuckDB is asked, and `compiled` makes that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from deploybook.history import ready
from deploybook.history.columns import TABLES, Layout
from deploybook.prepared import Prepared

if TYPE_CHECKING:
    import ibis

NOW, PLACES, AFTER = "now_", "places_", "after"
"""What compiled statements name: `now_<table>` is the table merged, `places_<table>` has what `places` makes,
and `after` one row with an `instant`."""


def overlaps(kept: ibis.Table, first_key: str) -> ibis.Table:
    """Values of the first key column (as codebases) of which more than one source speaks."""
    from ibis import _  # noqa: PLC0415

    counted = kept.group_by(first_key).aggregate(sources=_.source.nunique())
    return counted.filter(_.sources > 1).select(first_key)


def standing(ranks: Mapping[str, int]) -> dict[str, int]:
    """Sources numbered, the weakest first: by rank, and of one rank the first name is the strongest."""
    weakest_first = sorted(sorted(ranks, reverse=True), key=lambda each: ranks[each])
    return {each: place for place, each in enumerate(weakest_first)}


def places(order: Mapping[str, int]) -> pa.Table:
    """Sources as `standing` numbers them, as rows: `source` and `place`."""
    return pa.table({"source": list(order), "place": list(order.values())})


def merged(kept: ibis.Table, key: tuple[str, ...], places: ibis.Table) -> ibis.Table:
    """Merge rows with the same key.

    Rows of which only one source can speak are passed through untouched.

    Args:
        kept: Rows as saved, with `source` and `rank`.
        key: The key's columns; null equals null.
        places: As `places` has them: the known fields of a higher one stand.
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


def combined(kept: ibis.Table, key: tuple[str, ...], order: Mapping[str, int]) -> ibis.Table:
    """The same, with sources as `standing` numbers them."""
    import ibis  # noqa: PLC0415

    return merged(kept, key, ibis.memtable(places(order)))


def late_cases(cases: ibis.Table, runs: ibis.Table, instant: Any) -> ibis.Table:
    """The test case runs later than an instant.

    One that does not say when it began stands at the end of its pipeline run, as the figures count it.

    Args:
        cases: `test_case_runs`, merged.
        runs: `pipeline_runs`, merged.
        instant: A value or an expression.
    """
    from ibis import _  # noqa: PLC0415

    timeless = cases.filter(cases.started_at.isnull())
    asked = runs.select("codebase", "finished_at", run=_.id).semi_join(timeless, ["codebase", "run"])
    ends = asked.group_by("codebase", "run").agg(end=_.finished_at.min())
    lent = timeless.drop("started_at").inner_join(ends, ["codebase", "run"])
    placed = lent.rename(started_at="end").select(*cases.columns)
    late = cases.union(placed).filter(_.started_at > instant)
    return late.order_by(list(TABLES["test_case_runs"].key))


def compiled() -> Prepared:
    """What `ready` is to hold of this source: DuckDB's SQL, by the names of `NOW`, `PLACES` and `AFTER`."""
    import ibis  # noqa: PLC0415

    def table(name: str, layout: Layout) -> ibis.Table:
        return ibis.table(ibis.Schema.from_pyarrow(layout.schema), name=name)

    compile = ibis.duckdb.connect().compile
    cases, runs = (table(NOW + name, TABLES[name].stored) for name in ("test_case_runs", "pipeline_runs"))
    instant = ibis.table({"instant": "timestamp('UTC', 6)"}, name=AFTER).instant.as_scalar()
    sql = {ready.CASES: str(compile(late_cases(cases, runs, instant)))}
    for name, kind in TABLES.items():
        order = ibis.table({"source": "string", "place": "int64"}, name=PLACES + name)
        sql[name] = str(compile(merged(table(name, kind.stored), kind.key, order)))
    return Prepared(source=ready.source(), sql=sql)
