"""Every REST request that is made is one that GitHub's own description of its interface knows.

Prism, which reads OpenAPI, checks each on loopback: for github.com, and for the oldest Enterprise Server that
GitHub still describes.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from tests.sources.github.support import NOW, TOKEN, Book, zipped
from tests.support.github_server import Hub, artifact, at, deployment, issue, pull, run
from tests.support.loopback import Asked

TOOLS = Path(__file__).parents[3] / "build/tools/node_modules"
DESCRIPTIONS = TOOLS / "@octokit/openapi/generated"
PATIENCE = 120
"""Seconds for Prism to begin."""

pytestmark = [
    pytest.mark.xdist_group("prism"),
    pytest.mark.skipif(
        not DESCRIPTIONS.is_dir() or not (TOOLS / ".bin/prism").exists() or shutil.which("node") is None,
        reason="GitHub's description is not here: scripts/tools.sh",
    ),
]


def descriptions() -> list[str]:
    def age(name: str) -> list[int]:
        return [int(each) for each in re.findall(r"\d+", name)]

    servers = [each.name for each in DESCRIPTIONS.glob("ghes-*.json") if ".deref." not in each.name]
    return ["api.github.com.json", *sorted(servers, key=age)[:1]]


@pytest.fixture(scope="module", params=descriptions())
def description(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The description's part on repositories: the rest would only take long to read."""
    whole = json.loads((DESCRIPTIONS / request.param).read_text("utf-8"))
    whole["paths"] = {
        key: value for key, value in whole["paths"].items() if key.startswith("/repos/{owner}/")
    }
    whole.pop("webhooks", None)
    whole.pop("x-webhooks", None)
    created = whole["components"]["parameters"]["created"]
    # In words it says that this is a range, in its schema that it is one instant, which would be of no use.
    # The form of the ranges has a test of its own.
    assert "date-time range" in created["description"]
    assert created["schema"].pop("format") == "date-time"
    into = tmp_path_factory.mktemp("description") / "openapi.json"
    into.write_text(json.dumps(whole))
    return into


@pytest.fixture(scope="module")
def prism(description: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    log = description.with_suffix(".log")
    with log.open("w") as said:
        running = subprocess.Popen(
            [str(shutil.which("node")), str(TOOLS / ".bin/prism"), "mock", "--errors", "-h", "127.0.0.1",
             "-p", port, str(description)],
            stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        until = time.monotonic() + PATIENCE
        while "is listening" not in log.read_text():
            assert running.poll() is None, log.read_text()[-500:]
            assert time.monotonic() < until, log.read_text()[-500:]
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(20)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[Asked]:
    """Each way of asking, once: a first sync, one that finds news, one from a day on, and without GraphQL."""
    guarded = {"name": "main", "protected": True}
    hub = Hub(
        pulls=[pull(n, n * 90) for n in range(1, 120)],
        runs=[run(1000 + n, n * 30, conclusion="failure" if n == 9 else "success") for n in range(1, 230)],
        deployments=[deployment(n, n * 120, "IN_PROGRESS", "SUCCESS") for n in range(1, 120)],
        issues=[issue(n, n * 500) for n in range(1, 120)],
        artifacts=[artifact(n, n) for n in range(1, 120)],
        branch=guarded, protection={}, environments=[{"name": "production"}],
    )  # fmt: skip
    # More statuses than come with their deployment, so that they are asked for by themselves.
    hub.deployments[-1]["statuses"]["totalCount"] = 60
    release = {
        "tagName": "v1", "createdAt": at(1), "publishedAt": at(2), "isDraft": False, "isPrerelease": False,
        "url": "u", "author": None, "tagCommit": None,
    }  # fmt: skip
    hub.releases = [release]
    found: list[Asked] = []
    with pytest.MonkeyPatch.context() as patch, hub.serve() as server:
        patch.setenv("GITHUB_TEST", TOKEN)
        hub.where = server.url
        hub.files = dict.fromkeys(range(200), zipped({}))
        book = Book(server, tmp_path_factory.mktemp("book"))
        book.sync()
        hub.runs.append(run(2000, 9_000))
        book.sync()
        book.sync(since=NOW)
        hub.no_checks = True
        Book(server, book.root, deployments={"from": "releases"}, branch="main").sync()
        found += server.asked
    return [each for each in found if each.method == "GET" and each.path.startswith("/repos/")]


def test_what_is_asked_is_asked_in_every_way(asked: list[Asked]) -> None:
    kinds = {re.sub(r"\d+", "N", each.path.removeprefix("/repos/acme/shop")) for each in asked}
    assert kinds == {
        "", "/pulls", "/actions/runs", "/actions/runs/N/jobs", "/actions/artifacts",
        "/actions/artifacts/N/zip", "/deployments", "/deployments/N/statuses", "/releases", "/issues",
        "/branches/main", "/branches/main/protection", "/rules/branches/main", "/environments",
    }  # fmt: skip


def test_githubs_own_description_accepts_every_request(asked: list[Asked], prism: str) -> None:
    refused = []
    for each in {(each.path, urlencode(sorted(each.query.items()))): each for each in asked}.values():
        answer = requests.get(prism + each.path, each.query, timeout=30, allow_redirects=False)
        if answer.status_code >= 400 and not _is_its_own_example(answer):
            refused.append((each.path, each.query, answer.status_code, answer.text[:300]))
    assert refused == []


def _is_its_own_example(answer: requests.Response) -> bool:
    """Whether what Prism finds wrong is only the answer that the description gives as an example."""
    found = (answer.json().get("validation") or []) if answer.status_code == 500 else []
    return bool(found) and all(each["location"][0] == "response" for each in found)


def test_every_parameter_is_one_that_the_description_names(asked: list[Asked], description: Path) -> None:
    """Prism lets pass what it does not know: a parameter that is misspelt would be without effect."""
    whole = json.loads(description.read_text())
    unknown = set()
    for each in asked:
        known = set(_parameters(whole, each.path))
        unknown |= {(each.path, name) for name in each.query if name not in known}
    assert unknown == set()


def _parameters(whole: dict[str, Any], path: str) -> Iterator[str]:
    parts = path.split("/")
    for template, ways in whole["paths"].items():
        names = template.split("/")
        fits = len(names) == len(parts) and all(
            name == part or name.startswith("{") for name, part in zip(names, parts, strict=True)
        )
        if fits and "get" in ways:
            for each in [*ways.get("parameters", ()), *ways["get"].get("parameters", ())]:
                found: Any = whole
                for step in each["$ref"].split("/")[1:] if "$ref" in each else ():
                    found = found[step]
                yield (found if "$ref" in each else each)["name"]


def test_a_range_of_runs_is_written_as_githubs_search_takes_it(asked: list[Asked]) -> None:
    instant = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    ranges = {each.query["created"] for each in asked if "created" in each.query}
    assert any(each.startswith(">=") for each in ranges)
    assert any(each.startswith("<=") for each in ranges)
    for each in ranges:
        assert re.fullmatch(rf"(>=|<=){instant}|{instant}\.\.{instant}", each)


def test_what_is_wrong_is_refused(prism: str) -> None:
    for wrong in ("/repos/acme/shop/pulls?per_page=many", "/repos/acme/shop/pull-requests"):
        assert requests.get(prism + wrong, timeout=30).status_code >= 400
