"""Notices, composed: what the history says has happened, to whom, sent, and written down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from deploybook.build.book import Held
from deploybook.build.reading import read_repositories
from deploybook.config import Config
from deploybook.errors import SourceError, StoreError
from deploybook.feed import GATE, RECORDS, Ask, Feed, Item, Unchanged
from deploybook.history import History, SourceState
from deploybook.linking import link
from deploybook.linking.model import BranchCommit, LinkedChange, LinkedDeployment, LinkedIncident, from_table
from deploybook.linking.rows import read
from deploybook.metrics.outcomes import RED
from deploybook.notify import Known, Message, Outbox, Router, Sender, Waiting, deliver, happened, since
from deploybook.ownership import Files, Owned
from deploybook.pages.branches import Branches
from deploybook.pages.initiatives import Belonging
from deploybook.pages.telling import site_notes
from deploybook.periods import turns_of
from deploybook.records import Lock, Verdict
from deploybook.sources.local import heads, release_branches, repositories
from deploybook.sources.repository import Repository
from deploybook.words import NBSP, count

_log = logging.getLogger(__name__)
FEED = "notices"
"""What notices are called among the sources: there the data page shows which targets took none."""


_OWN = (FEED, GATE)
"""What is no source, though it is kept as one."""


@dataclass(frozen=True)
class Sent:
    """What came of it."""

    messages: list[Message]
    accepted: int
    refused: list[str]
    waiting: int
    """Lines that wait: for the end of quiet hours, for tomorrow, or for a target that took none."""

    def lines(self, *, dry: bool) -> list[str]:
        """What to print: with `dry` who would get what and why, else how much was accepted."""
        told = []
        for message in self.messages if dry else ():
            because = ", ".join(dict.fromkeys(line.because for line in message.lines))
            told.append(f"{message.target.who} by {message.target.variable}, because: {because}")
            told += [f"  {line}" for line in (message.title, *message.body.split("\n"))]
        number = len(self.messages) if dry else self.accepted
        did = "would be sent" if dry else "was accepted" if number == 1 else "were accepted"
        waits = "waits" if self.waiting == 1 else "wait"
        said = f"{count(number, 'message')} {did}, {count(self.waiting, 'line')} {waits}"
        return [*told, said.replace(NBSP, " ")]


def notify(
    config: Config, as_of: datetime, *, send: Sender, sleep: Callable[[float], None], dry: bool = False
) -> Sent:
    """Send what changed since the last notice; with `dry`, send and write nothing.

    Raises:
        StoreError: The history is in use, cannot be read, or cannot be written.
    """
    with History.open(config.history_url, root=config.root, read_only=dry) as history:
        if dry:
            return _notify(config, history, as_of, send=None, sleep=sleep)
        with history.claim(FEED) as ours:
            if not ours:
                raise StoreError(
                    "another program is sending notices just now",
                    next_step="Nothing is lost: it sends what this one would have, or the next run does.",
                )
            return _notify(config, history, as_of, send=send, sleep=sleep)


def _notify(
    config: Config, history: History, as_of: datetime, *, send: Sender | None, sleep: Callable[[float], None]
) -> Sent:
    """As `notify`, in a history that nobody else sends from; without a sender nothing is sent or written."""
    outbox, router = Outbox(history), Router(config, as_of)
    _log.info("counting what happened since the last notice")
    known = gather(config, history, as_of, outbox)
    wanted = outbox.wanted()
    fresh = [pair for pair in router.wants() if pair not in wanted]
    lines = {line.key: (target, line) for target, line in router.lines(happened(known), wanted)}
    before = outbox.known(lines)
    new = [each for key, each in lines.items() if key not in before]
    waiting = outbox.waiting()
    for target, line in new:
        waiting.setdefault(target, []).append(line)
    messages = router.messages(waiting, outbox.subjects_since(router.today))
    _log.info("%s new, %s to send", count(len(new), "line"), count(len(messages), "message"))
    if send is None:
        left = _count(router.reachable(waiting)) - sum(len(each.lines) for each in messages)
        return Sent(messages, 0, [], left)
    outbox.want(fresh, as_of)
    outbox.put(new)
    outbox.ran(as_of)
    accepted, refused = deliver(messages, outbox, send, at=as_of, sleep=sleep)
    history.sync(_told(refused), Ask(as_of=as_of))
    return Sent(messages, accepted, refused, _count(router.reachable(outbox.waiting())))


def gather(config: Config, history: History, as_of: datetime, outbox: Outbox) -> Known:
    """Everything that notices are about, from the history."""
    tables = Held(history.tables(), history.read)
    local = repositories(config, config.build_dir)
    joined = {name: tables[name] for name in ("commits", "changes", "deployments", "incidents", "issues")}
    linked = link({**joined, "heads": heads(local, config)}, config, as_of)
    linked_commits = from_table(BranchCommit, linked.branch_commits)
    begin = since(outbox.last_run(), as_of)
    runs = tables["pipeline_runs"]
    return Known(
        config=config,
        as_of=as_of,
        since=begin,
        changes=from_table(LinkedChange, linked.changes),
        deployments=from_table(LinkedDeployment, linked.deployments),
        incidents=from_table(LinkedIncident, linked.incidents),
        branches=Branches(runs, config, as_of, release_branches(local, config), linked_commits).states(),
        locks=read(tables, "locks", Lock),
        verdicts=[each for each in read(tables, "verdicts", Verdict) if _is_live(each.environment, config)],
        stopped=list(_stopped(runs, linked.deployments, config, begin)),
        flaky=list(_flaky(history.cases_after(begin))),
        errors={
            each.name: each.error_at
            for each in history.sources()
            if each.error is not None and each.error_at is not None and each.name not in _OWN
        },
        stale=dict(_stale(history.sources(), config, as_of)),
        notes=site_notes(config.root / "notes") if config.file is not None else {},
        owners_of=_Owners(local, config),
        turns=turns_of(tables["shifts"].to_pylist()),
        initiatives_of=Belonging(config.initiatives, tables["issues"], as_of).of,
        red_told=frozenset(key.partition("|")[2] for key in outbox.told("|branch|")),
    )


class _Owners:
    """Who owns the tests of codebases; each repository is read once, and only where one is asked for."""

    def __init__(self, repositories: Mapping[str, Repository], config: Config) -> None:
        self._repositories, self._config = repositories, config
        self._read: dict[str, tuple[Owned, Files]] = {}

    def __call__(self, codebase: str, suite: str | None) -> tuple[str, tuple[str, ...]]:
        """The file that a suite is in, and its owners as CODEOWNERS names them."""
        if codebase not in self._read:
            own = {name: each for name, each in self._repositories.items() if name == codebase}
            owned = read_repositories(own, self._config).owners.get(codebase, Owned())
            self._read[codebase] = owned, Files(owned.paths)
        owned, files = self._read[codebase]
        path = files.of(suite)
        return (path, owned.codeowners.owners(path)) if path and owned.codeowners else ("", ())


def _stale(sources: Iterable[SourceState], config: Config, as_of: datetime) -> Iterator[tuple[str, datetime]]:
    """Sources that were not read for so long that pages warn of it, and when each was read last."""
    limit = config.site.stale_after
    if limit is None:
        return
    for each in sources:
        if each.name not in _OWN and each.last_read is not None and as_of - each.last_read > limit:
            yield each.name, each.last_read


def _is_live(environment: str, config: Config) -> bool:
    return environment.lower() in config.live


def _count(waiting: Mapping[str, Sequence[Waiting]]) -> int:
    return sum(len(lines) for lines in waiting.values())


def _stopped(
    runs: pa.Table, deployments: pa.Table, config: Config, begin: datetime
) -> Iterator[tuple[str, str, str, datetime]]:
    """Red promotions to where users are that did not get there."""
    reached = deployments.filter(pc.field("reached")).column("pipeline_run").to_pylist()
    went = set(reached)
    late = runs.filter((pc.field("finished_at") > begin) & pc.is_valid(pc.field("deploys_to")))
    columns = ("codebase", "id", "outcome", "deploys_to", "revision", "finished_at")
    for row in late.select(list(columns)).to_pylist():
        if row["outcome"].lower() in RED and _is_live(row["deploys_to"], config) and row["id"] not in went:
            yield (
                row["codebase"],
                row["deploys_to"],
                row["revision"] or f"run {row['id']}",
                row["finished_at"],
            )


def _flaky(tests: pa.Table) -> Iterator[tuple[str, str | None, str, datetime]]:
    """Test cases that both passed and failed on one revision and job, and when they were last run on it."""
    late = tests.filter(pc.is_valid(pc.field("revision")) & (pc.field("outcome") != "skip"))
    unit = ["codebase", "suite", "name", "revision", "job"]
    ran = late.select([*unit, "started_at"]).append_column("passed", pc.equal(late["outcome"], "pass"))
    found = ran.group_by(unit).aggregate([("passed", "any"), ("passed", "all"), ("started_at", "max")])
    both = found.filter(pc.field("passed_any") & ~pc.field("passed_all"))
    for row in both.select(["codebase", "suite", "name", "started_at_max"]).to_pylist():
        yield row["codebase"], row["suite"], row["name"], row["started_at_max"]


def _told(refused: list[str]) -> Feed:
    """The targets that took no message, as the error of a source: so the data page shows it."""

    def pull(_ask: Ask) -> Iterator[Item]:
        if refused:
            raise SourceError(
                "; ".join(refused),
                where="notify",
                next_step="Check what the variable holds, and the service.",
            )
        yield Unchanged()

    return Feed(FEED, RECORDS, pull)
