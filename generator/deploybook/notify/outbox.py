"""What was sent and what waits, in the history: the same for every run and every machine that shares it.

A line is written down as waiting before anything is sent, and as accepted right after its message was. Killed
between the two, the message is sent once more: at most one repeat, and never silence. Two machines cannot be
between the two at once: who sends has claimed the feed of notices in the store.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

import pyarrow as pa
from ibis import _

from deploybook.history import History
from deploybook.notify.model import Waiting

_RUN = "last run"
_WANTS = "wants|"
_COLUMNS = pa.schema(
    {"key": pa.string(), "sent_at": pa.timestamp("us", tz="UTC"), "to": pa.string(), "text": pa.string()}
)


class Outbox:
    """The notices of a store that is open for writing."""

    def __init__(self, history: History) -> None:
        self._history = history

    def last_run(self) -> datetime | None:
        """When notices were last looked for, UTC."""
        rows = self._history.kept("notices").filter(_.key == _RUN).to_pyarrow().to_pylist()
        return rows[0]["sent_at"] if rows else None

    def known(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that were written down before, sent or waiting."""
        wanted = list(keys)
        found = self._history.kept("notices").filter(_.key.isin(wanted)).select("key").to_pyarrow()
        return set(found.column("key").to_pylist())

    def told(self, prefix: str) -> set[str]:
        """Keys that begin so and were accepted."""
        rows = self._history.kept("notices").filter(_.sent_at.notnull(), _.key.contains(prefix))
        return set(rows.select("key").to_pyarrow().column("key").to_pylist())

    def subjects_since(self, since: datetime) -> set[tuple[str, str]]:
        """Target and subject of what was accepted since an instant."""
        rows = self._history.kept("notices").filter(_.sent_at >= since, _.text.notnull()).to_pyarrow()
        return {(row["to"], json.loads(row["text"])["subject"]) for row in rows.to_pylist()}

    def waiting(self) -> dict[str, list[Waiting]]:
        """What was not accepted yet, by target, oldest first."""
        rows = self._history.kept("notices").filter(_.sent_at.isnull()).order_by("key").to_pyarrow()
        found: dict[str, list[Waiting]] = {}
        for row in rows.to_pylist():
            found.setdefault(row["to"], []).append(Waiting(key=row["key"], **json.loads(row["text"])))
        return found

    def put(self, lines: Iterable[tuple[str, Waiting]]) -> None:
        """Write lines down as waiting for their targets."""
        self._keep(lines, None)

    def accepted(self, target: str, lines: Iterable[Waiting], at: datetime) -> None:
        """Write lines down as accepted: what comes after that, no target says."""
        self._keep(((target, line) for line in lines), at)

    def ran(self, at: datetime) -> None:
        """Write down that everything up to an instant was looked at."""
        self._write([{"key": _RUN, "sent_at": at, "to": None, "text": None}])

    def wanted(self) -> dict[str, datetime]:
        """Since when each target asks for each kind of notice, by `target|kind`."""
        rows = self._history.kept("notices").filter(_.key.startswith(_WANTS)).to_pyarrow().to_pylist()
        return {row["key"].removeprefix(_WANTS): row["sent_at"] for row in rows}

    def want(self, pairs: Iterable[str], at: datetime) -> None:
        """Write down that targets ask for kinds from an instant on."""
        self._write([{"key": f"{_WANTS}{pair}", "sent_at": at, "to": None, "text": None} for pair in pairs])

    def _keep(self, lines: Iterable[tuple[str, Waiting]], at: datetime | None) -> None:
        self._write([
            {"key": line.key, "sent_at": at, "to": target, "text": json.dumps({
                "kind": line.kind, "subject": line.subject, "says": line.says, "path": line.path,
                "because": line.because, "urgent": line.urgent, "state": line.state,
            })}
            for target, line in lines
        ])  # fmt: skip

    def _write(self, rows: list[dict[str, object]]) -> None:
        if rows:
            self._history.keep("notices", pa.Table.from_pylist(rows, schema=_COLUMNS))
