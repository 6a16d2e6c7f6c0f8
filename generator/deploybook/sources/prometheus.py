"""Prometheus: availability from a query, and alerts that fired as incidents (HTTP API v1, `query_range`).

A sample of the query speaks for one step: 1 of every series says that the codebase was up, 0 of every one
that it was down, anything else that it was degraded. Where there is no sample nothing is known. Spans end at
midnight UTC, so that a day that is read again gives the same spans again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Any, Literal

from deploybook.config import Config
from deploybook.config.sources import PrometheusOptions
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item
from deploybook.records import Availability, Incident
from deploybook.sources.instants import instant
from deploybook.sources.matching import Names
from deploybook.sources.vendors import Vendor

POINTS = 10_000
"""Samples of a series in one answer: Prometheus gives 11,000 at most."""
OVERLAP = timedelta(days=1)
"""How much is read again: samples may be written late."""
LATE = timedelta(hours=2)
"""How much of the alerts is."""
ALERTS = "prometheus:alerts"
"""The name of the feed of alerts."""

State = Literal["up", "down", "degraded"]
Series = list[tuple[float, float]]
"""Unix time and value, in order."""

_ADVICE = "Check `url:`, and the bearer token that the variable of `token:` holds, where it needs one."


def feeds(options: PrometheusOptions, config: Config) -> list[Feed]:
    """A feed for the availability of each codebase that has a query, and one for the alerts."""
    found = []
    for each in options.availability:
        source = _Availability(options, config, each.codebase, each.query)
        found.append(Feed(f"prometheus:{each.codebase}", RECORDS, source.pull, said=source.vendor.said))
    if options.alerts:
        alerts = _Alerts(options, config)
        found.append(Feed(ALERTS, RECORDS, alerts.pull, said=alerts.vendor.said))
    return found


class _Source:
    def __init__(self, options: PrometheusOptions, config: Config) -> None:
        self._options, self._config = options, config
        token = {"Authorization": ("Bearer {}", options.token)}
        self.vendor = Vendor("Prometheus", options.url, _ADVICE, token)

    def _range(self, query: str, begin: datetime, end: datetime) -> list[dict[str, Any]]:
        """The series of a query over a span, `end` not included."""
        step = int(self._options.step.total_seconds())
        last = end.timestamp() - step
        if last < begin.timestamp():
            return []
        params = {
            "query": query,
            "start": f"{begin.timestamp():.0f}",
            "end": f"{last:.0f}",
            "step": str(step),
        }
        found = self.vendor.client.get("/api/v1/query_range", params).content
        data = found.get("data") if isinstance(found, dict) else None
        return self.vendor.rows(data, "result")

    def _slice(self) -> timedelta:
        """Whole days whose samples fit in one answer; at least one."""
        return timedelta(days=max(1, int(POINTS * self._options.step / timedelta(days=1))))

    def _whole_steps(self, at: datetime) -> datetime:
        step = self._options.step.total_seconds()
        return datetime.fromtimestamp(at.timestamp() // step * step, UTC)


class _Availability(_Source):
    def __init__(self, options: PrometheusOptions, config: Config, codebase: str, query: str) -> None:
        super().__init__(options, config)
        self._codebase, self._query = codebase, query

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Slices of whole days, oldest first; a cursor after each."""
        self.vendor.open(ask)
        begin = _begin(ask, self._options.first)
        end = self._whole_steps(ask.as_of)
        while begin < end:
            until = min(begin + self._slice(), end)
            rows = self._range(self._query, begin, until)
            for start, stop, state in spans([samples(row) for row in rows], self._options.step):
                yield Availability(
                    codebase=self._codebase, from_=start, to=stop, state=state, monitor="prometheus"
                )
            ask.progress(f"availability of {self._codebase}", int((until - begin).days), None)
            begin = until
            yield Cursor(json.dumps({"until": begin.isoformat()}))


