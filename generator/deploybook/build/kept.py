"""What no source could tell again, kept with the site: figures and answers as published, notices, verdicts.

The store is a cache of the sources and may be lost. These are our own doings, so the site carries them
as data files, and a store that has none of them takes them from the last site.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from deploybook.feed import GATE, RECORDS, Ask, Feed
from deploybook.history import History, schema
from deploybook.history.columns import TABLES, line_writer
from deploybook.records import RecordError, Verdict, parse
from deploybook.render import write_if_changed

FOLDER = "data/kept"
VERDICTS = "verdicts.jsonl"
"""Records, as any other program writes them."""
_NAMES = ("published", "notices", "answers")
_UNSAID = {"to": "", "text": '{"subject": ""}'}
"""To whom a notice went and what it said stays in the store; its key is enough not to send it twice."""


def read_back(history: History, site: Path) -> list[str]:
    """Fill what the store lacks of it from the last site; returns the names of what was taken.

    A file that cannot be read is passed over: the site may be older than this program, or harmed.
    """
    taken = []
    for name in _NAMES:
        file = site / FOLDER / f"{name}.parquet"
        if not file.is_file() or history.keeps(name):
            continue
        try:
            rows = pq.read_table(file)
        except (OSError, pa.ArrowException):
            continue
        if name == "notices":
            for column, value in _UNSAID.items():
                rows = rows.append_column(column, pa.repeat(pa.scalar(value), rows.num_rows))
        if rows.num_rows:
            history.keep(name, rows)
            taken.append(name)
    if _verdicts_back(history, site / FOLDER / VERDICTS):
        taken.append("verdicts")
    return taken


def _verdicts_back(history: History, file: Path) -> bool:
    if not file.is_file() or any(source.name == GATE and source.rows for source in history.sources()):
        return False
    found = list(_verdicts(file))
    if found:
        at = max(verdict.judged_at for verdict in found)
        history.sync(Feed(GATE, RECORDS, lambda _ask: iter(found)), Ask(as_of=at, cursor="all before"))
    return bool(found)


def _verdicts(file: Path) -> Iterator[Verdict]:
    """The verdicts of a file; lines that are none are passed over."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            record = parse(line)
        except RecordError:
            continue
        if isinstance(record, Verdict):
            yield record


def write(history: History, site: Path, *, public: bool) -> None:
    """Put the files into a site.

    Notices name people and rooms, so a public one carries none of them; of verdicts it does not carry who
    overrode them and what was said.
    """
    for name in _NAMES:
        if name == "notices" and public:
            continue
        table = history.read_kept(name)
        if name == "notices":
            table = table.filter(pc.is_valid(table["sent_at"])).select(["key", "sent_at"])
        order = [(column, "ascending") for column in _KEYS[name]]
        out = io.BytesIO()
        pq.write_table(table.sort_by(order), out, compression="zstd")
        write_if_changed(site / FOLDER / f"{name}.parquet", out.getvalue())
    kind = TABLES["verdicts"]
    rows = history.read(kind.table)
    ours = rows.filter(pc.equal(rows.column("source"), GATE)).select(kind.names)
    line = line_writer(kind)
    hidden = dict.fromkeys(("override", "reasons")) if public else {}
    lines = b"".join(line(row | hidden) + b"\n" for row in ours.to_pylist())
    if lines or (site / FOLDER / VERDICTS).exists():
        write_if_changed(site / FOLDER / VERDICTS, lines)


def carry(site: Path, new: Path) -> None:
    """Take them over from the last site into the one that is to stand in its place."""
    if (site / FOLDER).is_dir():
        shutil.copytree(site / FOLDER, new / FOLDER, dirs_exist_ok=True)


_KEYS = {name: schema.KEPT[name].key for name in _NAMES}
