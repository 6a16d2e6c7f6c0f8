"""The gate, composed: locks as they stand now, the history as it is, one verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deploybook.config import Config
from deploybook.errors import SourceError, UsageError
from deploybook.gate import Judgement, LockInTheWay, Question, judge, read_facts, record, recorded_locks, save
from deploybook.history import History
from deploybook.locks import Desk, Request, environments_of
from deploybook.records import Said, Verdict

_RUNS = ("CI_JOB_URL", "BUILD_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL")


@dataclass(frozen=True)
class Promotion:
    """The words of the command line."""

    environment: str
    revision: str
    as_of: datetime
    variables: Mapping[str, str]
    codebase: str | None = None
    claim: str | None = None
    override_by: str | None = None
    because: str | None = None
    save: bool = False


def ask_gate(desk: Desk, asked: Promotion) -> tuple[Judgement, Verdict]:
    """Ask whether a revision may be promoted, and save the verdict where that is wanted.

    Raises:
        StoreError: The history cannot be read, or the verdict not be written.
        UsageError: There is no such environment or codebase, or an override has no name or no reason.
    """
    config = desk.config
    question = Question(
        codebase=_codebase(config, asked.codebase),
        environments=environments_of(config, asked.environment, every=False),
        revision=_revision(asked.revision),
        as_of=asked.as_of,
    )
    override = _override(asked)
    with History.open(config.history_url, root=config.root, read_only=True) as history:
        facts = read_facts(history, config, question, _locks(desk, question, asked, history))
    judgement = judge(facts, override)
    verdict = record(judgement, facts, run_url(asked.variables))
    if asked.save:
        with History.open(config.history_url, root=config.root) as history:
            save(history, verdict, desk.clock.sleep)
    return judgement, verdict


def run_url(variables: Mapping[str, str]) -> str | None:
    """The address of the CI run that we are part of."""
    parts = [variables.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    if all(parts):
        return "{}/{}/actions/runs/{}".format(*parts)
    return next((variables[name] for name in _RUNS if variables.get(name)), None)


def _codebase(config: Config, name: str | None) -> str:
    if name is None and len(config.codebases) == 1:
        return next(iter(config.codebases))
    found = config.codebase_of(name)
    if found is None:
        raise UsageError(
            f"there is no codebase {name!r}" if name else "which codebase is meant is not said",
            where="--codebase",
            next_step=f"one of: {', '.join(config.codebases)}",
        )
    return found


def _revision(text: str) -> str:
    revision = text.strip().lower()
    if not 7 <= len(revision) <= 64 or set(revision) - set("0123456789abcdef"):
        raise UsageError(
            f"{text!r} is no revision",
            where="--revision",
            next_step="give the commit that was built, at least seven characters of it",
        )
    return revision


def _override(asked: Promotion) -> Said | None:
    if asked.override_by is None and asked.because is None:
        return None
    if not (asked.override_by or "").strip() or not (asked.because or "").strip():
        raise UsageError(
            "an override needs a person and a reason",
            where="--override-by",
            next_step="give both --override-by and --because: they are put on record and shown on the site",
        )
    return Said(by=asked.override_by or "", because=asked.because or "")


def _locks(
    desk: Desk, question: Question, asked: Promotion, history: History
) -> Sequence[LockInTheWay] | str:
    """The locks of others, from where they are kept; in words, where that cannot be read."""
    config = desk.config
    if not config.gate.unlocked:
        return ()
    if config.locks.repository is None and config.codebases[question.codebase].repository is None:
        return recorded_locks(history, question)
    request = Request("", (), asked.variables, claim=asked.claim)
    try:
        found = desk.in_the_way(question.environments, question.codebase, request)
    except SourceError as error:
        return f"the locks cannot be read: {error.what}"
    return [LockInTheWay(says, exempt) for says, exempt in found]
