"""A GraphQL list, read from its newest entry back to what is known; taken up again where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from deploybook.errors import SourceError
from deploybook.feed import Ask, Cursor, Item, Rejected, Unchanged
from deploybook.sources.github.door import SMALLEST_PAGE, Door, OldServer, Place, TooMuch
from deploybook.sources.http import Absent
from deploybook.sources.instants import certain

PAGE = 100


@dataclass(frozen=True, slots=True)
class State:
    """What the cursor keeps.

    Attributes:
        etag: Of the probe that tells whether anything is new.
        newest: Of what is saved whole: GitHub's time of its newest entry.
        open: The time of the oldest entry that may still change, where it is older than the overlap.
        after: Where a walk that was stopped goes on.
        floor: Where that walk ends.
        top: What will be `newest` once it has ended.
    """

    etag: str | None = None
    newest: str | None = None
    open: str | None = None
    after: str | None = None
    floor: str | None = None
    top: str | None = None

    @classmethod
    def of(cls, cursor: str | None) -> State:
        """Of a cursor's text; what cannot be read is as nothing."""
        try:
            found = json.loads(cursor or "{}")
            return cls(**{key: found.get(key) for key in cls.__slots__})
        except (ValueError, AttributeError, TypeError):
            return cls()

    def text(self) -> str:
        """As a cursor."""
        return json.dumps({key: value for key, value in asdict(self).items() if value is not None})


@dataclass(frozen=True)
class List:
    """One list of a repository.

    Attributes:
        what: Its name in words.
        probe: A REST path whose answer changes when anything in the list does.
        probe_params: Of it.
        query: GraphQL with the variables `$owner`, `$name`, `$first`, `$after`; what stands in `optional`
            is left out for servers that do not know it.
        optional: Fields and the text that asks for them, put in place of `#field` in the query.
        connection: The list's name under `repository`.
        time: The entry's field that the list is ordered by, newest first.
        overlap: How far back of the newest is read again each time.
        read: Makes the items of an entry.
        is_open: Whether an entry may still change without moving to the list's head.
        longest_open: After that an open entry is given up.
        news: How many entries are asked for at first where the list is known down to the newest: GitHub
            counts what a query may bring, not what it brings.
    """

    what: str
    probe: str
    probe_params: dict[str, Any]
    query: str
    optional: dict[str, str]
    connection: str
    time: str
    overlap: timedelta
    read: Callable[[Ask, dict[str, Any]], Iterator[Item]]
    is_open: Callable[[dict[str, Any]], bool] = lambda _: False
    longest_open: timedelta = timedelta(days=30)
    news: int = PAGE


def pull(door: Door, place: Place, wanted: List, ask: Ask) -> Iterator[Item]:
    """Read what is new; a walk that was stopped is ended first."""
    state = State.of(ask.cursor)
    client = door.client(ask)
    probe = client.get(
        place.rest + wanted.probe, wanted.probe_params, state.etag if not state.after else None
    )
    if probe.unchanged:
        yield Unchanged()
        return
    walk = _Walk(door, place, wanted, ask)
    if state.after:
        yield from walk.down(state)
        state = walk.state
    since = ask.since.strftime("%Y-%m-%dT%H:%M:%SZ") if ask.since and not state.newest else None
    floor = _floor(state, wanted) or since
    yield from walk.down(replace(state, after=None, floor=floor, top=None, open=None))
    yield Cursor(replace(walk.state, etag=probe.etag).text())


def _floor(state: State, wanted: List) -> str | None:
    if state.newest is None:
        return None
    back = _text(certain(state.newest) - wanted.overlap)
    return min(back, state.open) if state.open else back


class _Walk:
    def __init__(self, door: Door, place: Place, wanted: List, ask: Ask) -> None:
        self._door, self._place, self._wanted, self._ask = door, place, wanted, ask
        self._left_out: set[str] = set()
        self._first = PAGE
        self.state = State()

    def down(self, state: State) -> Iterator[Item]:
        """From `state.after`, or from the top, to its floor; a cursor after each page."""
        done, again = 0, False
        while True:
            few = state.newest is not None and state.after is None
            page = self._page(state.after, self._wanted.news if few else PAGE)
            nodes = [node for node in page.get("nodes") or [] if isinstance(node, dict)]
            if state.after and not nodes and not again:
                again = True  # a page of the list did not come
                continue
            again = False
            if state.top is None and state.after is None and nodes:
                state = replace(state, top=str(nodes[0].get(self._wanted.time)))
            for node in nodes:
                if state.floor and str(node.get(self._wanted.time)) < state.floor:
                    break
                state = self._noted(state, node)
                yield from self._read(node)
                done += 1
            self._ask.progress(f"{self._wanted.what} of {self._place.codebase}", done, page.get("totalCount"))
            info = page.get("pageInfo") or {}
            below = nodes and state.floor and str(nodes[-1].get(self._wanted.time)) < state.floor
            if below or not info.get("hasNextPage") or not info.get("endCursor"):
                break
            if info["endCursor"] == state.after:
                raise SourceError(
                    f"GitHub gives the same page of {self._wanted.what} again and again",
                    where=self._place.rest, next_step="What was read so far is kept; run again later.",
                )  # fmt: skip
            state = replace(state, after=info["endCursor"])
            yield Cursor(state.text())
        newest = state.top if state.newest is None else max(state.newest, state.top or "")
        self.state = replace(state, newest=newest, after=None, floor=None, top=None)

    def _noted(self, state: State, node: dict[str, Any]) -> State:
        time = str(node.get(self._wanted.time))
        if not self._wanted.is_open(node) or (state.open and state.open <= time):
            return state
        old = certain(state.top or time) - certain(time) > self._wanted.longest_open
        return state if old else replace(state, open=time)

    def _read(self, node: dict[str, Any]) -> Iterator[Item]:
        try:
            yield from list(self._wanted.read(self._ask, node))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            where = str(node.get("url") or f"{self._wanted.what} of {self._place.codebase}")
            reason = f"GitHub's answer is not as expected: {type(error).__name__} {error}"
            yield Rejected(where, reason[:300], json.dumps(node)[:500])

    def _page(self, after: str | None, most: int) -> dict[str, Any]:
        while True:
            text = self._wanted.query
            for field, part in self._wanted.optional.items():
                text = text.replace(f"#{field}\n", "\n" if field in self._left_out else f"{part}\n")
            variables = {
                "owner": self._place.owner,
                "name": self._place.name,
                "first": min(self._first, most),
                "after": after,
            }
            try:
                data = self._door.query(self._ask, text, variables)
            except TooMuch:
                if self._first <= SMALLEST_PAGE:
                    raise
                self._first = max(SMALLEST_PAGE, self._first // 2)
                continue
            except OldServer as error:
                if error.field not in self._wanted.optional or error.field in self._left_out:
                    raise
                self._left_out.add(error.field)
                continue
            found = (data.get("repository") or {}).get(self._wanted.connection)
            if not isinstance(found, dict):
                raise Absent(
                    f"GitHub has no repository {self._place.owner}/{self._place.name}, or not for this token",
                    next_step="Check `repository:` and what the token may read.",
                )
            return found


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
