"""The verdict: every check's answer, together one of three, and its record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from deploybook.errors import StoreError
from deploybook.feed import GATE, RECORDS, Ask, Cursor, Feed, Item
from deploybook.gate.checks import CHECKS
from deploybook.gate.facts import Answer, Facts
from deploybook.history import History
from deploybook.records import Reason, Said, Verdict

_WORDS: Mapping[str, str] = {"pass": "pass", "fail": "FAIL", "no_proof": "no proof"}
_TRIES = 20
_PAUSE = 0.5


@dataclass(frozen=True)
class Judgement:
    """What the gate answers."""

    verdict: Answer
    reasons: tuple[Reason, ...]
    override: Said | None = None

    @property
    def opens(self) -> bool:
        """Whether the promotion may go on: it passed, or a person says so by name and with a reason."""
        return self.verdict == "pass" or self.override is not None

    def lines(self) -> list[str]:
        """One line a reason, and the verdict."""
        told = [f"{_WORDS[each.answer]:<8}  {each.check}: {each.says}" for each in self.reasons]
        said = f", overridden by {self.override.by}: {self.override.because}" if self.override else ""
        return [*told, f"verdict: {_WORDS[self.verdict]}{said}"]


def judge(facts: Facts, override: Said | None = None) -> Judgement:
    """Ask every check that is switched on and has something to ask.

    One that fails makes a fail, else one without proof makes no proof. Where nothing is asked nothing is
    proved.
    """
    reasons = tuple(reason for check in CHECKS if (reason := check(facts)) is not None)
    answers = {reason.answer for reason in reasons}
    verdict: Answer = "pass" if answers == {"pass"} else "fail" if "fail" in answers else "no_proof"
    return Judgement(verdict, reasons, override if verdict != "pass" else None)


def record(judgement: Judgement, facts: Facts, url: str | None = None) -> Verdict:
    """The verdict as a record: of a step of several environments one, under the first of them.

    Args:
        judgement: What the gate answered.
        facts: What it was asked.
        url: The run that asked.
    """
    return Verdict(
        environment=facts.question.environments[0],
        revision=facts.revision,
        verdict=judgement.verdict,
        judged_at=facts.question.as_of,
        codebase=facts.question.codebase,
        reasons=judgement.reasons,
        override=judgement.override,
        url=url,
    )


def save(history: History, verdict: Verdict, sleep: Callable[[float], None]) -> None:
    """Put a verdict into the history, beside those that are there.

    Args:
        history: Open for writing.
        verdict: What the gate answered.
        sleep: Waits some seconds while another gate saves its own.

    Raises:
        StoreError: It cannot be written.
    """

    def pull(_ask: Ask) -> Iterator[Item]:
        yield verdict
        yield Cursor(verdict.judged_at.isoformat())

    for _ in range(_TRIES):
        # A cursor that is asked for says that what was saved before stands.
        report = history.sync(Feed(GATE, RECORDS, pull), Ask(as_of=verdict.judged_at, cursor="all before"))
        if not report.busy:
            return
        sleep(_PAUSE)
    raise StoreError(
        "the verdict could not be saved: others saved theirs all the time", next_step="Ask again."
    )
