"""What no source could tell again, kept with the site: figures as they were published, and notices sent.

The store is a cache of the sources and may be lost. These two are our own doings, so the site carries them as
data files, and a store that has none of them takes them from the last site.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from deploybook.history import History, schema
from deploybook.render import write_if_changed

FOLDER = "data/kept"
_NAMES = ("published", "notices")
_UNSAID = {"to": "", "text": '{"subject": ""}'}
"""To whom a notice went and what it said stays in the store; its key is enough not to send it twice."""


def read_back(history: History, site: Path) -> list[str]:
    """Fill what the store lacks of it from the last site; returns the names of what was taken.

    A file that cannot be read is passed over: the site may be older than this program, or harmed.
    """
    taken = []
    for name in _NAMES:
        file = site / FOLDER / f"{name}.parquet"
        if not file.is_file() or history.kept(name).limit(1).to_pyarrow().num_rows:
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
    return taken


def write(history: History, site: Path, *, public: bool) -> None:
    """Put the files into a site; notices name people and rooms, so a public one carries none of them."""
    for name in _NAMES:
        if name == "notices" and public:
            continue
        rows = history.kept(name)
        if name == "notices":
            rows = rows.filter(rows.sent_at.notnull()).select("key", "sent_at")
        table = rows.to_pyarrow()
        order = [(column, "ascending") for column in _KEYS[name]]
        out = io.BytesIO()
        pq.write_table(table.sort_by(order), out, compression="zstd")
        write_if_changed(site / FOLDER / f"{name}.parquet", out.getvalue())


def carry(site: Path, new: Path) -> None:
    """Take them over from the last site into the one that is to stand in its place."""
    if (site / FOLDER).is_dir():
        shutil.copytree(site / FOLDER, new / FOLDER, dirs_exist_ok=True)


_KEYS = {name: schema.KEPT[name].key for name in _NAMES}
