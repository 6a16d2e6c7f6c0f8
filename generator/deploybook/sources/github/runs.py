"""Workflow runs with their attempts and jobs, read by their time of creation.

GitHub answers with the newest 1,000 runs of a question at most, and its numbered pages move while runs are
added. So every request asks for the newest hundred that were created before what is known: each is a slice
of its own, after which a sync may stop and be taken up again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from deploybook.feed import Ask, Cursor, Item, Rejected, Unchanged
from deploybook.sources.github import attempts
from deploybook.sources.github.door import Door, Place
from deploybook.sources.github.jobs import Jobs
from deploybook.sources.instants import certain

OVERLAP = timedelta(days=3)
"""Runs this young are looked at again by every sync: they may be run again."""
DEEP = timedelta(days=30)
"""Runs this young by one sync a day: GitHub lets a run be run again for thirty days."""
DAY = timedelta(hours=20)
PAGE = 100
MOST_PAGES = 8
"""Pages whose tags are kept."""

DeploysTo = Callable[[dict[str, Any]], str | None]
"""The environment that a run's workflow deploys to; `None` for a workflow that does not."""


@dataclass(frozen=True, slots=True)
class State:
    """What the cursor keeps; times are GitHub's own, as it writes them.

    Attributes:
        newest: The creation of the newest run that is saved.
        open: That of the oldest run that had not ended, at most thirty days before.
        until: A walk back that was stopped goes on before this.
        floor: And ends here.
        top: What will be `newest` once it has ended.
        pages: The questions of the last sync, each with its tag.
        deep: When thirty days were last looked at.
    """

    newest: str | None = None
    open: str | None = None
    until: str | None = None
    floor: str | None = None
    top: str | None = None
    pages: tuple[tuple[str, str], ...] = field(default=())
    deep: str | None = None

    @classmethod
    def of(cls, cursor: str | None) -> State:
        """Of a cursor's text; what cannot be read is as nothing."""
        try:
            found = json.loads(cursor or "{}")
            pages = tuple((str(created), str(etag)) for created, etag in found.pop("pages", ()))
            return cls(**{key: found.get(key) for key in cls.__slots__ if key != "pages"}, pages=pages)
        except (ValueError, AttributeError, TypeError):
            return cls()

    def text(self) -> str:
        """As a cursor."""
        return json.dumps({key: value for key, value in asdict(self).items() if value})


def runs(
    door: Door, place: Place, deploys_to: DeploysTo, *, as_deployments: bool, ask: Ask
) -> Iterator[Item]:
    """The runs that ended since the cursor, and the attempts of those that were run again.

    Args:
        door: GitHub.
        place: The repository.
        deploys_to: Which workflows deploy.
        as_deployments: Whether their runs are the codebase's deployments.
        ask: What is asked.
    """
    yield from _Reader(door, place, deploys_to, as_deployments, ask).pull()


