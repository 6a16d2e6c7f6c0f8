"""CircleCI: the workflows of a project's pipelines, with their jobs (API v2).

A pipeline is what a push begins; it has workflows, and a workflow that is run again is one more of the same
name: the next attempt of the same run, with times of its own. Nothing says that an old pipeline has a new
workflow, so those of some days are looked at again: since a few hours each time, since a week once a day.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from deploybook.config.sources import CircleciOptions
from deploybook.errors import SourceError
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.sources.circlerun import Project, Row, told
from deploybook.sources.http import TRIES, Absent, Client
from deploybook.sources.vendors import UNEXPECTED, Vendor

RECENT = timedelta(hours=6)
"""Pipelines that began so long before the newest are looked at again by every sync."""
SWEPT = timedelta(days=7)
"""And so long before it, once a day."""
LONGEST_OPEN = timedelta(days=30)
"""A pipeline that waits for longer, for an approval say, is no longer asked for."""
_DAY = timedelta(days=1)
_RUNNING = frozenset({"running", "failing", "on_hold"})

_ADVICE = (
    "Check the variable that `token:` names: a personal API token of CircleCI that may read the project."
)


def feeds(options: CircleciOptions) -> list[Feed]:
    """A feed a project; nothing is asked yet."""
    return [_Source(options, slug, codebase).feed() for slug, codebase in options.projects.items()]


class _Source:
    def __init__(self, options: CircleciOptions, slug: str, codebase: str) -> None:
        self._options, self._slug = options, slug.strip("/")
        self._project = Project(options.url.rstrip("/"), self._slug, codebase, options.deploys)
        base = f"{options.url.rstrip('/')}/api/v2"
        self.vendor = Vendor("CircleCI", base, _ADVICE, {"Circle-Token": ("{}", options.token)})

    def feed(self) -> Feed:
        return Feed(f"circleci:{self._slug}", RECORDS, self.pull, said=self.vendor.said)

    def pull(self, ask: Ask) -> Iterator[Item]:
        """The workflows that ended since the cursor.

        CircleCI lists pipelines from the newest down. They are listed as far as is needed and read from the
        oldest on, so that a sync may stop after any of them.
        """
        client = self.vendor.open(ask)
        state = _State(ask)
        strange: list[Row] = []
        rows = list(self._listed(client, state.begin, ask, strange))
        for row in strange:
            yield Rejected(
                f"{self._slug}, pipeline {row.get('number')}", "it has no time", json.dumps(row)[:500]
            )
        rows += list(self._waiting(client, state, {str(row["id"]) for row in rows}))
        rows.sort(key=lambda row: (row["created_at"], str(row["id"])))
        for done, row in enumerate(rows):
            ask.progress(f"pipelines of {self._slug}", done, len(rows))
            yield from self._read(client, row, state)
            yield Cursor(state.text(row["created_at"]))
        text = state.text(swept=True)
        yield Unchanged() if text == ask.cursor or not (rows or ask.cursor) else Cursor(text)

    def _listed(self, client: Client, begin: str, ask: Ask, strange: list[Row]) -> Iterator[Row]:
        """The pipelines since an instant; what began before it ends the list."""
        rows = self._pages(client, f"/project/{quote(self._slug, safe='/')}/pipeline")
        for count, row in enumerate(rows, start=1):
            if not _is_dated(row):
                strange.append(row)
                continue
            if row["created_at"] < begin:
                return
            ask.progress(f"pipelines of {self._slug}", count, None)
            yield row

    @staticmethod
    def _waiting(client: Client, state: _State, listed: set[str]) -> Iterator[Row]:
        """The pipelines that had not ended, and are older than what is listed."""
        for name in state.waiting():
            if name not in listed:
                try:
                    row = client.get(f"/pipeline/{quote(name, safe='')}").content
                except Absent:
                    state.forget(name)
                    continue
                if isinstance(row, dict) and row.get("id") == name and _is_dated(row):
                    yield row

    def _read(self, client: Client, row: Row, state: _State) -> Iterator[Item]:
        try:
            path = f"/pipeline/{quote(str(row['id']), safe='')}/workflow"
            workflows = list(self._pages(client, path))
        except Absent:
            return  # deleted since it was listed
        ended = sum(each.get("status") not in _RUNNING for each in workflows)
        if state.is_news(row, ended, len(workflows)):

            def jobs(workflow: str) -> list[Row]:
                return list(self._pages(client, f"/workflow/{quote(workflow, safe='')}/job"))

            try:
                yield from told(self._project, row, workflows, jobs)
            except UNEXPECTED as error:
                yield self.vendor.unexpected(f"{self._slug}, pipeline {row.get('number')}", error, workflows)

    def _pages(self, client: Client, path: str) -> Iterator[Row]:
        """The entries of a list, each once, to its last page."""
        seen: set[str] = set()
        tokens: Counter[str] = Counter()
        token: str | None = None
        again = False
        while True:
            content = client.get(path, {"page-token": token}).content
            rows = self.vendor.rows(content, "items")
            if token and not rows and not again:
                again = True  # a page of the list did not come
                continue
            again = False
            for row in rows:
                if str(row.get("id")) not in seen:
                    seen.add(str(row.get("id")))
                    yield row
            token = content.get("next_page_token")
            if not token:
                return
            tokens[token] += 1
            if tokens[token] > TRIES:
                raise SourceError(
                    "CircleCI's pages lead in a circle", where=path,
                    next_step="What was read so far is kept; run again later.",
                )  # fmt: skip


class _State:
    """How far the pipelines were read: what the cursor holds."""

    def __init__(self, ask: Ask) -> None:
        self._newest, self._seen, self._swept = _saved(ask.cursor)
        self._now = ask.as_of
        # A first sync that was stopped goes on where it was: nothing of it is old.
        sweeps = self._swept is not None and ask.as_of - self._swept >= _DAY
        self._sweeps = sweeps or self._swept is None
        if ask.since is not None:
            self.begin = _text(ask.since)
        elif self._newest:
            self.begin = _text(datetime.fromisoformat(self._newest) - (SWEPT if sweeps else RECENT))
        else:
            self.begin = ""

    def waiting(self) -> list[str]:
        """The pipelines that had not ended and are not too old."""
        edge = _text(self._now - LONGEST_OPEN)
        return [name for name, (at, ended, all_) in self._seen.items() if ended < all_ and at >= edge]

    def forget(self, name: str) -> None:
        """One that is gone."""
        self._seen.pop(name, None)

    def is_news(self, row: Row, ended: int, all_: int) -> bool:
        """Whether more has ended than was told before; it counts as told from now on."""
        name = str(row["id"])
        before = self._seen.get(name)
        # One that has no workflow yet may be given some.
        self._seen[name] = (row["created_at"], ended, max(all_, 1))
        return before is None or before[1] != ended

    def text(self, reached: str = "", *, swept: bool = False) -> str:
        """The cursor, with everything up to an instant read."""
        self._newest = max(self._newest or "", reached) or None
        if swept and self._sweeps:
            self._swept = self._now
        if self._newest is None:
            return json.dumps({"newest": None, "seen": {}, "swept": None})
        edge = _text(datetime.fromisoformat(self._newest) - SWEPT)
        waiting = set(self.waiting())
        kept = {name: is_ for name, is_ in sorted(self._seen.items()) if is_[0] >= edge or name in waiting}
        swept_at = self._swept.isoformat() if self._swept else None
        return json.dumps({"newest": self._newest, "seen": kept, "swept": swept_at})


def _saved(cursor: str | None) -> tuple[str | None, dict[str, tuple[str, int, int]], datetime | None]:
    try:
        found = json.loads(cursor or "{}")
        seen = {
            str(name): (str(at), int(ended), int(all_)) for name, (at, ended, all_) in found["seen"].items()
        }
        swept = datetime.fromisoformat(found["swept"]) if found.get("swept") else None
        return found["newest"], seen, swept
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, {}, None


def _is_dated(row: Row) -> bool:
    try:
        return datetime.fromisoformat(row["created_at"]).tzinfo is not None and bool(row["id"])
    except (KeyError, ValueError, TypeError):
        return False


def _text(instant: datetime) -> str:
    """As CircleCI writes instants, so that they compare as texts."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
