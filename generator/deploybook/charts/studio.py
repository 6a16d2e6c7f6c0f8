"""Draws charts, and draws none twice: what was drawn is kept by its content.

The key is the chart's data together with the code and the exporter that draw it, so a kept picture is
always the one that would be drawn again. Altair and the exporter are only loaded when one is missing.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

from markupsafe import Markup

from deploybook.charts import rows
from deploybook.charts.model import Chart, Data


class Studio:
    """Draws charts into a folder of kept ones.

    Args:
        folder: Where drawn charts are kept; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._used: set[str] = set()

    def draw(self, data: Data) -> Chart | None:
        """Draw a chart in both widths; none where nothing is to be drawn and the page writes words."""
        if not rows.drawable(data):
            return None
        wide, narrow = self._pictures(data)
        columns, cells = rows.table(data)
        return Chart(data.caption, wide, narrow, columns, cells)

    def prune(self) -> int:
        """Delete what this studio did not use; gives how many."""
        stale = [path for path in self._folder.glob("*/*.json") if path.stem not in self._used]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _pictures(self, data: Data) -> tuple[Markup, Markup]:
        name = hashlib.sha256(f"{_edition()}\n{data!r}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._used.add(name)
        path = self._folder / name[:2] / f"{name}.json"
        try:
            wide, narrow = json.loads(path.read_bytes())
        except (OSError, ValueError):
            from deploybook.charts import drawing  # noqa: PLC0415 — a second of imports, needed for new charts only

            wide, narrow = (drawing.picture(data, narrow=small) for small in (False, True))
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps([wide, narrow]), encoding="utf-8")
            fresh.replace(path)
        return Markup(wide), Markup(narrow)  # noqa: S704 — both were written by `svg.finish`


@cache
def _edition() -> str:
    """Name the code that draws: its own text, and the versions of what it draws with."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    return f"{code.hexdigest()} {version('altair')} {version('vl-convert-python')}"
