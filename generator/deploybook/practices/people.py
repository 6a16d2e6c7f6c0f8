"""Checks of talking, knowing, the team and managing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from statistics import median

from deploybook import words
from deploybook.practices.deploying import rows as deployment_rows
from deploybook.practices.model import (
    DAYS,
    REVIEW_DAYS,
    Answer,
    Evidence,
    Facts,
    Statement,
    judged,
    missing,
    none,
)
from deploybook.practices.working import rows, share

_UPTIME = ("uptime", "uptime_incidents")


def cut_off(facts: Facts, least: float) -> Answer:
    """A cut-off is set, and what is merged after it waits for the next window."""
    if facts.calendar.rule_on(facts.at.astimezone(facts.config.zone).date()).cut_off is None:
        return judged(False, "No cut-off is set.")
    late = []
    for change in facts.delivered:
        missed = _missed(facts, change.merged_at)
        if missed is not None:
            late.append((change, missed))
    if not late:
        return judged(True, f"Nothing was merged between a cut-off and its window in {DAYS} days.")
    rushed = [change for change, end in late if change.deployed_at is not None and change.deployed_at < end]
    return share(
        len(late) - len(rushed),
        len(late),
        least,
        "changes merged after a cut-off waited for the next",
        rows(rushed),
    )


def _missed(facts: Facts, merged: datetime) -> datetime | None:
    """The end of the window whose cut-off a change came too late for; `None` where it was in time."""
    day = merged.astimezone(facts.config.zone).date()
    for window in facts.calendar.windows(day - timedelta(days=1), day + timedelta(days=8)):
        if window.end > merged and window.cut_off is not None:
            return window.end if window.cut_off < merged else None
    return None


def window(facts: Facts, least: float) -> Answer:
    """A window is set, and deployments are made in it."""
    asked = [
        d
        for d in facts.deployments
        if d.kind == "planned"
        and facts.calendar.rule_on((d.started_at or d.at).astimezone(facts.config.zone).date()).window
    ]
    if facts.calendar.rule_on(facts.at.astimezone(facts.config.zone).date()).window is None:
        return judged(False, "No window is set.")
    if not asked:
        return none(f"No planned deployment in {DAYS} days.")
    outside = [d for d in asked if facts.calendar.window_of(d.started_at or d.at) is None]
    return share(
        len(asked) - len(outside),
        len(asked),
        least,
        "planned deployments began in a window",
        deployment_rows(outside),
    )


def decides(facts: Facts, _threshold: float) -> Answer:
    """Who calls roll back or keep is named, for every deployment."""
    if facts.deciding is None:
        return judged(False, "process.decides names no rotation.")
    open_ = [d for d in facts.deployments if facts.deciding.holder(d.at) is None]
    if facts.deciding.holder(facts.at) is None:
        return judged(False, "Nobody holds it now.")
    says = f"Somebody was named for each of {words.count(len(facts.deployments), 'deployment')}."
    return judged(
        not open_,
        says if not open_ else f"{words.count(len(open_), 'deployment')} had nobody.",
        None,
        deployment_rows(open_),
    )


def news(facts: Facts, _threshold: float) -> Answer:
    """Every deployment is on a week's page, and those who asked are told when it finished."""
    targets = facts.team.notify if facts.team else ()
    if not targets:
        return judged(
            False, "Every deployment is on its week's page; nobody asked to be told when it finished."
        )
    page = "Every deployment is on its week's page"
    if facts.told is None or facts.noticed_since is None:
        return missing(
            f"{page}; no notice was ever sent from here.", "Let `deploybook notify` run after each build."
        )
    asked = [d for d in facts.deployments if d.outcome == "success" and d.at >= facts.noticed_since]
    untold = [d for d in asked if (d.environment, d.id) not in facts.told]
    if not asked:
        return judged(True, f"{page}; none finished since notices are sent.")
    says = f"{page}; the team was told of {len(asked) - len(untold)} of {words.number(len(asked))}."
    return judged(not untold, says, (len(asked) - len(untold)) / len(asked), deployment_rows(untold))


def tracker(facts: Facts, least: float) -> Answer:
    """A change says which issue it is for."""
    own = [c for c in facts.merged if not c.bot]
    if not own:
        return none(f"Nobody merged a change in {DAYS} days.")
    with_ = [c for c in own if c.issues]
    if not with_ and not facts.forge:
        return missing("From git alone, the issues of a change are not known.")
    return share(len(with_), len(own), least, "changes have an issue", rows([c for c in own if not c.issues]))


