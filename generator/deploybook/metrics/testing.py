"""Tests: which are flaky, which pipelines change their mind, how much is covered."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from deploybook.metrics.branch import ended
from deploybook.metrics.grain import Facts, Grain
from deploybook.metrics.model import KEYS, Tables
from deploybook.metrics.spans import one

FLAKY_DAYS = 30
CASE = ("codebase", "suite", "name")
PASS = "pass"  # noqa: S105 - an outcome
FAIL = ("fail", "error")
SUMS = {"ran": _.ran.sum().cast("int64"), "flaky": _.flaky.sum().cast("int64")}
"""What a day's steps come to."""


def case_runs(tables: Tables, made: Grain) -> Any:
    """Test cases that ran, without skips, at their own instant, else at the end of their pipeline run."""
    columns = (*CASE, "revision", "job", "outcome")
    cases = tables.test_case_runs.filter(_.outcome != "skip")
    own = cases.filter(_.started_at.notnull()).select(*columns, at=_.started_at)
    timeless = cases.filter(_.started_at.isnull())
    # Only of runs that are asked for: most cases say when they ran, and runs are many.
    asked = tables.pipeline_runs.select("codebase", "finished_at", run=_.id).semi_join(
        timeless, ["codebase", "run"]
    )
    ends = asked.group_by("codebase", "run").agg(end=_.finished_at.min())
    lent = timeless.inner_join(ends, ["codebase", "run"]).select(*columns, at=_.end)
    return own.union(lent).filter(_.at <= made.as_of)


def flakes(known: Any) -> Any:
    """A test case's pass and fail on one revision and job, `at` the instant from which both had been seen."""
    seen = known.group_by(*CASE, "revision", "job").agg(
        passed=_.at.min(where=_.outcome == PASS), failed=_.at.min(where=_.outcome.isin(FAIL))
    )
    return seen.filter(_.passed.notnull(), _.failed.notnull()).select(
        *CASE, "revision", "job", at=ibis.greatest(_.passed, _.failed)
    )


def flaky_share(days: Any, made: Grain) -> Any:
    """Of the test cases run in the last 30 days of a period, those flaky at least once in them.

    Args:
        days: As `steps` makes them.
        made: Whose periods.
    """
    nothing = ibis.literal(0, "int64")
    scopes = made.scopes.filter(_.kind == "codebase").select("scope", "name", codebase=_.key)
    scoped = days.inner_join(scopes, "codebase").select("scope", "name", "day", "ran", "flaky")
    ends = made.ends
    first = scoped.group_by("scope", "name").agg(first=_.day.min())
    marks = first.cross_join(ends.select("day").distinct()).filter(_.day >= _.first)
    steady = marks.select("scope", "name", "day", ran=nothing, flaky=nothing)
    by_day = scoped.union(steady).group_by("scope", "name", "day").agg(**SUMS)
    run = ibis.cumulative_window(group_by=["scope", "name"], order_by="day")
    totals = by_day.select("scope", "name", "day", ran=_.ran.sum().over(run), flaky=_.flaky.sum().over(run))
    return totals.inner_join(ends, "day").select(*KEYS, flaky_share__n=_.flaky, flaky_share__d=_.ran)


def steps(tables: Tables, made: Grain) -> Any:
    """codebase, day, ran, flaky: by how many more, or fewer, test cases count from that day on."""
    ran = case_runs(tables, made)
    return _steps(_held(ran, made), _held(flakes(ran.filter(_.revision.notnull())), made))


def late(tables: Tables, made: Grain, since: Any) -> Any:
    """The runs that `steps_since` looks at: those from each codebase's `bound` on."""
    return _late(case_runs(tables, made), since)


def told(tables: Tables, made: Grain, late: Any) -> Any:
    """All runs of the revisions that `late` runs are of: what failed now may have passed long ago."""
    here = ["codebase", "revision"]
    known = case_runs(tables, made).filter(_.revision.notnull())
    return known.semi_join(late.select(*here).distinct(), here)


