"""The two ladders: every check with its stable id, what it asks, and what to do next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deploybook import words
from deploybook.practices import deploying, people, working
from deploybook.practices.model import Answer, Check, Facts, Stage, Statement, missing

_DAY = 86400.0


_WEEKLY: tuple[tuple[str, tuple[tuple[Any, ...], ...]], ...] = (
    ("Source control", (
        ("source.pull-requests", "Changes come by pull request", "95 %", 0.95, working.pull_requests,
         "Keep direct pushes off the release branch."),
        ("source.reviewed", "Someone else reviews", "90 %", 0.90, working.reviewed,
         "Ask for an approval on the release branch."),
        ("source.protected", "The release branch is protected", "review and checks", None, working.protected,
         "Ask for a review and for the checks in the branch's rules.", False),
        ("source.short-branches", "Branches live a week at most", "median 7 days", 7 * _DAY,
         working.short_branches, "Merge a part behind a flag instead of the whole at the end."),
    )),
    ("Release branch", (
        ("branch.deployable", "Always deployable", "green 90 %", 0.90, working.green,
         "Take back what turns the branch red, then look for the cause."),
        ("branch.break-first", "A break goes first", "4 hours", 4 * 3600.0, working.break_first,
         "Take the change back that broke it, within the hour."),
        ("branch.keeper", "Somebody keeps it buildable", "now and 4 weeks", 4.0, working.keeper,
         "Fill the rotation: rotations: in deploybook.yml.", False),
    )),
    ("Testing", (
        ("test.coverage", "Unit tests cover half", "50 %", 0.50, working.coverage,
         "Write tests where changes are made."),
        ("test.flaky", "Few tests are flaky", "20 % at most", 0.20, working.flaky,
         "Mend or remove the worst: the flaky tests page names them."),
        ("test.every-commit", "Tests run on every commit", "98 %", 0.98, working.every_commit,
         "Run the pipeline on every push to the release branch."),
    )),
    ("Deploying", (
        ("deploy.pipeline", "A pipeline does it", "90 %", 0.90, deploying.pipeline,
         "Copy the pipeline of a codebase that is built alike."),
        ("deploy.from-release-branch", "From the release branch", "95 %", 0.95, deploying.from_release_branch,
         "Merge first, then deploy what was merged."),
        ("deploy.duration", "Under six hours", "median 6 hours", 6 * 3600.0, deploying.duration,
         "Look at the longest stage on the pipelines page."),
        ("deploy.production-defined", "Production is defined", "owner, revision", None,
         deploying.production_defined, "Configure process.environments and the codebase's team.", False),
        ("deploy.weekly", "Every week", "10 of 12 weeks", 10.0, deploying.weekly,
         "Deploy what is there each week, however little."),
    )),
    ("Observing", (
        ("observe.effect", "Its effect can be judged", "every deployment", None, deploying.effect,
         "Set links: with {from_ms} and {to_ms}, and read incidents.", False),
    )),
    ("Talking", (
        ("talk.cut-off", "The cut-off is kept", "80 %", 0.80, people.cut_off,
         "Let what is merged late wait for the next window.", False),
        ("talk.window", "The window is kept", "80 %", 0.80, people.window,
         "Deploy in the window, while people are awake to take it back."),
        ("talk.decides", "Who decides is named", "every deployment", None, people.decides,
         "Name a rotation in process.decides.", False),
        ("talk.news", "All know what went out", "every deployment", None, people.news,
         "Set notify: for the team.", False),
        ("talk.tracker", "Changes have an issue", "80 %", 0.80, people.tracker,
         "Name the issue in the pull request."),
        ("talk.chat", "The team has a chat", "linked", None, people.chat, "Set chat: for the team.", False),
    )),
    ("Knowing", (
        ("know.process", "The process is written", "within 180 days", 180.0, people.process,
         "Read the page again, and set reviewed: in its head.", False),
        ("know.owner", "An owner and a contact", "active", 180.0, people.owner,
         "Set team: for the codebase, and contact: for the team.", False),
    )),
    ("The team", (
        ("team.small", "Changes are small", "median 400 lines", 400.0, people.small,
         "Cut the next large change in two."),
        ("team.buy-in", "The team wants this", "stated", None, people.stated("team.buy-in"),
         "Talk about it, then say so in practices.yml."),
        ("team.planning", "Planning fits the window", "stated", None, people.stated("team.planning"),
         "Plan for a week, then say so in practices.yml."),
        ("team.demos", "Weekly demos", "stated", None, people.stated("team.demos"),
         "Show each other what went live, then say so in practices.yml."),
        ("team.build-time", "Time for the build", "stated", None, people.stated("team.build-time"),
         "Keep a day a week, then say so in practices.yml."),
    )),
    ("Managing", (
        ("manage.metrics", "Metrics with context", "weekly", 7.0, people.metrics,
         "Build the site on a schedule.", False),
        ("manage.goals", "Targets with a date", "set", None, people.goals, "Set targets: with by:.", False),
        ("manage.uptime", "Uptime is measured", "measured", None, people.uptime,
         "Read a monitor, or mark incidents as down."),
        ("manage.bottleneck", "The bottleneck has an owner", "named, dated", None, people.bottleneck,
         "Name the worst one, who mends it and by when, in practices.yml."),
    )),
)  # fmt: skip

_DAILY: tuple[tuple[str, tuple[tuple[Any, ...], ...]], ...] = (
    ("Deploying", (
        ("deploy.daily", "On most working days", "4 of 5 days", 10.0, deploying.daily,
         "Deploy what is there each day, however little."),
        ("deploy.automated", "Every deployment automated", "through staging", 1.0, deploying.automated,
         "Take the last step by hand out of the pipeline."),
        ("deploy.revert", "Back within 15 minutes", "median, 90 days", 900.0, deploying.revert,
         "Go back and forward once on a quiet day, with a watch."),
        ("deploy.gated", "Smoke tests stop promotions", "95 %", 0.95, deploying.gated,
         "Let the pipeline ask deploybook gate before users."),
        ("deploy.locks", "Locks are in use", "asked by the gate", None, deploying.locks,
         "Take a lock when something is wrong, and let the pipeline ask the gate."),
    )),
    ("Measuring", (
        ("measure.failure", "Failure by codebase and flag", "known", None, deploying.failure,
         "Read incidents, so that failures are known."),
        ("measure.drill-down", "Every row leads to its source", "all", 1.0, deploying.drill_down,
         "Give deployments and incidents their address."),
        ("measure.outliers", "Old outliers have a note", "30 days", None, deploying.outliers,
         "Write why, as an annotation on its day, or with its name.", False),
    )),
    ("Observing", (
        ("observe.detect", "Noticed within 15 minutes", "median", 900.0, deploying.detect,
         "Look at the monitoring view after each deployment; alert on what users feel."),
        ("observe.notify", "Failures reach the people", "targets for all", None, people.notified,
         "Set notify: for the team and for each person.", False),
    )),
    ("The team", (
        ("team.self-serve", "Authors deploy themselves", "80 %", 0.80, people.self_serve,
         "Let the author press the button, next to somebody who has."),
        ("team.when-wrong", "What to do is written", "within 180 days", 180.0, people.when_wrong,
         "Read the page again, and set reviewed: in its head.", False),
        ("team.news", "Changes have words of their own", "80 %", 0.80, people.told,
         "Write a release note in the pull request."),
        ("team.small", "Changes are smaller", "3 changes, 200 lines", 200.0, people.smaller,
         "Deploy after each merge."),
        ("team.buy-in", "Team and product want this", "stated", None, people.both_want,
         "Let somebody of the team and somebody of product say so in practices.yml."),
    )),
    ("Testing and branch", (
        ("test.flaky", "Hardly any test is flaky", "2 % at most", 0.02, working.flaky,
         "Mend or remove the worst: the flaky tests page names them."),
        ("branch.deployable", "Deployable nearly always", "green 97 %, mend 1 h", 0.97, working.green_daily,
         "Take back what turns the branch red, then look for the cause."),
    )),
)  # fmt: skip


def _ladder(stage: Stage, groups: tuple[tuple[str, tuple[tuple[Any, ...], ...]], ...]) -> tuple[Check, ...]:
    found = []
    for group, rows in groups:
        for row in rows:
            id_, title, asked, threshold, find, step, *configured = row
            found.append(Check(id_, stage, group, title, asked, threshold, find, step, not configured))
    return tuple(found)


CHECKS: tuple[Check, ...] = (*_ladder("weekly", _WEEKLY), *_ladder("daily", _DAILY))
"""Every check, in the order of the page."""


_INSIDE = frozenset({
    "branch.keeper", "observe.effect", "observe.notify", "know.owner", "talk.chat", "talk.decides",
    "talk.news",
})  # fmt: skip
"""What people, teams and links say: a public site is built without them."""


def answer(check: Check, facts: Facts) -> Answer:
    """What a check finds, after what people said of it: an exemption, or a threshold of its own."""
    today = facts.at.astimezone(facts.config.zone).date()
    said = [s for s in facts.stated if s.practice == check.id and s.on <= today]
    exempt = next((s for s in said if s.exempt and (s.renew is None or s.renew >= today)), None)
    if exempt is not None:
        return Answer("not_applicable", _because(exempt))
    if facts.config.site.public and check.id in _INSIDE:
        return missing("What it rests on is not shown on a public site.")
    own = next((s for s in said if s.threshold is not None and (s.renew is None or s.renew >= today)), None)
    threshold = own.threshold if own else check.threshold
    found = replace(check.find(facts, threshold or 0.0), threshold=threshold)
    if own is None:
        return found
    return replace(found, says=f"{found.says} Its own limit, {words.number(own.threshold or 0)}: {own.note}")


def _because(statement: Statement) -> str:
    until = f" until {statement.renew:%Y-%m-%d}" if statement.renew else ""
    return f"Exempt{until}: {statement.note or 'no reason given'}."