class _Alerts(_Source):
    def pull(self, ask: Ask) -> Iterator[Item]:
        """Alerts that fired, from where the last sync ended; one that still fires stays open.

        The last hours are told, too, and read again by the next sync: their samples may come late, or its
        clock be behind ours.
        """
        self.vendor.open(ask)
        saved = _saved(ask.cursor)
        open_: dict[str, str] = {} if ask.since else dict(saved.get("open", {}))
        end = self._whole_steps(ask.as_of)
        begin = instant(saved.get("until")) if not ask.since else None
        begin = self._whole_steps(begin or ask.since or ask.as_of - self._options.first)
        settled = max(begin, self._whole_steps(end - LATE))
        names = Names(self._config, "prometheus")
        while begin < end:
            until = min(begin + self._slice(), settled if begin < settled else end)
            found = {json.dumps(labels(row), sort_keys=True): samples(row)
                     for row in self._range(self._options.alerts or "", begin, until)}  # fmt: skip
            for key in sorted({*open_, *found}):
                since = instant(open_.pop(key, None))
                for start, stop in firing(found.get(key, []), begin, self._options.step, since):
                    over = stop if stop < until else None
                    if over is None:
                        open_[key] = start.isoformat()
                    yield incident(json.loads(key), start, over, names)
            begin = until
            if begin <= settled:
                cursor = json.dumps({"until": begin.isoformat(), "open": dict(sorted(open_.items()))})
                yield Cursor(cursor)
        yield from names.strange()


def _begin(ask: Ask, first: timedelta) -> datetime:
    """Midnight, UTC: a day before the last that was read, or as far back as is wanted."""
    at = ask.since or ask.as_of - first
    if ask.since is None and (until := instant(_saved(ask.cursor).get("until"))) is not None:
        at = until - OVERLAP
    return datetime.combine(at.astimezone(UTC).date(), time(), UTC)


def _saved(cursor: str | None) -> dict[str, Any]:
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def samples(row: dict[str, Any]) -> Series:
    """The samples of a series; what is no number counts as none."""
    found = []
    for pair in row.get("values") or []:
        try:
            at, value = float(pair[0]), float(pair[1])
        except (TypeError, ValueError, IndexError):
            continue
        if value == value:  # not NaN  # noqa: PLR0124
            found.append((at, value))
    return found


def spans(series: list[Series], step: timedelta) -> Iterator[tuple[datetime, datetime, State]]:
    """The spans in which a codebase was in one state, none across a midnight (UTC).

    Args:
        series: The query's, each in order.
        step: How long a sample speaks for.
    """
    values: dict[float, list[float]] = {}
    for each in series:
        for at, value in each:
            values.setdefault(at, []).append(value)
    seconds = step.total_seconds()

    def state_of(at: float) -> State:
        low, high = min(values[at]), max(values[at])
        return "up" if low >= 1 else "down" if high <= 0 else "degraded"

    begin = last = None
    state: State = "up"
    for at in sorted(values):
        now = state_of(at)
        new_day = last is not None and int(at // 86_400) != int(last // 86_400)
        if begin is not None and last is not None and (now != state or at - last > seconds or new_day):
            yield _utc(begin), _utc(_ends(last, seconds)), state
            begin = None
        begin, last, state = at if begin is None else begin, at, now
    if begin is not None and last is not None:
        yield _utc(begin), _utc(_ends(last, seconds)), state


def _ends(last: float, seconds: float) -> float:
    """When a sample stops speaking: a step later, at midnight at the latest."""
    return min(last + seconds, (last // 86_400 + 1) * 86_400)


def firing(
    found: Series, begin: datetime, step: timedelta, since: datetime | None
) -> Iterator[tuple[datetime, datetime]]:
    """From when to when an alert fired within a slice.

    Args:
        found: Its samples: one for each step at which it fired.
        begin: Where the slice begins.
        step: How long a sample speaks for.
        since: Since when it fired when the slice began; `None` if it did not.
    """
    seconds = step.total_seconds()
    if since is not None and (not found or found[0][0] > begin.timestamp()):
        yield since, begin
        since = None
    runs = groupby(enumerate(at for at, _ in found), key=lambda pair: pair[1] - pair[0] * seconds)
    for _, run in runs:
        times = [at for _, at in run]
        yield since or _utc(times[0]), _utc(times[-1] + seconds)
        since = None


def labels(row: dict[str, Any]) -> dict[str, str]:
    """The labels of an alert, without those that Prometheus adds to its series."""
    found = row.get("metric")
    kept = found if isinstance(found, dict) else {}
    return {str(k): str(v) for k, v in kept.items() if k not in ("__name__", "alertstate")}


def incident(alert: dict[str, str], start: datetime, over: datetime | None, names: Names) -> Incident:
    """An alert that fired, as an incident: detected when it began to fire."""
    codebase = names.labelled(alert)
    digest = hashlib.sha256(json.dumps(alert, sort_keys=True).encode()).hexdigest()[:12]
    return Incident(
        id=f"alert-{digest}-{start:%Y%m%dT%H%M%SZ}",
        started_at=start,
        detected_at=start,
        resolved_at=over,
        title=alert.get("alertname"),
        codebases=(codebase,) if codebase else None,
        severity=alert.get("severity"),
        environment=alert.get("environment") or alert.get("env"),
    )


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
