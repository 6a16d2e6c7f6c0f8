"""What the metrics of the whole site say in sentences: the finding, this quarter, and the three readings."""

from __future__ import annotations

from collections import Counter

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedDeployment
from deploybook.pages.book import Book
from deploybook.pages.figures import Figure
from deploybook.pages.readings import Reading
from deploybook.pages.recent import Recent, needed_a_fix, needed_fix, part
from deploybook.periods import period_of
from deploybook.words import NBSP

_ORDER = {1: "first", 2: "second", 3: "third", 4: "fourth"}


def headline(book: Book, frequency: Reading, failing: Reading) -> str:
    """The finding: how deploying goes, and whether it breaks more. A trend is only told where a signal is."""
    end = "." if book.incidents_read else ", as far as is known."
    often, breaks = frequency.verdict, failing.verdict
    if not frequency.numerator:
        return "Nothing has reached users in these weeks."
    if often.up:
        told = "We deploy more often than ever" if often.record else "We deploy more often than before"
        if often.kind == "above" and not often.record:
            told = "We deployed more often than chance explains"
    elif often.down:
        told = "We deploy less often than before"
    elif often.kind == "none":
        told = "We deploy about as often as before"
    else:
        told = f"{words.count(frequency.numerator, 'deployment', start=True)} reached users"
    if breaks.up:
        link = "but" if often.up else "and"
        return f"{told}, {link} it breaks more often than before{end}"
    if breaks.down:
        return f"{told}, and it breaks less often than before{end}"
    if breaks.kind == "none":
        return f"{told}, and it breaks no more often than before{end}"
    if failing.denominator:
        if failing.denominator == 1:
            fix = needed_fix(
                book, failing.numerator, 1, "it" if frequency.numerator == 1 else "the one judged"
            )
            return f"{told}; {fix}."
        failed = words.spelled(failing.numerator) if failing.numerator else "none"
        return f"{told}; {failed} of {failing.denominator} {needed_a_fix(book, failing.numerator)}."
    return f"{told}."


def quarter(book: Book) -> str:
    """This quarter in two sentences made from its numbers, the last quarter's beside them."""
    now = period_of("quarter", book.as_of, book.zone)
    says = _quarter_so_far(book, now.start, f"In the {_ORDER[now.number]} quarter so far")
    before = now.previous()
    count = book.figures.one("site", "", "quarter", "deployment_frequency", before.start)
    failed = book.figures.one("site", "", "quarter", "change_fail_rate", before.start)
    if count is None or not count.numerator or failed is None:
        return f"{says}."
    deployments = words.count(int(count.numerator), "deployment")
    return f"{says}. The whole {_ORDER[before.number]} quarter had {deployments}{_fix(book, failed)}."


def _quarter_so_far(book: Book, start: object, when: str) -> str:
    def one(metric: str) -> Figure | None:
        return next((f for f in book.figures.series("site", "", "quarter", metric) if f.start == start), None)

    count, failed, changes = (
        one(name) for name in ("deployment_frequency", "change_fail_rate", "reviewed_share")
    )
    if count is None or not count.numerator:
        return f"{when}, nothing has reached users"
    brought = int((changes.denominator or 0) + changes.missing) if changes else 0
    says = f"{when}, {words.count(int(count.numerator), 'deployment')} brought users"
    says += f" {words.count(brought, 'change')}"
    return says + _fix(book, failed)


def _fix(book: Book, rate: Figure | None) -> str:
    """How many of a period's deployments needed a fix; empty where there was none.

    Of none where incidents are not read, in words, not as a share.
    """
    if rate is None or not rate.denominator:
        return ""
    failed, of = int(rate.numerator or 0), int(rate.denominator)
    if of == 1:
        return f"; {needed_fix(book, failed, 1)}"
    told = part(failed, of) if failed or book.incidents_read else f"none of{NBSP}{words.number(of)}"
    return f"; {told} {needed_a_fix(book, failed)}"


def three_readings(book: Book, recent: Recent) -> Markup:
    """How the three readings of the change fail rate differ, and why."""
    reached = [d for d in recent.deployments if d.reached]
    counting = book.config.counting
    headline_, said, near = (count_failed(reached, reading) for reading in ("headline", "said", "near"))
    rule = (
        f"A deployment failed when an incident, a deployment or a person said so, when it was undone within"
        f" {counting.undone_days:g}{NBSP}days, or when a hotfix mended it within"
        f" {counting.mended_hours:g}{NBSP}hours: {headline_} of {len(reached)}."
    )
    if said == headline_ == near:
        differ = "Counting by what was said alone, or with incidents nearby, gives the same."
    else:
        differ = (
            f"Counting by what was said alone gives {said}; adding incidents that began within"
            f" {counting.near_hours:g}{NBSP}hours gives {near}."
        )
    return Markup('{} {} <a href="~/metrics/how-we-count/#change-fail-rate">How we count</a>').format(
        rule, differ
    )


def count_failed(deployments: list[LinkedDeployment], reading: str) -> int:
    """How many failed by one of the three readings: `headline`, `said`, `near`."""

    def failed(deployment: LinkedDeployment) -> bool:
        if reading == "headline":
            return deployment.needed_intervention
        if deployment.corrected is not None and not deployment.needed_intervention:
            return False
        if reading == "said":
            return "said" in deployment.evidence
        return deployment.needed_intervention or "near" in deployment.evidence

    return sum(map(failed, deployments))


def recovery_title(this: list[LinkedDeployment], ended: list[LinkedDeployment]) -> str:
    """What this week's recoveries say; without any, when the last was."""
    if len(this) == 1:
        return f"This week’s failure was over in {words.duration(this[0].recovery_seconds or 0)}"
    if this:
        longest = words.duration(max(d.recovery_seconds or 0 for d in this))
        count = "Both" if len(this) == 2 else f"All {words.spelled(len(this))}"
        return f"{count} failures of this week were over within {longest}"
    if ended:
        return "No failure had to be recovered from this week"
    return "No failed deployment"


def rework_kinds(deployments: list[LinkedDeployment]) -> str:
    """The repairs among deployments in words: "one hotfix and two rollbacks"; empty without any."""
    kinds = Counter(d.kind for d in deployments)
    return words.joined(
        [words.count(kinds[kind], kind, "hotfixes" if kind == "hotfix" else None, words=True)
         for kind in ("hotfix", "revert", "rollback") if kinds[kind]] or [""]
    )  # fmt: skip
