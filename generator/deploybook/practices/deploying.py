"""Checks of deploying, observing and measuring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

from deploybook import words
from deploybook.linking.model import LinkedDeployment
from deploybook.periods import days as days_between
from deploybook.periods import is_working_day, local_date
from deploybook.practices.model import DAYS, WEEKS, Answer, Evidence, Facts, judged, missing, none
from deploybook.practices.working import share

_ROWS = 12
_OLD = 30
"""Days after which an outlier should have a note."""
_NO_DEPLOYMENT = f"Nothing was deployed to users in {DAYS} days."


def rows(deployments: Sequence[LinkedDeployment]) -> list[Evidence]:
    """Deployments as evidence, newest first."""
    found = list(reversed(deployments))[:_ROWS]
    return [Evidence(d.at, f"{d.codebase}/{d.id}, {d.kind}", deployment=d) for d in found]


def pipeline(facts: Facts, least: float) -> Answer:
    """A pipeline makes the deployments, nobody does by hand."""
    if not facts.deployments:
        return none(_NO_DEPLOYMENT)
    by_hand = [d for d in facts.deployments if d.pipeline_run is None]
    if len(by_hand) == len(facts.deployments) and not facts.runs:
        return missing("No runs of a pipeline are known, so nothing says how it was deployed.")
    made = len(facts.deployments) - len(by_hand)
    return share(
        made, len(facts.deployments), least, "deployments were made by a run of a pipeline", rows(by_hand)
    )


def from_release_branch(facts: Facts, least: float) -> Answer:
    """What is deployed is on the release branch."""
    if not facts.deployments:
        return none(_NO_DEPLOYMENT)
    known = [d for d in facts.deployments if d.revision and d.matched]
    if not known or not facts.on_branch:
        return missing("No deployed revision is known to git.")
    away = [d for d in known if d.revision not in facts.on_branch]
    return share(
        len(known) - len(away), len(known), least, "deployed revisions are on the release branch", rows(away)
    )


def duration(facts: Facts, most: float) -> Answer:
    """A deployment takes less than six hours, from its start to its finish."""
    known = [(d.duration_seconds or 0, d) for d in facts.deployments if d.duration_seconds is not None]
    if not facts.deployments:
        return none(_NO_DEPLOYMENT)
    if not known:
        return missing(
            "When a deployment began is not known.", "Read deployments that have a start and a finish."
        )
    middle = median(length for length, _ in known)
    says = f"{words.duration(middle)}, {words.median_of(len(known), 'deployment')}."
    longest = [d for _, d in sorted(known, key=lambda pair: pair[0])[-3:]]
    return judged(middle < most, says, middle, rows(longest))


def production_defined(facts: Facts, _threshold: float) -> Answer:
    """The environment where users are is named, has an owner, and what runs there is known."""
    runs = facts.runs_now and (facts.runs_now.revision or facts.runs_now.version)
    name = facts.config.process.environments[-1].name
    lacks = []
    if facts.config.process.model_fields_set.isdisjoint({"environments"}):
        lacks.append("the environments are not configured")
    if facts.owner is None:
        lacks.append(f"{name} has no owner")
    if runs is None:
        lacks.append(f"what runs in {name} is not known")
    says = words.joined(lacks) if lacks else f"{name} is named, has an owner, and what runs there is known"
    return judged(not lacks, f"{says[0].upper()}{says[1:]}.")


def weekly(facts: Facts, least: float) -> Answer:
    """Users get something every week."""
    if not any(facts.by_week.values()):
        return _nothing(facts)
    weeks = sum(bool(found) for found in facts.by_week.values())
    empty = [Evidence(week.start, "no deployment") for week, found in facts.by_week.items() if not found]
    says = f"A deployment in {weeks} of the last {len(facts.by_week)} weeks."
    return judged(weeks >= least, says, weeks, empty)


def _nothing(facts: Facts) -> Answer:
    """No deployment in twelve weeks: not met by who deploys at all, unknown of who was never seen to."""
    week = next(iter(facts.by_week), None)
    if week is None or facts.first_at is None or facts.first_at >= week.bounds(facts.config.zone)[0]:
        return none(f"No whole week with a deployment to users is known before {facts.at:%Y-%m-%d}.")
    return judged(False, f"Nothing was deployed to users in {WEEKS} weeks.", 0)


def daily(facts: Facts, least: float) -> Answer:
    """Users get something on most working days."""
    if not any(facts.by_week.values()):
        return _nothing(facts)
    full = 0
    for week, found in facts.by_week.items():
        asked = [
            day
            for day in days_between(week.start, week.start + timedelta(days=7))
            if is_working_day(day, facts.calendar.holiday) and facts.calendar.off(day) is None
        ]
        on = {local_date(d.at, facts.config.zone) for d in found}
        full += len(on & set(asked)) * 5 >= len(asked) * 4
    says = f"A deployment on 4 of 5 working days in {full} of the last {len(facts.by_week)} weeks."
    return judged(full >= least, says, full)


def automated(facts: Facts, least: float) -> Answer:
    """Every deployment is made by the pipeline, and was in another environment before."""
    first = pipeline(facts, least)
    if first.status in ("not_applicable", "not_measured"):
        return first
    if len(facts.config.environments) == 1:
        return judged(False, "There is no environment before users.", first.value)
    planned = [d for d in facts.deployments if d.kind != "rollback" and d.revision]
    straight = [d for d in planned if d.revision not in facts.before_users]
    met = first.status == "met" and not straight
    tail = f"; {words.count(len(straight), 'revision')} went straight to users" if straight else ""
    says = f"{first.says.rstrip('.')}{tail}."
    return judged(met, says, first.value, first.evidence or rows(straight))


def revert(facts: Facts, most: float) -> Answer:
    """Going back takes minutes, and somebody did it lately, in earnest or as a drill."""
    known = [d for d in facts.deployments if d.kind == "rollback" and d.rollback_seconds is not None]
    drills = [
        s
        for s in facts.stated
        if s.practice == "deploy.revert"
        and s.drill
        and s.met
        and s.on >= facts.at.date() - timedelta(days=DAYS)
    ]
    if not known and not drills:
        return missing(
            f"No rollback of the last {DAYS} days has a known length, and no drill is written down.",
            "Go back and forward once on a quiet day, and write the drill down in practices.yml.",
        )
    if not known:
        return judged(True, f"A drill on {drills[-1].on:%Y-%m-%d}; no rollback was needed.", None)
    middle = median(d.rollback_seconds or 0 for d in known)
    says = f"{words.duration(middle)}, {words.median_of(len(known), 'rollback')}."
    return judged(middle <= most, says, middle, rows(known))


def gated(facts: Facts, least: float) -> Answer:
    """Smoke tests can stop a promotion."""
    asked = [d for d in facts.deployments if d.kind not in ("rollback",) and d.revision]
    if not asked:
        return none(_NO_DEPLOYMENT)
    if not facts.judged and not facts.smoked:
        return missing(
            "Neither verdicts of the gate nor smoke runs were read.",
            "Let the pipeline ask `deploybook gate`.",
        )
    without = [d for d in asked if d.revision not in facts.judged and d.pipeline_run not in facts.smoked]
    return share(
        len(asked) - len(without), len(asked), least, "promotions had a verdict or a smoke run", rows(without)
    )


def locks(facts: Facts, _threshold: float) -> Answer:
    """A deployment can be kept off by a lock, and the gate asks for it."""
    if not facts.locks:
        return missing(
            "No lock has ever been read.",
            "Take one with `deploybook lock`, and let the pipeline ask the gate.",
        )
    asked = bool(facts.judged)
    tail = "and the gate asks for them" if asked else "and no verdict of the gate is known"
    return judged(asked, f"{words.count(facts.locks, 'lock')} so far, {tail}.", facts.locks)


def effect(facts: Facts, _threshold: float) -> Answer:
    """Every deployment leads to a monitoring view of its time, and incidents are read."""
    timed = [
        name
        for name, address in {**facts.config.links, **facts.settings.links}.items()
        if "{from" in str(address)
    ]
    if not timed:
        return missing(
            "No monitoring link with a time is configured, so we cannot tell.", "Set links: for it."
        )
    if not facts.incidents_read:
        return judged(False, f"{timed[0]} is linked; incidents are not read.")
    return judged(
        True, f"{words.joined(timed)} {'is' if len(timed) == 1 else 'are'} linked, and incidents are read."
    )


def detect(facts: Facts, most: float) -> Answer:
    """A change with a bad effect is noticed within minutes."""
    if not facts.incidents_read:
        return missing("Incidents are not read.")
    tied = [i for i in facts.incidents if i.deployment is not None]
    known = [i.time_to_detect_seconds for i in tied if i.time_to_detect_seconds is not None]
    if not tied:
        return none(f"No incident of the last {DAYS} days is tied to a deployment.")
    if not known:
        return missing("When an incident was noticed is not known.")
    middle = median(known)
    found = [Evidence(i.started_at, i.title or i.id) for i in reversed(tied)]
    says = f"{words.duration(middle)} to notice, {words.median_of(len(known), 'incident')}."
    return judged(middle <= most, says, middle, found[:_ROWS])


def failure(facts: Facts, _threshold: float) -> Answer:
    """How many deployments need a fix is known, by codebase and where there are flags by flag."""
    reached = [d for d in facts.deployments if d.reached]
    if not reached:
        return none(_NO_DEPLOYMENT)
    if not facts.incidents_read:
        return missing(
            "Incidents are not read: what went wrong is known only where something was taken back."
        )
    failed = [d for d in reached if d.needed_intervention]
    says = f"Known: {words.rate(len(failed), len(reached))} needed a fix."
    if any(flag for change in facts.delivered for flag in change.flags):
        says += " Each flag has its own."
    return judged(True, says, len(failed) / len(reached), rows(failed))


def drill_down(facts: Facts, least: float) -> Answer:
    """Every deployment and every incident leads to where it came from."""
    whole = [d.url for d in facts.deployments] + [i.url for i in facts.incidents]
    if not whole:
        return none(_NO_DEPLOYMENT)
    with_ = sum(url is not None for url in whole)
    bare = [d for d in facts.deployments if d.url is None]
    return share(with_, len(whole), least, "deployments and incidents lead to their source", rows(bare))


def outliers(facts: Facts, _threshold: float) -> Answer:
    """What took unusually long is listed, and somebody wrote why."""
    if facts.outliers is None:
        return missing("Outliers were not counted.")
    if not facts.outliers:
        return judged(True, "Nothing was unusual in the last 26 weeks.", 0)
    old = [each for each in facts.outliers if facts.at - each.at > timedelta(days=_OLD)]
    bare = sorted((each for each in old if not each.noted), key=lambda each: each.at, reverse=True)
    listed = words.count(len(facts.outliers), "outlier")
    if not old:
        return judged(True, f"{listed} of 26 weeks, none older than {_OLD} days.", 0)
    says = f"{listed} of 26 weeks; {len(old) - len(bare)} of {len(old)} older than {_OLD} days have a note."
    return judged(not bare, says, len(bare), [each.evidence for each in bare[:_ROWS]])