class _Reader:
    def __init__(
        self, door: Door, place: Place, deploys_to: DeploysTo, as_deployments: bool, ask: Ask
    ) -> None:
        self._place, self._deploys_to, self._ask = place, deploys_to, ask
        self._as_deployments = as_deployments
        self._client = door.client(ask)
        self._jobs = Jobs(door, place)
        self.state = State.of(ask.cursor)

    def pull(self) -> Iterator[Item]:
        known = self.state.until is None and self.state.newest is not None
        if known and not self._day_is_over() and self._nothing_new():
            yield Unchanged()
            return
        if self.state.until is not None or self.state.newest is None:
            since = self._ask.since
            floor = self.state.floor or (_text(since) if since else None)
            yield from self._walk(replace(self.state, floor=floor), deep=False)
        if self.state.newest is None:  # there is no run at all
            yield Cursor(self.state.text())
            return
        # What was created or changed since, with tags for the next sync's questions.
        deep = self._day_is_over()
        yield from self._walk(replace(self.state, floor=self._floor(deep), open=None, pages=()), deep=deep)
        if deep:
            self.state = replace(self.state, deep=_text(self._ask.as_of))
        yield Cursor(self.state.text())

    def _day_is_over(self) -> bool:
        """Whether thirty days are to be looked at; the first sync of all has just read them."""
        if self.state.deep is None:
            self.state = replace(self.state, deep=_text(self._ask.as_of))
            return False
        return self._ask.as_of - certain(self.state.deep) >= DAY

    def _floor(self, deep: bool) -> str:
        newest = certain(self.state.newest or "")
        back = _text(newest - (DEEP if deep else OVERLAP))
        return min(back, self.state.open) if self.state.open else back

    def _nothing_new(self) -> bool:
        pages = self.state.pages
        return bool(pages) and all(self._page(created, 1, etag).unchanged for created, etag in pages)

    def _page(self, created: str | None, page: int, etag: str | None = None) -> Any:
        params = {
            "per_page": PAGE, "exclude_pull_requests": "true", "created": created,
            "page": page if page > 1 else None,
        }  # fmt: skip
        return self._client.get(f"{self._place.rest}/actions/runs", params, etag)

    def _walk(self, state: State, deep: bool) -> Iterator[Item]:
        """From `until`, or from the newest, back to the floor; a cursor after each request."""
        seen: set[int] = set()
        page, done, again = 1, 0, False
        while True:
            created = _range(state.floor, state.until)
            answer = self._page(created, page)
            content = answer.content if isinstance(answer.content, dict) else {}
            rows = [row for row in content.get("workflow_runs") or () if _is_run(row)]
            new = [row for row in rows if row["id"] not in seen]
            untold = (content.get("total_count") or 0) > (page - 1) * PAGE + len(rows)
            if not new and not again and (untold or (seen and not rows)):
                again = True  # a page of the list came twice, or not at all
                continue
            again = False
            seen = {row["id"] for row in rows} | (seen if page > 1 else set())
            done += len(new)
            total = content.get("total_count")
            whole = total + done - len(rows) if isinstance(total, int) and not state.floor else None
            self._ask.progress(f"runs of {self._place.codebase}", done, whole)
            for row in new:
                state = _noted(state, row)
            yield from self._told(new, state, deep)
            if page == 1 and answer.etag and created and len(state.pages) < MOST_PAGES and not deep:
                state = replace(state, pages=(*state.pages, (created, answer.etag)))
            if not new or (isinstance(total, int) and page == 1 and total <= len(rows)):
                break
            oldest = min(row["created_at"] for row in rows)
            page = page + 1 if oldest == state.until else 1
            state = replace(state, until=oldest)
            # Pages are for the questions of the next sync: those of a walk through the past are not.
            yield Cursor(replace(state, pages=()).text())
        newest = max(state.newest or "", state.top or "") or None
        pages = state.pages if state.floor and len(state.pages) < MOST_PAGES else ()
        self.state = replace(state, newest=newest, until=None, floor=None, top=None, pages=pages)

    def _told(self, rows: list[dict[str, Any]], state: State, deep: bool) -> Iterator[Item]:
        ended = [row for row in rows if attempts.is_done(row)]
        if deep:  # older ones were told before; only what was run again is news
            recent = _text(certain(state.top or rows[0]["created_at"]) - OVERLAP) if rows else ""
            ended = [row for row in ended if row["created_at"] >= recent or _again(row)]
        worth = [
            row["id"]
            for row in ended
            if _again(row) or self._deploys_to(row) or row["conclusion"] not in {"success", "skipped"}
        ]
        jobs = self._jobs.of(self._ask, ended, worth) if ended else {}
        for row in ended:
            try:
                told = list(attempts.runs(self._place, row, jobs.get(row["id"]), self._deploys_to(row)))
            except (KeyError, TypeError, ValueError) as error:
                reason = f"GitHub's answer is not as expected: {type(error).__name__} {error}"
                yield Rejected(str(row.get("html_url")), reason[:300], json.dumps(row)[:500])
                continue
            for run in told:
                yield run
                if self._as_deployments and (found := attempts.deployment(run)) is not None:
                    yield found


def _noted(state: State, row: dict[str, Any]) -> State:
    created = row["created_at"]
    state = replace(state, top=max(state.top or "", created))
    if not attempts.is_done(row) and row.get("status") != "completed":
        young = certain(state.top or created) - certain(created) < DEEP
        if young and (state.open is None or created < state.open):
            state = replace(state, open=created)
    return state


def _again(row: dict[str, Any]) -> bool:
    return int(row.get("run_attempt") or 1) > 1


def _is_run(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("id"), int) and bool(_time(row.get("created_at")))


def _time(text: Any) -> bool:
    try:
        return bool(certain(text))
    except (ValueError, TypeError):
        return False


def _range(floor: str | None, until: str | None) -> str | None:
    if floor and until:
        return f"{floor}..{until}"
    return f">={floor}" if floor else f"<={until}" if until else None


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
