"""How a build grows: codebases and years against time, memory and bytes.

    python -m benchmarks.growth                      the whole grid: 10, 50, 200, 500 codebases, 1, 2, 5 years
    python -m benchmarks.growth 10x1 50x1 50x2       only these
    python -m benchmarks.growth --draw               draw again what was measured

Each organisation is simulated, built from nothing, and built again an hour later, in processes of their own.
The floor is `git log` over its repositories and one reading of its record files. What was measured is added
to `docs/guide/growth.csv`, and drawn as `docs/guide/growth.svg`.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

GRID = [(codebases, years) for years in (1, 2, 5) for codebases in (10, 50, 200, 500)]
GUIDE = Path(__file__).parents[1] / "docs" / "guide"
TABLE, PLOT = GUIDE / "growth.csv", GUIDE / "growth.svg"
COLUMNS = (
    "codebases", "years", "records", "floor_seconds", "first_seconds", "first_mkdocs_seconds", "first_mb",
    "hour_seconds", "hour_mkdocs_seconds", "hour_mb", "history_bytes", "site_bytes", "largest_page_bytes",
    "search_index_bytes", "pages",
)  # fmt: skip


def measure(codebases: int, years: int) -> dict[str, Any]:
    """Simulate, build, build again, and weigh."""
    from benchmarks.build_floor import in_own_process

    from deploybook.example import EXAMPLE_AS_OF, make_example

    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "example"
        config = str(make_example(root, codebases=codebases, years=years))
        records = sum(path.read_bytes().count(b"\n") for path in (root / "history").glob("*.jsonl"))
        begun = time.perf_counter()
        for repository in sorted((root / "repositories").iterdir()):
            log = [
                "git",
                "-C",
                str(repository),
                "log",
                "--all",
                "--format=%H%x00%P%x00%an%x00%at%x00%ct%x00%B",
            ]
            records += subprocess.run(log, capture_output=True, check=True).stdout.count(b"\0") // 5
        floor = time.perf_counter() - begun
        first = in_own_process(config, EXAMPLE_AS_OF.isoformat())
        hour = in_own_process(config, (EXAMPLE_AS_OF + timedelta(hours=1)).isoformat())
        pages = sorted((path.stat().st_size for path in (root / "site").rglob("*.html")), reverse=True)
        index = root / "site" / "search" / "search_index.json"
        return {
            "codebases": codebases, "years": years, "records": records, "floor_seconds": round(floor, 1),
            "first_seconds": round(first["ours"], 1), "first_mkdocs_seconds": round(first["mkdocs"], 1),
            "first_mb": round(first["peak"]), "hour_seconds": round(hour["ours"], 1),
            "hour_mkdocs_seconds": round(hour["mkdocs"], 1), "hour_mb": round(hour["peak"]),
            "history_bytes": sum(p.stat().st_size for p in (root / "build").glob("history.duckdb*")),
            "site_bytes": sum(p.stat().st_size for p in (root / "site").rglob("*") if p.is_file()),
            "largest_page_bytes": pages[0], "search_index_bytes": index.stat().st_size, "pages": len(pages),
        }  # fmt: skip


def draw(rows: list[dict[str, Any]]) -> None:
    """Four small pictures over the number of records, both axes on a log scale."""
    import altair as alt
    import vl_convert

    measures = {
        "first_seconds": "First build, seconds beside MkDocs", "hour_seconds": "An hour later, seconds",
        "hour_mkdocs_seconds": "MkDocs, seconds", "first_mb": "Peak memory, MB",
        "history_bytes": "History, bytes", "floor_seconds": "Floor: git log, seconds",
    }  # fmt: skip
    points = [
        {"records": float(row["records"]), "years": f"{row['years']} y", "measure": says,
         "value": float(row[key])}
        for row in rows for key, says in measures.items()
    ]  # fmt: skip
    data: Any = {"values": points}
    chart = (
        alt.Chart(data)
        .mark_line(point=True)
        .encode(
            alt.X("records:Q", scale=alt.Scale(type="log"), title="records and commits"),
            alt.Y("value:Q", scale=alt.Scale(type="log"), title=None),
            alt.Color("years:N", title=None),
        )
        .properties(width=220, height=150)
        .facet(alt.Facet("measure:N", title=None), columns=2)
        .resolve_scale(y="independent")
    )
    PLOT.write_text(vl_convert.vegalite_to_svg(json.loads(chart.to_json())), encoding="utf-8")


def known() -> list[dict[str, Any]]:
    """What was measured before."""
    if not TABLE.is_file():
        return []
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def main(words: list[str]) -> int:
    """Measure what the words name, keep it, draw all of it."""
    rows = known()
    if words != ["--draw"]:
        cells = [(int(a), int(b)) for a, b in (word.split("x") for word in words)] or GRID
        for codebases, years in cells:
            found = measure(codebases, years)
            print(", ".join(f"{name} {value}" for name, value in found.items()), flush=True)
            same = (str(codebases), str(years))
            rows = [row for row in rows if (str(row["codebases"]), str(row["years"])) != same] + [found]
            rows.sort(key=lambda row: (int(row["years"]), int(row["codebases"])))
            with TABLE.open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
    draw(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
