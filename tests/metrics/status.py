"""Real incidents and real monitors, as records, against a plain computation: each month, by the second.

`python -m tests.metrics.status GITHUB_STATUSES ORY_STATUS [SITE]` takes bare clones of mrshu/github-statuses
(incidents of a large service; `parsed/`) and ory/status (an Upptime monitor), builds a site and compares
its months with what the files themselves say. Incidents of GitHub mark it as down where they are major or
critical; its downtime windows, minor ones too, stand for a monitor that disagrees: the page has to show both.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow.parquet as pq

from deploybook.cli import run

Span = tuple[datetime, datetime]
CONFIG = """
site: {{name: Status, timezone: UTC}}
codebases: {{github: {{}}, {sites}}}
process: {{environments: [production]}}
sources: [{{records: "history/*.jsonl"}}, {{upptime: {{repository: {ory}}}}}]
"""
HELD = timedelta(hours=48)
STALE = timedelta(days=30)
CHECK = re.compile(r"(\d+) (🟩|🟥|🟨) (.+?) (?:is|has) ")


def git(clone: Path, *words: str) -> str:
    """What git says of a clone."""
    return subprocess.run(["git", "-C", clone, *words], check=True, capture_output=True, text=True).stdout


def instant(text: str | None) -> datetime | None:
    """An instant, where there is one."""
    return datetime.fromisoformat(text) if text else None


def records(incidents: list[dict[str, Any]], windows: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """The files as records."""
    for each in incidents:
        yield {
            "type": "incident", "id": each["id"], "codebases": ["github"], "title": each["title"],
            "started_at": each["started_at"], "resolved_at": each["resolved_at"], "url": each["url"],
            "down": each["impact"] in ("major", "critical"),
        }  # fmt: skip
    for each in windows:
        yield {
            "type": "availability", "codebase": "github", "monitor": each["incident_id"], "state": "down",
            "from": each["downtime_start"], "to": each["downtime_end"],
        }  # fmt: skip


def seconds_down(spans: Iterable[Span], since: datetime, until: datetime) -> int:
    """The seconds of a time that lie in at least one of the spans."""
    total, reached = 0, since
    for begin, end in sorted(spans):
        rest = int((min(end, until) - max(begin, reached)).total_seconds())
        if rest > 0:
            total += rest
            reached = min(end, until)
    return total


def months(first: datetime, last: datetime) -> Iterator[Span]:
    """The months from one instant to another, cut at both."""
    borders = [datetime(y, m, 1, tzinfo=UTC) for y in range(first.year, last.year + 2) for m in range(1, 13)]
    for begin, end in pairwise(borders):
        if end > first and begin < last:
            yield max(begin, first), min(end, last)


def ory_spans(log: str) -> tuple[dict[str, datetime], dict[str, list[Span]]]:
    """The first check of each site, and the times in which it was down."""
    newest = datetime.fromtimestamp(int(log.split(" ", 1)[0]), UTC)
    found = [match.groups() for match in map(CHECK.match, log.splitlines()) if match]
    seen = [(datetime.fromtimestamp(int(at), UTC), state, site.strip()) for at, state, site in found]
    first: dict[str, datetime] = {}
    down = defaultdict(list)
    told: dict[str, tuple[datetime, str]] = {}
    for at, state, site in sorted(seen, key=lambda each: each[0]):
        first.setdefault(site, at)
        if site in told and told[site][1] == "🟥":
            down[site].append((told[site][0], min(at, told[site][0] + HELD)))
        told[site] = (at, state)
    for site, (at, state) in told.items():
        if state == "🟥":
            down[site].append((at, min(newest, at + HELD)))
    return first, down


def main(github: Path, ory: Path, site: Path) -> int:
    """Build, compare, and say how much agrees; 1 where a month differs or the page hides a disagreement."""
    incidents = [json.loads(line) for line in git(github, "show", "HEAD:parsed/incidents.jsonl").splitlines()]
    windows = [
        each
        for each in csv.DictReader(git(github, "show", "HEAD:parsed/downtime_windows.csv").splitlines())
        if each["impact"] != "maintenance" and each["downtime_start"] and each["downtime_end"]
    ]
    log = git(ory, "log", "--format=%ct %s")
    first, down = ory_spans(log)
    names = {each: re.sub(r"\W+", "-", each.lower()).strip("-") for each in first}
    (site / "history").mkdir(parents=True)
    rows = records(incidents, windows)
    (site / "history/all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    sites = ", ".join(f'{name}: {{also_known_as: ["{each}"]}}' for each, name in names.items())
    (site / "deploybook.yml").write_text(CONFIG.format(sites=sites, ory=ory), "utf-8")
    as_of = datetime.fromisoformat(git(github, "log", "-1", "--format=%cI").strip()).astimezone(UTC)
    if run(["build", "--quiet", "--config", str(site / "deploybook.yml"), "--as-of", as_of.isoformat()]):
        return 1
    told = {
        (row["name"], row["period_start"], row["metric"]): row
        for row in pq.read_table(site / "site/data/metrics.parquet").to_pylist()
        if row["scope"] == "codebase" and row["period"] == "month"
    }
    wrong: list[str] = []
    agreed: dict[str, int] = defaultdict(int)

    def hold(name: str, begin: datetime, metric: str, wanted: tuple[Any, ...], *columns: str) -> None:
        row = told[(name, begin.date().replace(day=1), metric)]
        found = tuple(row[column] for column in columns)
        agreed[f"{metric} of {name}"] += found == wanted
        if found != wanted:
            wrong.append(f"{name} {begin:%Y-%m} {metric}: {found}, by plain computation {wanted}")

    def uptime(name: str, metric: str, spans: list[Span], since: datetime) -> None:
        for begin, end in months(since, as_of):
            known = int((end - begin).total_seconds())
            wanted = (known - seconds_down(spans, begin, end), known)
            hold(name, begin, metric, wanted, "numerator", "denominator")

    for each, name in names.items():
        uptime(name, "uptime", down[each], first[each])
    seen = [(instant(w["downtime_start"]), instant(w["downtime_end"])) for w in windows]
    measured = [(begin, end) for begin, end in seen if begin and end]
    uptime("github", "uptime", measured, min(begin for begin, _ in measured))
    begun = [(instant(i["started_at"]), instant(i["resolved_at"]), i["impact"]) for i in incidents]
    said = [
        (begin, end or begin + STALE)
        for begin, end, impact in begun
        if begin and impact in ("major", "critical")
    ]
    uptime("github", "uptime_incidents", said, min(begin for begin, _, _ in begun if begin))
    restored = defaultdict(list)
    for begin, end, _ in begun:
        if begin and end:
            restored[end.date().replace(day=1)].append((end - begin).total_seconds())
    for month, lengths in restored.items():
        begin = datetime(month.year, month.month, 1, tzinfo=UTC)
        known = [length for length in lengths if length >= 0]
        hold(
            "github", begin, "time_to_restore_p50", (round(median(known)), len(known)), "value", "denominator"
        )
    page = (site / "site/uptime/index.html").read_text("utf-8")
    if "Monitors and incidents disagree" not in page:
        wrong.append("the uptime page does not say that monitor and incidents disagree")
    for name, count in agreed.items():
        sys.stdout.write(f"{name:45} {count:4} months agree\n")
    for each in wrong:
        sys.stdout.write(f"{each}\n")
    sys.stdout.write(
        f"{len(incidents)} incidents, {sum(agreed.values())} months agree, {len(wrong)} do not\n"
    )
    return int(bool(wrong))


if __name__ == "__main__":
    asked = [Path(each) for each in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(asked[0], asked[1], asked[2] if len(asked) > 2 else Path(temporary) / "status"))
