"""The release branch: when it was green, how long it was broken, which of its commits were tested."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from deploybook.metrics.grain import Facts, Grain
from deploybook.metrics.measures import Rate, Ratio
from deploybook.metrics.model import Tables
from deploybook.metrics.outcomes import BEFORE_MERGE, GREEN, NOT_BY_COMMIT, RED, RETIRED_DAYS
from deploybook.metrics.spans import one, seconds, states


def ended(tables: Tables) -> Any:
    """Runs that came to an end, with `red` and an instant."""
    outcome = _.outcome.lower()
    runs = tables.pipeline_runs.filter(outcome.isin([*GREEN, *RED]))
    return runs.mutate(at=ibis.coalesce(_.finished_at, _.started_at), red=outcome.isin(RED)).filter(
        _.at.notnull()
    )


def on_branch(tables: Tables, made: Grain) -> Any:
    """Ended runs on the release branches, up to the clock: of the required pipelines where any are named.

    With `of_commit`, whether a commit asked for the run, and `strict`, whether its pipeline is required.
    """
    demanding = made.required.select("codebase").distinct().mutate(demanding=True)
    wanted = made.required.mutate(wanted=True)
    known = ("codebase", "id", "attempt", "pipeline", "revision", "at", "red")
    trigger = _.trigger.fill_null("")
    runs = ended(tables).filter(_.at <= made.as_of, ~trigger.isin(BEFORE_MERGE))
    # Runs are many, and so are commits: only a run that names no branch is looked for among them.
    here = runs.left_join(made.branches, "codebase").filter(
        _.branch.isnull() | _.release.isnull() | (_.branch == _.release)
    )
    asked = (
        here.left_join(demanding, "codebase", rname="demanding_{name}")
        .left_join(wanted, ["codebase", "pipeline"], rname="wanted_{name}")
        .filter(_.wanted.notnull() | _.demanding.isnull())
        .select(
            *(*known, "branch", "release"),
            job=_.job.fill_null(""),
            of_commit=~trigger.isin(NOT_BY_COMMIT),
            strict=_.wanted.notnull(),
        )
    )
    unnamed = asked.filter(_.branch.isnull() | _.release.isnull())
    found = unnamed.semi_join(tables.branch_commits, ["codebase", "revision"])
    # Named: Ibis drops several columns in an order of its own each time, and SQL is to be the same.
    return asked.filter(_.branch == _.release).union(found).select(*known, "job", "of_commit", "strict")


def branch_states(tables: Tables, made: Grain, *, cut: bool) -> Any:
    """codebase, at, until, known, red: how many pipelines have ended there once, and how many are red."""
    runs = on_branch(tables, made)
    unit = ["codebase", "pipeline", "job"]
    order = ibis.window(group_by=unit, order_by=["at", "attempt", "id"])
    before = one(_.red).lag().over(order)
    stepped = runs.mutate(before=before, rest=_.at.lead().over(order))
    steps = stepped.select(
        "codebase",
        "at",
        known=one(_.before.isnull()),
        red=one(_.red) - _.before.fill_null(0),
    )
    gone = stepped.filter(_.rest.isnull(), ~_.strict).select(
        "codebase",
        at=_.at + ibis.interval(days=RETIRED_DAYS),
        known=ibis.literal(-1, "int64"),
        red=-one(_.red),
    )
    return states(steps.union(gone), ("known", "red"), made, cut=cut)


def green_spans(tables: Tables, made: Grain) -> Facts:
    """The spans in which something is known, each with its `length` in seconds."""
    rows = branch_states(tables, made, cut=True).filter(_.known > 0)
    return Facts(rows.mutate(length=seconds(rows.at, rows.until)))


GREEN_TIME = Ratio("green_time", (_.red > 0).ifelse(0, _.length), _.length)
"""The share of time in which every pipeline of the release branch was green."""


def breaks(tables: Tables, made: Grain) -> Any:
    """codebase, started_at, ended_at, seconds: from the first red to the next green; an open one has none."""
    rows = branch_states(tables, made, cut=False).mutate(broken=_.red > 0)
    order = ibis.window(group_by="codebase", order_by="at")
    turns = rows.mutate(before=_.broken.lag().over(order)).filter(_.broken != _.before.fill_null(False))
    spans = turns.mutate(ended_at=_.at.lead().over(order)).filter(_.broken)
    return spans.select("codebase", "ended_at", started_at=_.at, seconds=seconds(spans.at, spans.ended_at))


def break_ends(tables: Tables, made: Grain) -> Facts:
    """Breaks by their end; an open one by its start."""
    return Facts(breaks(tables, made).mutate(at=ibis.coalesce(_.ended_at, _.started_at)))


def tried_commits(tables: Tables, made: Grain) -> Facts:
    """The branch's commits: how many pipelines were `asked` to run on each, and how many `found` an end."""
    unit = ("codebase", "revision", "pipeline")
    commits = tables.branch_commits.select("codebase", "revision", "committed_at").distinct()
    runs = on_branch(tables, made).filter(_.of_commit, ~_.strict).select(*unit, "at")
    spans = (
        runs.left_join(commits, ["codebase", "revision"])
        .group_by("codebase", "pipeline")
        .agg(
            since=ibis.coalesce(_.committed_at, _.at).min(),
            until=_.at.max() + ibis.interval(days=RETIRED_DAYS),
        )
    )
    seen = tables.branch_commits.inner_join(spans, "codebase").filter(
        (_.since <= _.committed_at) & (_.committed_at < _.until)
    )
    required = tables.branch_commits.inner_join(made.required, "codebase")
    expected = seen.select(*unit).union(required.select(*unit))
    runs = ended(tables).filter(_.revision.notnull(), _.at <= made.as_of).select(*unit)
    ran = runs.semi_join(expected, list(unit)).distinct()
    met = expected.left_join(ran.mutate(ran=True), list(unit))
    counts = met.group_by("codebase", "revision").agg(asked=_.count(), found=_.ran.count())
    told = tables.branch_commits.left_join(counts, ["codebase", "revision"])
    return Facts(
        told.select("codebase", at=_.committed_at, asked=_.asked.fill_null(0), found=_.found.fill_null(0))
    )


TESTED_COMMITS = Rate("tested_commits", _.found >= _.asked, _.asked > 0, _.asked == 0)
"""Of the branch's commits those whose required pipelines ran to an end; where none are known, missing."""


def stopped_promotions(tables: Tables, made: Grain) -> Facts:
    """codebase, environment, revision, at: what went red, or was refused, before it got to users."""
    live = made.live.environment
    went = tables.deployments.filter(_.reached, _.outcome != "success", _.pipeline_run.notnull())
    reached = went.select("codebase", id=_.pipeline_run).distinct()
    runs = ended(tables).filter(_.red, _.deploys_to.lower().isin(live)).anti_join(reached, ["codebase", "id"])
    red = runs.select(
        "codebase",
        "at",
        environment=_.deploys_to.lower(),
        revision=ibis.coalesce(_.revision, "run " + _.id),
    )
    refused = tables.verdicts.filter(
        _.verdict != "pass", _.environment.lower().isin(live), _.codebase.notnull()
    ).select("codebase", "revision", at=_.judged_at, environment=_.environment.lower())
    both = red.union(refused.select("codebase", "at", "environment", "revision"))
    return Facts(both.group_by("codebase", "environment", "revision").agg(at=_.at.min()))
