"""Incidents and availability of other systems, from their answers to what the site and `check` say."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support import small
from tests.support.loopback import Asked, Loopback, Reply

from deploybook.build import compose
from deploybook.build.progress import Progress
from deploybook.cli import run
from deploybook.config import load

OUTAGE = datetime(2026, 1, 14, 9, tzinfo=UTC)
NOW = datetime.fromisoformat(small.AS_OF)


class Systems:
    """Statuspage, Opsgenie and Datadog on one address: an hour's outage, of which the SLO saw ten minutes."""

    service = "Till"

    def answer(self, asked: Asked) -> Reply:
        path = asked.path
        if path == "/api/v2/incidents.json":
            return Reply({"incidents": [self.told()]})
        if path == "/v1/services":
            return Reply({"data": [{"id": "s-1", "name": self.service}]})
        if path == "/v1/incidents":
            row = {
                "id": "i-1", "message": "Tills stand still", "createdAt": "2026-01-12T08:00:00Z",
                "impactEndDate": "2026-01-12T08:30:00Z", "status": "closed", "impactedServices": ["s-1"],
            }  # fmt: skip
            return Reply({"data": [row]})
        if path == "/api/v1/slo/abc/history":
            begin, down = int(asked.query["from_ts"]), int(OUTAGE.timestamp())
            changes = [[begin, 0], [down, 1], [down + 600, 0]]
            until = int(asked.query["to_ts"])
            history = [change for change in changes if begin <= change[0] < until]
            return Reply({"data": {"type": "monitor", "overall": {"history": history}}})
        return Reply({"errors": ["Not Found"]}, 404)

    def told(self) -> dict[str, Any]:
        updates = [
            {"status": "resolved", "display_at": "2026-01-14T10:00:00Z", "affected_components": [
                {"name": "Shop", "new_status": "operational"}]},
            {"status": "investigating", "display_at": "2026-01-14T09:00:00Z", "affected_components": [
                {"name": "Shop", "new_status": "major_outage"}]},
        ]  # fmt: skip
        return {
            "id": "p1", "name": "Shop is out", "status": "resolved", "impact": "critical",
            "created_at": "2026-01-14T09:00:00Z", "incident_updates": updates,
            "components": [{"name": "Shop"}],
        }  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback(Systems().answer) as running:
        yield running


SOURCES = """
  - statuspage: {{url: '{url}'}}
  - opsgenie: {{token: env:GENIE_TEST, url: '{url}'}}
  - datadog:
      api_key: env:DOG_TEST
      app_key: env:DOG_TEST
      url: '{url}'
      incidents: false
      availability: [{{codebase: shop, slo: abc}}]
"""


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENIE_TEST", "hush")
    monkeypatch.setenv("DOG_TEST", "hush")


@pytest.fixture
def root(tmp_path: Path, server: Loopback) -> Path:
    root = tmp_path / "deploys"
    small.make(root)
    with (root / "deploybook.yml").open("a") as file:
        file.write(SOURCES.format(url=server.url).lstrip("\n"))
    return root


QUIET = Progress(quiet=True, verbose=False)


def read(root: Path) -> list[str]:
    """What could not be read."""
    return compose.sync(load(root / "deploybook.yml"), NOW, progress=QUIET).problems


def rendered(root: Path) -> list[str]:
    """Read and written as a build does it, without MkDocs; what could not be read."""
    problems = read(root)
    compose.render(load(root / "deploybook.yml"), NOW, progress=QUIET)
    return problems


def page(root: Path, name: str) -> str:
    found = (root / "build/docs" / name).read_text("utf-8")
    return " ".join(re.sub(r"<[^>]+>", " ", html.unescape(found)).replace("\N{NO-BREAK SPACE}", " ").split())


def incidents(root: Path) -> dict[str, dict[str, str]]:
    with (root / "build/docs/data/incidents.csv").open(newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_an_slo_that_disagrees_with_the_incidents_shows_both_and_an_alias_mends_the_past(root: Path) -> None:
    assert rendered(root) == []
    uptime = page(root, "uptime/index.md")
    assert "Monitors and incidents disagree." in uptime
    row = uptime[uptime.index("By codebase") :]
    assert "10 min" in row
    assert "monitors" in row
    assert "1 h" in row

    data = page(root, "data/index.md")
    assert 'give the codebase that it is also_known_as: ["Till"]' in data.replace("`", "")
    assert incidents(root)["i-1"]["codebase"] == ""
    file = root / "deploybook.yml"
    file.write_text(
        file.read_text().replace(
            "    repository: shop\n", "    repository: shop\n    also_known_as: [till]\n"
        )
    )
    assert rendered(root) == []
    assert incidents(root)["i-1"]["codebase"] == "shop"
    assert "Till" not in page(root, "data/index.md")


def checked(root: Path, capfd: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    capfd.readouterr()
    run(["check", "--json", "--config", str(root / "deploybook.yml"), "--as-of", small.AS_OF])
    return {found["where"]: found for found in json.loads(capfd.readouterr().out)}


@pytest.mark.parametrize("wrong", ["token", "host"])
def test_check_names_a_wrong_token_or_host_and_a_variable_that_is_not_set(
    root: Path,
    server: Loopback,
    wrong: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if wrong == "host":
        file = root / "deploybook.yml"
        file.write_text(file.read_text().replace(server.url, "http://localhost:9"))
    else:
        server.fault = lambda _number, _asked: Reply({"message": "no"}, 401)
    monkeypatch.setattr("time.sleep", lambda _: None)
    try:
        assert len(read(root)) == 3
    finally:
        server.fault = None
    says = {"token": "does not know the token", "host": "the connection failed"}[wrong]
    found = checked(root, capfd)
    for name in (
        "opsgenie:incidents",
        "datadog:shop:abc",
        f"statuspage:{'localhost:9' if wrong == 'host' else server.url.partition('//')[2]}",
    ):
        assert found[name]["level"] == "error"
        assert says in found[name]["says"]
        assert "hush" not in json.dumps(found[name])
    monkeypatch.delenv("GENIE_TEST")
    unset = checked(root, capfd)["sources[2].opsgenie"]
    assert (unset["level"], unset["says"]) == ("missing", "GENIE_TEST is not set here")
    assert unset["step"].startswith("set it where deploybook ")
