"""Checks of source control, the release branch and testing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

from deploybook import words
from deploybook.linking.model import LinkedChange
from deploybook.practices.model import DAYS, Answer, Evidence, Facts, judged, missing, none

_ROWS = 12


def rows(changes: Sequence[LinkedChange]) -> list[Evidence]:
    """Changes as evidence, newest first."""
    return [Evidence(c.merged_at, c.title, change=c) for c in list(reversed(changes))[:_ROWS]]


def share(part: int, whole: int, least: float, says: str, evidence: Sequence[Evidence] = ()) -> Answer:
    """A share of a whole that is not empty, against the least that is asked."""
    rate = words.rate(part, whole)
    return judged(part >= least * whole, f"{rate} {says}.", part / whole, evidence)


def pull_requests(facts: Facts, least: float) -> Answer:
    """Changes come to the release branch by pull request."""
    if not facts.merged:
        return none(f"Nothing was merged in {DAYS} days.")
    by_pull = [c for c in facts.merged if c.by_pull_request]
    if not by_pull and not facts.forge:
        return missing("From git alone no pull request can be told from a direct push here.")
    others = [c for c in facts.merged if not c.by_pull_request]
    if not facts.forge and len(by_pull) < least * len(facts.merged):
        rate = words.rate(len(by_pull), len(facts.merged))
        return missing(f"{rate} changes name their pull request; git alone cannot tell how the others came.")
    return share(len(by_pull), len(facts.merged), least, "changes came by pull request", rows(others))


def reviewed(facts: Facts, least: float) -> Answer:
    """Somebody other than the author approves a change before it is merged."""
    if not facts.delivered:
        return none(f"No change reached users in {DAYS} days.")
    known = [c for c in facts.delivered if c.approved is not None]
    if not known:
        return missing(
            "Reviews are not known: git does not keep them.", "Read the forge, or changes with approvals."
        )
    unknown = len(facts.delivered) - len(known)
    tail = f"; {words.count(unknown, 'review')} unknown" if unknown else ""
    others = [c for c in known if not c.approved]
    return share(
        len(known) - len(others),
        len(known),
        least,
        f"changes were approved by somebody else{tail}",
        rows(others),
    )


def protected(facts: Facts, _least: float) -> Answer:
    """The release branch asks for a review and for its checks."""
    guard = facts.guard
    if guard is None:
        return missing(
            "Branch rules were not read.", "Let a token that may read branch rules read the forge."
        )
    day = guard.read_at.astimezone(facts.config.zone).date()
    evidence = [Evidence(day, f"the rules of {guard.branch} were read")]
    if guard.protected is False:
        return judged(False, f"Nothing guards {guard.branch}.", None, evidence)
    lacks = ["no review"] if guard.reviews == 0 else []
    lacks += ["no check"] if guard.checks == () else []
    if lacks:
        return judged(False, f"{guard.branch} asks for {words.joined(lacks, 'and')}.", None, evidence)
    if guard.reviews is None or guard.checks is None:
        what = words.joined(
            [name for name, known in (("reviews", guard.reviews), ("checks", guard.checks)) if known is None]
        )
        return missing(
            f"What {guard.branch} asks of {what} may not be read.",
            "Give the token the right to read the branch's rules.",
        )
    checks = words.joined(list(guard.checks))
    says = f"{guard.branch} asks for {words.count(guard.reviews, 'approval')} and for {checks}."
    return judged(True, says, guard.reviews, evidence)


def short_branches(facts: Facts, most: float) -> Answer:
    """From the first commit to the merge it takes days, not weeks."""
    ages = [
        (c.merged_at - c.first_commit_at).total_seconds()
        for c in facts.merged
        if c.first_commit_at is not None and c.merged_at >= c.first_commit_at
    ]
    if not facts.merged:
        return none(f"Nothing was merged in {DAYS} days.")
    if not ages:
        return missing("First commits are not known: squashed changes hide them from git.")
    middle = median(ages)
    says = f"{words.duration(middle)} from first commit to merged, {words.median_of(len(ages), 'change')}."
    return judged(middle <= most, says, middle)


def green(facts: Facts, least: float) -> Answer:
    """The release branch is green, so that it can be deployed at any time."""
    known = facts.sums.get("green_time")
    if not facts.runs or known is None or not known[1]:
        return missing("No runs of a pipeline on the release branch are known.")
    part = known[0] / known[1]
    return judged(
        part >= least, f"Green {words.percent(part, 1)} of the last 13 weeks.", part, _breaks(facts)
    )


def green_daily(facts: Facts, least: float) -> Answer:
    """The release branch is green nearly always, and a break is mended within the hour."""
    first = green(facts, least)
    second = break_first(facts, 3600)
    if first.status == "not_measured":
        return first
    met = first.status == "met" and second.status == "met"
    return judged(met, f"{first.says} {second.says}", first.value, first.evidence)


def break_first(facts: Facts, most: float) -> Answer:
    """A break of the release branch is mended before anything else."""
    if not facts.runs:
        return missing("No runs of a pipeline on the release branch are known.")
    if not facts.breaks:
        return judged(True, f"No break in {DAYS} days.", 0)
    ended = [(b.end - b.start).total_seconds() for b in facts.breaks if b.end is not None]
    if not ended:
        return judged(False, "It is red, and no break of these days was mended yet.", None, _breaks(facts))
    middle = median(ended)
    says = f"{words.duration(middle)} to mend, {words.median_of(len(ended), 'break')}."
    return judged(middle <= most, says, middle, _breaks(facts))


def _breaks(facts: Facts) -> list[Evidence]:
    found = []
    for span in list(reversed(facts.breaks))[:_ROWS]:
        took = words.duration((span.end - span.start).total_seconds()) if span.end else "still"
        found.append(Evidence(span.start, f"red, {took}"))
    return found


def keeper(facts: Facts, weeks: float) -> Answer:
    """A rotation names who keeps the release branch buildable, now and for the weeks to come."""
    if facts.keeping is None:
        return judged(False, "No rotation is configured for it.")
    days = [facts.at + timedelta(days=n) for n in range(int(weeks) * 7 + 1)]
    holders = [facts.keeping.holder(day) for day in days]
    gone = [name for name in dict.fromkeys(holders) if name and not _known(facts, name)]
    open_ = sum(name is None for name in holders)
    if gone:
        return judged(False, "A coming turn belongs to somebody who is in no team any more.")
    return judged(
        not open_,
        f"Named for every day of the next {words.number(weeks)} weeks." if not open_ else "A day is open.",
    )


def _known(facts: Facts, person: str) -> bool:
    """Whether somebody is still in a team; where no team has members, everybody is."""
    members = {name for team in facts.config.teams.values() for name in team.members}
    return not members or person in members


def coverage(facts: Facts, least: float) -> Answer:
    """Unit tests run a good part of the code."""
    known = facts.latest.get("coverage")
    if known is None:
        return missing("No coverage report was read.", "Let the pipeline write coverage records.")
    value, sample = known
    return judged(value >= least, f"{words.percent(value)} of the lines are run by tests ({sample}).", value)


def flaky(facts: Facts, most: float) -> Answer:
    """Few tests both pass and fail on one revision."""
    known = facts.latest.get("flaky_share")
    if known is None:
        return missing("No test reports were read.", "Let the pipeline keep its JUnit reports.")
    value, sample = known
    return judged(
        value <= most,
        f"{words.percent(value)} of its tests passed and failed on one revision ({sample}).",
        value,
    )


def every_commit(facts: Facts, least: float) -> Answer:
    """Tests run on every commit of the release branch."""
    known = facts.sums.get("tested_commits")
    if not facts.runs or known is None or not known[1]:
        return missing("No runs of a pipeline on the release branch are known.")
    return share(
        int(known[0]), int(known[1]), least, "commits of 13 weeks had all their pipelines run to an end"
    )
