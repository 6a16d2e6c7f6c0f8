"""How a build grows: codebases and years against time, memory, bytes and requests, and against their floors.

    python -m benchmarks.growth                      the whole grid: 10, 50, 200, 500 codebases, 1, 2, 5 years
    python -m benchmarks.growth 10x1 50x1 50x2       only these
    python -m benchmarks.growth 200x5x21             with 21 times as many test cases
    python -m benchmarks.growth 200x5x21=DIR         the one that was made in DIR; the site stays there
    python -m benchmarks.growth --make 200x5x21 DIR  only make it
    python -m benchmarks.growth --draw               draw again what was measured

Each organisation is simulated, built from nothing, and built again after an hour in which fifteen changes
were merged, tested and deployed; each build in a process of its own. Times are of the processors, of a build
and all that it starts, so that other work on the machine does not count; beside them those of the clock. The
floors are `git log` over the repositories and one reading of the record files, MkDocs' own command for the
same pages, and the records, compressed. What was measured is added to `docs/guide/growth.csv`, and drawn as
`docs/guide/growth.svg`.
"""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import tempfile
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.build_floor import Took, bare, in_own_process

GRID = [(codebases, years, 1, None) for years in (1, 2, 5) for codebases in (10, 50, 200, 500)]
GUIDE = Path(__file__).parents[1] / "docs" / "guide"
TABLE, PLOT = GUIDE / "growth.csv", GUIDE / "growth.svg"
COLUMNS = (
    "codebases", "years", "changes", "runs", "deployments", "test_case_runs", "rows", "floor_seconds",
    "mkdocs_seconds", "first_seconds", "first_clock", "first_mb", "hour_seconds", "hour_clock", "hour_mb",
    "records_bytes", "history_bytes", "site_bytes", "largest_page_bytes", "search_index_bytes", "pages",
    "first_requests", "first_points", "hour_requests", "hour_points",
)  # fmt: skip
BATCH = 1 << 24


def make(root: Path, codebases: int, years: int, tests: int) -> None:
    """Simulate."""
    from benchmarks.organisation import more_tests

    from deploybook.example import make_example

    make_example(root, codebases=codebases, years=years)
    if tests > 1:
        more_tests(root, tests)


def measure(codebases: int, years: int, tests: int, made: Path | None) -> dict[str, Any]:
    """Simulate, unless it was; build, build again, and weigh."""
    if made is not None:
        return weighed(made, str(made / "deploybook.yml"), codebases, years)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "example"
        make(root, codebases, years, tests)
        return weighed(root, str(root / "deploybook.yml"), codebases, years)


def weighed(root: Path, config: str, codebases: int, years: int) -> dict[str, Any]:
    """Build what was simulated, build again, and weigh."""
    from benchmarks.organisation import an_hour

    from deploybook.example import EXAMPLE_AS_OF

    floor, commits, packed = _floor(root)
    rows = {path.stem: _lines(path) for path in (root / "history").glob("*.jsonl")}
    counts = {
        "changes": rows["changes"], "runs": rows["pipeline_runs"], "deployments": rows["deployments"],
        "test_case_runs": sum(n for name, n in rows.items() if name.startswith("test")),
        "rows": sum(rows.values()) + commits,
    }  # fmt: skip
    first = _built(config, EXAMPLE_AS_OF)
    mkdocs = bare(root).processors
    hour = _built(config, an_hour(root, EXAMPLE_AS_OF))
    return {
        "codebases": codebases, "years": years, **counts, "floor_seconds": round(floor, 1),
        "mkdocs_seconds": round(mkdocs, 1),
        "first_seconds": round(first.processors, 1), "first_clock": round(first.clock, 1),
        "first_mb": round(first.peak), "hour_seconds": round(hour.processors, 1),
        "hour_clock": round(hour.clock, 1), "hour_mb": round(hour.peak),
        "records_bytes": packed, **_weigh(root), **_asked(codebases, counts),
    }  # fmt: skip


def _floor(root: Path) -> tuple[float, int, int]:
    """Processor seconds of one reading of what a build reads, commits, and the records' compressed bytes."""
    before, commits, packed = _processor(), 0, 0
    for repository in sorted((root / "repositories").iterdir()):
        log = ["git", "-C", str(repository), "log", "--all", "--format=%H%x00%P%x00%an%x00%at%x00%ct%x00%B"]
        commits += subprocess.run(log, capture_output=True, check=True).stdout.count(b"\0") // 5
    for path in (root / "history").glob("*.jsonl"):
        _lines(path)
    spent = _processor() - before
    for path in (root / "history").glob("*.jsonl"):
        with path.open("rb") as file:
            while block := file.read(BATCH):
                packed += len(zlib.compress(block, 1))
    return spent, commits, packed


