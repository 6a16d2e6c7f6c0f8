"""What stands behind a source is checked like the rest of the file: place, found, expected, next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploybook.config import load
from deploybook.errors import ConfigError, Problem


def problems(tmp_path: Path, source: str) -> list[Problem]:
    file = tmp_path / "deploybook.yml"
    file.write_text(f"codebases: {{shop: }}\nsources:\n  - {source}\n")
    try:
        load(file)
    except ConfigError as error:
        return error.problems
    return []


@pytest.mark.parametrize(
    "source",
    [
        "records: history/*.jsonl",
        "cdevents: [a, b]",
        "cdevents: {files: a}",
        "junit: {files: a, codebase: shop, revision: env:SHA, run: 7}",
        "coverage: {files: [a], codebase: shop}",
        "github: {token: env:T}",
        "github: {app: {id: 1, installation: 2, key: env:K}, url: https://ghe.test/api/v3}",
        "gitlab: {token: env:T}",
        "jenkins: {url: https://ci.test, user: book, token: env:T, jobs: {shop/main: shop}}",
        "gitlab: {token: env:T, url: https://gitlab.test/sub}",
        "upptime: {repository: https://github.com/acme/status}",
        "pagerduty: {token: env:T, url: https://api.eu.pagerduty.com}",
        "opsgenie: {token: env:T, url: https://api.eu.opsgenie.com, alerts: 'priority: P1'}",
        "statuspage: {page: kct, token: env:T}",
        "statuspage: {url: https://status.acme.test}",
        "datadog: {api_key: env:A, app_key: env:B, availability: [{codebase: shop, slo: abc}]}",
        "datadog: {api_key: env:A, app_key: env:B, incidents: false, query: 'severity:SEV-1'}",
    ],
)
def test_these_may_stand_under_sources(tmp_path: Path, source: str) -> None:
    assert problems(tmp_path, source) == []


@pytest.mark.parametrize(
    ("source", "key", "expected"),
    [
        ("cdevents: ", "sources[0].cdevents.files", "files"),
        ("cdevents: []", "sources[0].cdevents.files", "at least one"),
        ("junit: a", "sources[0].junit.codebase", "codebase"),
        ("junit: {files: a, codebase: shp}", "sources[0].junit.codebase", "a name under `codebases`"),
        ("junit: {files: a, codebase: shop, revisoin: x}", "sources[0].junit.revisoin", "revision"),
        ("coverage: {files: a, codebase: shop, revision: [1]}", "sources[0].coverage.revision", "env:NAME"),
        ("github: {}", "sources[0].github", "either `token: env:NAME` or `app:`"),
        ("github: {token: env:T, app: {id: 1, installation: 2, key: env:K}}", "sources[0].github", "either"),
        ("github: {token: env:T, url: ghe.test}", "sources[0].github.url", "https://"),
        (
            "jenkins: {url: https://ci.test, user: book, token: env:T, jobs: {x: shp}}",
            "sources[0].jenkins.jobs.x",
            "a name under `codebases`",
        ),
        ("gitlab: {}", "sources[0].gitlab.token", "token"),
        ("upptime: {repository: --upload-pack=x}", "sources[0].upptime.repository", "an address"),
        ("pagerduty: {tokn: env:T, token: env:T}", "sources[0].pagerduty.tokn", "token"),
        ("opsgenie: {}", "sources[0].opsgenie.token", "token"),
        (
            "opsgenie: {token: env:T, schedules: {on-cal: d875}}",
            "sources[0].opsgenie.schedules.on-cal",
            "a name under `rotations`",
        ),
        (
            "pagerduty: {token: env:T, schedules: {on-cal: PI7DH85}}",
            "sources[0].pagerduty.schedules.on-cal",
            "a name under `rotations`",
        ),
        ("statuspage: {page: kct}", "sources[0].statuspage", "both `page:` and `token: env:NAME`"),
        ("statuspage: {}", "sources[0].statuspage", "`url:` of a public page"),
        ("datadog: {api_key: env:A}", "sources[0].datadog.app_key", "app_key"),
        (
            "datadog: {api_key: env:A, app_key: env:B, availability: [{codebase: shp, slo: abc}]}",
            "sources[0].datadog.availability[0].codebase",
            "a name under `codebases`",
        ),
        ("github: {app: {id: x, installation: 2, key: env:K}}", "sources[0].github.app.id", "integer"),
    ],
)
def test_a_wrong_option_is_told_with_its_place(tmp_path: Path, source: str, key: str, expected: str) -> None:
    found = problems(tmp_path, source)
    assert [(problem.key, problem.where.rpartition(":")[2]) for problem in found] == [(key, "3")]
    assert expected in found[0].expected
