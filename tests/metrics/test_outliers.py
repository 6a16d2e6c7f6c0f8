"""What is unusual for a codebase."""

from __future__ import annotations

from datetime import timedelta

from tests.metrics.support import at, change, deployment, engine, settings, tables

from deploybook.metrics import outliers


def test_a_change_beyond_the_95th_percentile_of_its_own_codebase_is_an_outlier() -> None:
    made = [
        change(id=str(n), deployed_at=at("2026-10-01 00:00") + timedelta(days=n), lead_time_seconds=n * 100)
        for n in range(21)
    ]
    (found,) = outliers(engine(tables(changes=made)), settings()).to_pylist()
    # Of 0 to 2000 in 21 steps the 95th percentile is the 20th: 1900; only 2000 is beyond it.
    assert (found["kind"], found["id"], found["measure"]) == ("change", "20", "lead_time")
    assert (found["value"], found["limit"], found["of"]) == (2000, 1900, 21)


def test_what_is_older_than_26_weeks_neither_is_one_nor_makes_the_limit() -> None:
    old = [deployment(id="old", at=at("2026-05-25 00:00"), duration_seconds=9999)]
    new = [
        deployment(id=str(n), at=at("2026-11-01 00:00") + timedelta(hours=n), duration_seconds=60)
        for n in range(5)
    ]
    assert outliers(engine(tables(deployments=[*old, *new])), settings()).num_rows == 0


def test_a_pick_told_as_another_change_is_no_outlier_of_its_own() -> None:
    made = [
        change(id=str(n), deployed_at=at("2026-11-01 00:00"), additions=n, deletions=0, original=original)
        for n, original in ((1, None), (2, None), (500, "1"))
    ]
    found = outliers(engine(tables(changes=made)), settings()).to_pylist()
    assert [(row["id"], row["of"]) for row in found] == [("2", 2)]
