"""The release branch: when it was green, how long it was broken, which of its commits were tested."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from deploybook.metrics.grain import Facts, Grain
from deploybook.metrics.measures import Percentile, Rate, Ratio, Wide, summarise
from deploybook.metrics.model import Tables
from deploybook.metrics.spans import seconds, states

GREEN = ("success",)
RED = ("failure", "error", "timeout", "timed_out", "startup_failure")
"""Outcomes of runs that ended; all others, cancelled ones first, are passed over."""
BEFORE_MERGE = ("pull_request", "pull_request_target", "merge_request_event", "merge_request")
"""Triggers of runs that test what is not merged yet, even from a branch of the same name."""
NOT_BY_COMMIT = ("schedule", "cron", "workflow_dispatch", "manual", "web")
"""Triggers of runs that no commit asks for."""
RETIRED_DAYS = 30
"""A pipeline that nobody requires and that has not run for so long is held to be gone."""


def ended(tables: Tables) -> Any:
    """Runs that came to an end, with `red` and an instant."""
    outcome = _.outcome.lower()
    runs = tables.pipeline_runs.filter(outcome.isin([*GREEN, *RED]))
    return runs.mutate(at=ibis.coalesce(_.finished_at, _.started_at), red=outcome.isin(RED)).filter(
        _.at.notnull()
    )


def on_branch(tables: Tables, made: Grain) -> Any:
    """Ended runs on the release branches, up to the clock, with `of_commit`: whether a commit asked."""
    settings = made.settings
    names = ibis.memtable(
        {"codebase": list(settings.branches), "release": list(settings.branches.values())},
        schema={"codebase": "string", "release": "string"},
    )
    commits = tables.branch_commits.select("codebase", "revision", "committed_at").distinct()
    runs = ended(tables).filter(_.at <= made.as_of)
    joined = runs.left_join(names, "codebase").left_join(commits, ["codebase", "revision"])
    known = joined.select(
        *("codebase", "id", "attempt", "pipeline", "at", "red", "committed_at"),
        job=_.job.fill_null(""),
        of_commit=~_.trigger.fill_null("").isin(NOT_BY_COMMIT),
        here=ibis.coalesce(_.branch == _.release, _.committed_at.notnull())
        & ~_.trigger.fill_null("").isin(BEFORE_MERGE),
    ).filter(_.here)
    if not settings.required:
        return known
    wanted = [(codebase, name) for codebase, names in settings.required.items() for name in names]
    required = ibis.memtable(
        {"codebase": [each for each, _name in wanted], "pipeline": [name for _each, name in wanted]},
        schema={"codebase": "string", "pipeline": "string"},
    ).mutate(wanted=True)
    chosen = known.left_join(required, ["codebase", "pipeline"])
    return chosen.filter(_.wanted.notnull() | ~_.codebase.isin(list(settings.required))).drop(
        "wanted", "codebase_right", "pipeline_right"
    )


def branch_states(tables: Tables, made: Grain, *, cut: bool) -> Any:
    """codebase, at, until, known, red: how many pipelines have ended there once, and how many are red."""
    runs = on_branch(tables, made)
    unit = ["codebase", "pipeline", "job"]
    order = ibis.window(group_by=unit, order_by=["at", "attempt", "id"])
    before = _.red.cast("int64").lag().over(order)
    stepped = runs.mutate(before=before, rest=_.at.lead().over(order))
    steps = stepped.select(
        "codebase",
        "at",
        known=_.before.isnull().cast("int64"),
        red=_.red.cast("int64") - _.before.fill_null(0),
    )
    gone = stepped.filter(
        _.rest.isnull(),
        ~_.codebase.isin(list(made.settings.required)) if made.settings.required else ibis.literal(True),
    ).select(
        "codebase",
        at=_.at + ibis.interval(days=RETIRED_DAYS),
        known=ibis.literal(-1, "int64"),
        red=-_.red.cast("int64"),
    )
    return states(steps.union(gone), ("known", "red"), made, cut=cut)


def green_time(tables: Tables, made: Grain) -> Wide:
    """The share of time in which every pipeline of the release branch was green."""
    rows = branch_states(tables, made, cut=True).filter(_.known > 0)
    spans = rows.mutate(length=seconds(rows.at, rows.until))
    measure = Ratio("green_time", (_.red > 0).ifelse(0, _.length), _.length)
    return summarise(Facts(spans), [measure], made)


def breaks(tables: Tables, made: Grain) -> Any:
    """codebase, started_at, ended_at, seconds: from the first red to the next green; an open one has none."""
    rows = branch_states(tables, made, cut=False).mutate(broken=_.red > 0)
    order = ibis.window(group_by="codebase", order_by="at")
    turns = rows.mutate(before=_.broken.lag().over(order)).filter(_.broken != _.before.fill_null(False))
    spans = turns.mutate(ended_at=_.at.lead().over(order)).filter(_.broken)
    return spans.select("codebase", "ended_at", started_at=_.at, seconds=seconds(spans.at, spans.ended_at))


def break_duration(tables: Tables, made: Grain) -> Wide:
    """How long the branch stayed red, by the end; an open break is missing in the period of its start."""
    rows = breaks(tables, made).mutate(at=ibis.coalesce(_.ended_at, _.started_at))
    return summarise(Facts(rows), [Percentile("break_duration_p50", "seconds", _.seconds)], made)


def tested_commits(tables: Tables, made: Grain) -> Wide:
    """Of the branch's commits those whose required pipelines ran to an end; with none required, missing."""
    settings = made.settings
    runs = on_branch(tables, made).filter(_.of_commit)
    spans = runs.group_by("codebase", "pipeline").agg(
        since=ibis.coalesce(_.committed_at, _.at).min(),
        until=_.at.max() + ibis.interval(days=RETIRED_DAYS),
    )
    always = list(settings.required)
    expected = tables.branch_commits.inner_join(spans, "codebase").filter(
        (_.codebase.isin(always) if always else ibis.literal(False))
        | ((_.since <= _.committed_at) & (_.committed_at < _.until))
    )
    ran = ended(tables).filter(_.revision.notnull()).select("codebase", "revision", "pipeline").distinct()
    met = expected.select("codebase", "revision", "pipeline").left_join(
        ran.mutate(ran=True), ["codebase", "revision", "pipeline"]
    )
    counts = met.group_by("codebase", "revision").agg(asked=_.count(), found=_.ran.count())
    commits = tables.branch_commits.left_join(counts, ["codebase", "revision"]).select(
        "codebase", at=_.committed_at, asked=_.asked.fill_null(0), found=_.found.fill_null(0)
    )
    measure = Rate("tested_commits", _.found >= _.asked, _.asked > 0, _.asked == 0)
    return summarise(Facts(commits), [measure], made, opens=False)


def stopped_promotions(tables: Tables, made: Grain) -> Any:
    """codebase, environment, revision, at: what went red, or was refused, before it got to users."""
    live = list(made.settings.live)
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
    return both.group_by("codebase", "environment", "revision").agg(at=_.at.min())