def steps_since(late: Any, told: Any, made: Grain, since: Any) -> Any:
    """The `steps` of some codebases, each from a day of its own on; `metrics.daily` says why they are those.

    Args:
        late: As `late` finds them.
        told: As `told` finds them.
        made: The small tables.
        since: codebase, `day`, and `bound`: an instant more than `FLAKY_DAYS` before that day, anywhere.
    """
    found = _steps(_held(late, made), _held(_late(flakes(told), since), made))
    first = since.select("codebase", first=_.day)
    return found.inner_join(first, "codebase").filter(_.day >= _.first).select("codebase", "day", *SUMS)


def _late(rows: Any, since: Any) -> Any:
    return (
        rows.inner_join(since.select("codebase", "bound"), "codebase").filter(_.at >= _.bound).drop("bound")
    )


def _steps(ran: Any, flaky: Any) -> Any:
    nothing = ibis.literal(0, "int64")
    both = ibis.union(
        ran.select("codebase", "day", ran=_.by, flaky=nothing),
        flaky.select("codebase", "day", ran=nothing, flaky=_.by),
    )
    return both.group_by("codebase", "day").agg(**SUMS)


def _held(rows: Any, made: Grain) -> Any:
    """codebase, day, by: a case counts from a day of its own until 30 days after its last one in a row.

    Only where such a row begins and ends, which is seldom: most days of a case are within 30 of another.
    """
    local = rows.select(*CASE, "at", utc_day=_.at.date()).inner_join(made.days, "utc_day")
    daily = local.select(*CASE, day=(_.at < _.turn).ifelse(_.first, _.then)).distinct()
    order = ibis.window(group_by=list(CASE), order_by="day")
    spans = daily.select(
        "codebase",
        "day",
        rest=(_.day + ibis.interval(days=FLAKY_DAYS)).cast("date"),
        before=(_.day.lag().over(order) + ibis.interval(days=FLAKY_DAYS)).cast("date"),
        after=_.day.lead().over(order),
    )
    begun = spans.filter(_.before.isnull() | (_.before < _.day))
    done = spans.filter(_.after.isnull() | (_.after > _.rest))
    starts = begun.group_by("codebase", "day").agg(by=_.count())
    ends = done.group_by("codebase", day=_.rest).agg(by=-_.count())
    return starts.union(ends)


def flaky_runs(tables: Tables, made: Grain) -> Facts:
    """Of revision and pipeline pairs, whether the outcome `changed` on a re-run; by the first end."""
    runs = ended(tables).filter(_.revision.notnull(), _.at <= made.as_of)
    legs = runs.group_by("codebase", "revision", "pipeline", "job").agg(
        at=_.at.min(), reds=one(_.red).sum(), runs=_.count()
    )
    pairs = legs.group_by("codebase", "revision", "pipeline").agg(
        at=_.at.min(), changed=((_.reds > 0) & (_.reds < _.runs)).any()
    )
    return Facts(pairs)


def coverage(tables: Tables, made: Grain) -> Any:
    """Of the newest report of a period of a revision on the release branch: lines before branches."""
    commits = tables.branch_commits.select("codebase", "revision").distinct().mutate(here=True)
    local = tables.coverage.mutate(utc_day=_.measured_at.date())
    reports = local.filter(_.measured_at <= made.as_of).left_join(commits, ["codebase", "revision"])
    placed = reports.inner_join(made.places, "utc_day").select(
        *("codebase", "period", "covered", "total"),
        at=_.measured_at,
        here=_.here.fill_null(False),
        by_line=(_.unit.fill_null("lines") == "lines").ifelse(0, 1),
        period_start=(_.measured_at < _.turn).ifelse(_.first, _.then),
    )
    order = ibis.window(
        group_by=["codebase", "period", "period_start"],
        order_by=[_.here.desc(), "by_line", _.at.desc(), _.total.desc(), _.covered.desc()],
    )
    newest = placed.mutate(nth=ibis.row_number().over(order)).filter(_.nth == 0)
    scopes = made.scopes.filter(_.kind == "codebase").select("scope", "name", codebase=_.key)
    totals = {
        "coverage__n": _.here.ifelse(_.covered, 0).sum(),
        "coverage__d": _.here.ifelse(_.total, 0).sum(),
        "coverage__x": one(~_.here).sum(),
    }
    return newest.inner_join(scopes, "codebase").group_by(*KEYS).agg(**totals)