def _lines(path: Path) -> int:
    count = 0
    with path.open("rb") as file:
        while block := file.read(BATCH):
            count += block.count(b"\n")
    return count


def _weigh(root: Path) -> dict[str, int]:
    """Bytes of what a build leaves."""
    pages = sorted((path.stat().st_size for path in (root / "site").rglob("*.html")), reverse=True)
    return {
        "history_bytes": sum(path.stat().st_size for path in (root / "build").glob("history.duckdb*")),
        "site_bytes": sum(path.stat().st_size for path in (root / "site").rglob("*") if path.is_file()),
        "largest_page_bytes": pages[0],
        "search_index_bytes": (root / "site" / "search" / "search_index.json").stat().st_size,
        "pages": len(pages),
    }


def _asked(codebases: int, counts: dict[str, int]) -> dict[str, int]:
    """What GitHub would be asked: of the average codebase, times their number; some have news of an hour."""
    from benchmarks.asked import syncs
    from benchmarks.organisation import NEWS

    average = (max(1, counts[each] // codebases) for each in ("changes", "runs", "deployments"))
    first, nothing, news = syncs(*average)
    return {
        "first_requests": first.rest * codebases,
        "first_points": first.points * codebases,
        "hour_requests": news.rest * NEWS + nothing.rest * (codebases - NEWS),
        "hour_points": news.points * NEWS + nothing.points * (codebases - NEWS),
    }


def _processor() -> float:
    """Seconds of the processor that this process and what it started and saw end have taken."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


def _built(config: str, as_of: datetime) -> Took:
    """One build in a process of its own."""
    took = in_own_process(config, as_of)
    print(f"{Path(config).parent} as of {as_of:%d.%m.%Y %H:%M}: {took}", file=sys.stderr, flush=True)
    return took


MEASURES = {
    "Processor seconds": {
        "first_seconds": "first build", "hour_seconds": "an hour later",
        "mkdocs_seconds": "floor: MkDocs", "floor_seconds": "floor: git log, reading",
    },
    "Peak memory, MB": {"first_mb": "first build", "hour_mb": "an hour later"},
    "Bytes": {"history_bytes": "history", "site_bytes": "site", "records_bytes": "floor: compressed"},
    "GitHub, first sync": {"first_requests": "requests", "first_points": "points of GraphQL"},
}  # fmt: skip
"""By picture: columns and what they are called."""


def draw(rows: list[dict[str, Any]]) -> None:
    """Four pictures over the number of rows, both axes on a log scale."""
    import altair as alt
    import vl_convert

    pictures = []
    for title, measures in MEASURES.items():
        points = [
            {"rows": float(row["rows"]), "what": says, "value": float(row[key])}
            for row in rows
            for key, says in measures.items()
        ]
        data: Any = {"values": points}
        pictures.append(
            alt.Chart(data, title=title)
            .mark_line(point=True)
            .encode(
                alt.X("rows:Q", scale=alt.Scale(type="log"), title="rows: commits and records"),
                alt.Y("value:Q", scale=alt.Scale(type="log"), title=None),
                alt.Color("what:N", title=None, sort=list(measures.values())),
            )
            .properties(width=280, height=190)
        )
    chart = alt.concat(*pictures, columns=2).resolve_scale(color="independent")
    PLOT.write_text(vl_convert.vegalite_to_svg(json.loads(chart.to_json())), encoding="utf-8")


def known() -> list[dict[str, Any]]:
    """What was measured before."""
    if not TABLE.is_file():
        return []
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def main(words: list[str]) -> int:
    """Measure what the words name, keep it, draw all of it; or only make what they name."""
    if words[:1] == ["--make"]:
        codebases, years, tests, _ = _cell(words[1])
        make(Path(words[2]), codebases, years, tests)
        return 0
    rows = known()
    if words != ["--draw"]:
        for cell in [_cell(word) for word in words] or GRID:
            found = measure(*cell)
            print(", ".join(f"{name} {value}" for name, value in found.items()), flush=True)
            same = [str(found[name]) for name in ("codebases", "years", "test_case_runs")]
            rows = [
                row for row in rows if [str(row[n]) for n in ("codebases", "years", "test_case_runs")] != same
            ]
            rows = sorted([*rows, found], key=lambda row: int(row["rows"]))
            with TABLE.open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
    draw(rows)
    return 0


def _cell(word: str) -> tuple[int, int, int, Path | None]:
    size, _, made = word.partition("=")
    codebases, years, *tests = map(int, size.split("x"))
    return codebases, years, tests[0] if tests else 1, Path(made).resolve() if made else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