def chat(facts: Facts, _threshold: float) -> Answer:
    """The owning team has a chat, linked."""
    if facts.team is None:
        return judged(False, "No team is configured for it.")
    return judged(
        facts.team.chat is not None,
        f"{facts.team.chat or 'No chat'} is configured." if facts.team.chat else "No chat is configured.",
    )


def _reviewed(facts: Facts, file: str | None, what: str) -> Answer:
    today = facts.at.astimezone(facts.config.zone).date()
    on = facts.reviews.get(file) if file else None
    if file is None:
        step = "Write it, as a page of docs, and set reviewed: in its head."
        return replace(judged(False, f"There is no page on {what}."), step=step)
    if on is None or on > today:
        return judged(False, f"docs/{file} does not say when it was reviewed.")
    days = (today - on).days
    return judged(
        days <= REVIEW_DAYS, f"docs/{file} was reviewed on {_day(on)}.", days, [Evidence(on, "reviewed")]
    )


def _page(facts: Facts, *hints: str) -> str | None:
    return next((file for hint in hints for file in sorted(facts.reviews) if hint in file), None)


def process(facts: Facts, _threshold: float) -> Answer:
    """The page on how you deploy was reviewed within 180 days."""
    return _reviewed(facts, _page(facts, "how-we-deploy", "deploy", "index"), "how you deploy")


def when_wrong(facts: Facts, _threshold: float) -> Answer:
    """The page on what to do when it goes wrong was reviewed within 180 days."""
    return _reviewed(facts, _page(facts, "wrong", "incident", "rollback"), "what to do when it goes wrong")


def owner(facts: Facts, _threshold: float) -> Answer:
    """It has an owner and a contact, and the owner was active within 180 days."""
    if facts.owner is None:
        return judged(False, "It has no owner.")
    if facts.team is None or facts.team.contact is None:
        return judged(False, f"{facts.owner} owns it; no contact is configured.")
    limit = facts.at - timedelta(days=REVIEW_DAYS)
    known = [facts.active[who] for who in facts.team.members if who in facts.active]
    recent = [at for at in known if at >= limit]
    if not known:
        return missing(f"{facts.owner} owns it; who of it changed anything is not known.")
    return judged(bool(recent), f"{facts.owner} owns it, with a contact, and was active lately.")


def small(facts: Facts, most: float) -> Answer:
    """Changes are small enough to be read and taken back."""
    sizes = [
        c.additions + c.deletions for c in facts.merged if c.additions is not None and c.deletions is not None
    ]
    if not facts.merged:
        return none(f"Nothing was merged in {DAYS} days.")
    if not sizes:
        return missing("How large changes are is not known here.")
    middle = median(sizes)
    says = f"{words.number(middle)} lines, {words.median_of(len(sizes), 'change')}."
    known = [c for c in facts.merged if c.additions is not None and c.deletions is not None]
    largest = sorted(known, key=lambda c: (c.additions or 0) + (c.deletions or 0))[-3:]
    return judged(middle <= most, says, middle, rows(largest))


def smaller(facts: Facts, most: float) -> Answer:
    """Deployments bring a few small changes at a time."""
    first = small(facts, most)
    matched = [d for d in facts.deployments if d.matched and d.kind == "planned"]
    if not matched:
        return none(f"No planned deployment in {DAYS} days.")
    middle = median(d.changes for d in matched)
    some = f"{words.number(middle)} {'change' if middle == 1 else 'changes'}"
    says = f"{some} a deployment, median of {words.number(len(matched))}."
    if first.status == "not_measured":
        return Answer("not_measured" if middle <= 3 else "not_met", f"{says} {first.says}", middle)
    return judged(middle <= 3 and first.status == "met", f"{says} {first.says}", middle, first.evidence)


def self_serve(facts: Facts, least: float) -> Answer:
    """Whoever writes a change also deploys."""
    if not facts.authors:
        return none(f"No change reached users in {DAYS} days.")
    if not facts.deployers:
        return missing("Who started a deployment is not known, or it was no author of any change.")
    both = facts.authors & facts.deployers
    return share(len(both), len(facts.authors), least, f"authors of {DAYS} days also deployed")


def told(facts: Facts, least: float) -> Answer:
    """Changes have words of their own for readers, and the feeds are on."""
    if not facts.delivered:
        return none(f"No change reached users in {DAYS} days.")
    if not facts.forge and not facts.described:
        return missing("From git alone, what people wrote in pull requests is not known.")
    return share(facts.described, len(facts.delivered), least, "changes have words of their own for readers")


