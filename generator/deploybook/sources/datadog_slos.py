"""Datadog's SLOs: when a codebase was up and when down, from the history of what its monitor saw (API v1).

An SLO of monitors, or of time slices, tells each change of its state: up, down, or no data, which is unknown.
One that counts events tells no such thing, and is refused. What was corrected or replayed within the last
days is read again; what lies before stands as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal
from urllib.parse import quote

from deploybook.config.sources import DatadogOptions, DatadogSlo
from deploybook.errors import SourceError
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Unchanged
from deploybook.records import Availability
from deploybook.sources.datadog import app, vendor

SLICE = timedelta(days=30)
"""Asked for at once."""
OVERLAP = timedelta(days=7)
"""How much is read again: corrections are made afterwards."""

_STATES: dict[int, Literal["up", "down"]] = {0: "up", 1: "down"}


@dataclass(frozen=True, slots=True)
class Span:
    """A time in one state."""

    begin: int
    end: int
    state: Literal["up", "down"]


def feeds(options: DatadogOptions) -> list[Feed]:
    """A feed for each codebase whose SLO is named."""
    found = []
    for each in options.availability:
        source = _Source(options, each)
        name = f"datadog:{each.codebase}:{each.slo}"
        found.append(Feed(name, RECORDS, source.pull, snapshot=True, said=source.vendor.said))
    return found


class _Source:
    def __init__(self, options: DatadogOptions, slo: DatadogSlo) -> None:
        self.vendor = vendor(options)
        self._options, self._slo = options, slo

    def pull(self, ask: Ask) -> Iterator[Item]:
        """All spans that are known: those before the overlap as they were, the others as they are now."""
        self.vendor.open(ask)
        kept, until = _saved(ask.cursor)
        end = int(ask.as_of.timestamp())
        begin = int(min(filter(None, (ask.since, ask.as_of - self._options.first))).timestamp())
        if until is not None:
            begin = min(until, end) - int(OVERLAP.total_seconds())
        spans = joined([*_until(kept, begin), *self._read(begin, end, ask)])
        shown = app(self._options.url)
        for span in spans:
            yield Availability(
                codebase=self._slo.codebase, from_=_utc(span.begin), to=_utc(span.end), state=span.state,
                monitor=f"Datadog SLO {self._slo.slo}",
                url=f"{shown}/slo?slo_id={quote(self._slo.slo)}" if shown else None,
            )  # fmt: skip
        yield Cursor(json.dumps({"until": end, "spans": [[s.begin, s.end, s.state] for s in spans]}))
        if spans == kept:
            yield Unchanged()

    def _read(self, begin: int, end: int, ask: Ask) -> Iterator[Span]:
        step = int(SLICE.total_seconds())
        for start in range(begin, end, step):
            stop = min(start + step, end)
            yield from spans_of(self._history(start, stop), start, stop)
            ask.progress(f"availability of {self._slo.codebase}", (stop - begin) // 86_400, None)

    def _history(self, start: int, stop: int) -> list[Any]:
        """The changes of state within a slice."""
        path = f"/api/v1/slo/{quote(self._slo.slo, safe='')}/history"
        found = self.vendor.client.get(path, {"from_ts": start, "to_ts": stop}).content
        data = found.get("data") if isinstance(found, dict) else None
        if not isinstance(data, dict):
            raise self.vendor.stranger("Check `url:`, and the id of the SLO.")
        if data.get("type") == "metric":
            raise SourceError(
                "this SLO counts events, and so does not say when the codebase was down",
                where=f"datadog, SLO {self._slo.slo}",
                next_step="Name an SLO of monitors or of time slices under `availability:`.",
            )
        overall = data.get("overall")
        history = overall.get("history") if isinstance(overall, dict) else None
        return history if isinstance(history, list) else []


def spans_of(history: list[Any], start: int, stop: int) -> Iterator[Span]:
    """The spans of a slice: each state holds until the next, the last until the slice ends.

    Args:
        history: Pairs of Unix time and state: 0 up, 1 down, anything else unknown.
        start: When the slice begins.
        stop: When it ends.
    """
    changes = []
    for pair in history:
        try:
            changes.append((int(pair[0]), int(pair[1])))
        except (TypeError, ValueError, IndexError):
            continue
    changes.sort(key=lambda change: change[0])
    for (at, state), (until, _) in pairwise([*changes, (stop, -1)]):
        first, last = max(at, start), min(until, stop)
        if state in _STATES and first < last:
            yield Span(first, last, _STATES[state])


def joined(spans: list[Span]) -> list[Span]:
    """Spans in order, those of one state that meet made one."""
    found: list[Span] = []
    for span in spans:
        if found and found[-1].end == span.begin and found[-1].state == span.state:
            found[-1] = Span(found[-1].begin, span.end, span.state)
        else:
            found.append(span)
    return found


def _until(kept: list[Span], at: int) -> Iterator[Span]:
    """What was known of the time before an instant."""
    for span in kept:
        if span.begin < at:
            yield Span(span.begin, min(span.end, at), span.state)


def _saved(cursor: str | None) -> tuple[list[Span], int | None]:
    try:
        found = json.loads(cursor or "{}")
        spans = [Span(int(a), int(b), "down" if state == "down" else "up") for a, b, state in found["spans"]]
        return spans, int(found["until"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return [], None


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