def notified(facts: Facts, _threshold: float) -> Answer:
    """Failures are told to the team and to each of its people."""
    if facts.team is None:
        return judged(False, "No team is configured for it.")
    without = [who for who in facts.team.members if not getattr(facts.config.people.get(who), "notify", ())]
    if not facts.team.notify:
        return judged(False, "The team has no target for notices.")
    if facts.refused:
        return judged(
            False, f"{words.count(facts.refused, 'target')} took no notice for a day.", facts.refused
        )
    if not without:
        return judged(True, "The team and each member are told.", 0)
    some = f"{len(without)} of {words.count(len(facts.team.members), 'member')}"
    return judged(False, f"The team is told; {some} have no target of their own.", len(without))


def metrics(facts: Facts, _threshold: float) -> Answer:
    """Metrics with context are published, and no older than a week."""
    if facts.read_at is None:
        return missing("When the sources were read is not known.")
    days = (facts.at - facts.read_at).days
    if days > 7:
        return judged(False, f"The oldest source was read {days} days before.")
    return judged(True, "Published with this site, from sources read within a week.")


def goals(facts: Facts, _threshold: float) -> Answer:
    """Targets are set, with a date."""
    targets = facts.config.targets
    dated = [name for name, target in targets.items() if target.by is not None]
    if not targets:
        return judged(False, "No target is set.")
    return judged(
        len(dated) == len(targets),
        f"{len(dated)} of {words.count(len(targets), 'target')} have a date.",
        len(dated),
    )


def uptime(facts: Facts, _threshold: float) -> Answer:
    """Uptime is measured."""
    for metric in _UPTIME:
        known = facts.sums.get(metric)
        if known and known[1]:
            return judged(
                True, f"{words.percent(known[0] / known[1], 2)} in the last 13 weeks.", known[0] / known[1]
            )
    return missing("No monitor was read, and no incident says whether it was down.")


def stated(practice: str) -> object:
    """A check of a practice that only people can see."""

    def find(facts: Facts, _threshold: float) -> Answer:
        """No machine can see it: a person says so, and says it again in time."""
        return _stated(facts, practice)

    return find


def _stated(facts: Facts, practice: str) -> Answer:
    today = facts.at.astimezone(facts.config.zone).date()
    said = [s for s in facts.stated if s.practice == practice and s.on <= today and s.met is not None]
    if not said:
        return missing(
            "Nobody has said anything about it yet.", f"Say it in practices.yml: practice: {practice}."
        )
    last = max(said, key=lambda s: s.on)
    if last.renew is not None and last.renew < today:
        return missing(
            f"Said on {_day(last.on)}, and due again since {_day(last.renew)}.",
            "Say it again in practices.yml.",
        )
    return judged(bool(last.met), _said(last, facts), None, [Evidence(last.on, "stated")])


def _said(statement: Statement, facts: Facts) -> str:
    person = facts.config.people.get(statement.by)
    name = (
        "somebody" if facts.config.site.public else (person.name if person and person.name else statement.by)
    )
    until = f", until {_day(statement.renew)}" if statement.renew else ""
    note = f" {statement.note}" if statement.note and not facts.config.site.public else ""
    return f"Stated by {name} on {_day(statement.on)}{until}.{note}"


def both_want(facts: Facts, _threshold: float) -> Answer:
    """The team says that it wants to deploy daily, and so does product."""
    today = facts.at.astimezone(facts.config.zone).date()
    said = [
        s
        for s in facts.stated
        if s.practice == "team.buy-in" and s.on <= today and (s.renew is None or s.renew >= today)
    ]
    if any(s.met is False for s in said):
        return judged(False, _said(next(s for s in said if s.met is False), facts))
    people = {s.by for s in said if s.met}
    if len(people) >= 2:
        return judged(True, f"Stated by {words.count(len(people), 'person', 'people')}.")
    return missing(
        "The team and product have not both said so.", "Let somebody of each say it in practices.yml."
    )


def bottleneck(facts: Facts, _threshold: float) -> Answer:
    """The worst bottleneck has an owner and a date: stated, and checked against its figure."""
    answer = _stated(facts, "manage.bottleneck")
    if answer.status != "met":
        return answer
    known = facts.latest.get("flaky_share")
    ended = [(b.end - b.start).total_seconds() for b in facts.breaks if b.end is not None]
    figures = [f"flaky {words.percent(known[0])}"] if known else []
    if ended:
        figures.append(f"{words.duration(median(ended))} to mend a break")
    if not figures:
        return answer
    return Answer("met", f"{answer.says} Now: {', '.join(figures)}.", known and known[0], answer.evidence)


def _day(day: date) -> str:
    return f"{day.day} {words.month(day, short=True)} {day.year}"
