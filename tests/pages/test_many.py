"""A site of many codebases: pages that have a part for each lead to pages of their own instead."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest
from tests.pages.support import SHOP, change, deployment
from tests.support.books import counted

from deploybook import render
from deploybook.pages import deployments, incidents, metrics, pipelines, practices
from deploybook.pages.answers import Practices
from deploybook.pages.book import Book
from deploybook.pages.page import Page
from deploybook.pages.telling import Teller

CODEBASES = [f"code-{number:03}" for number in range(90)]


@pytest.fixture(scope="module")
def many() -> Book:
    """Ninety codebases, each with weekly deployments, of which some failed."""
    records = []
    for place, name in enumerate(CODEBASES):
        for week in range(4):
            day = f"2026-11-{2 + 7 * week - 5 * (week == 3):02}"
            own = [change(str(week), f"Add {week}", f"{day}T08:00:00Z")]
            records += [each | {"codebase": name} for each in own]
            live = deployment(str(week), f"{day}T10:00:00Z", [str(week)])
            if week and place % 3:
                live |= {"mends": [str(week - 1)]}
            records.append(live | {"codebase": name})
        for number in range(6):
            day = f"2026-{6 + number:02}-03"
            records.append({
                "type": "incident", "id": f"{name}/{number}", "title": "Slow", "codebases": [name],
                "started_at": f"{day}T11:00:00Z", "resolved_at": f"{day}T12:00:00Z",
            })  # fmt: skip
        records.append({
            "type": "pipeline_run", "codebase": name, "id": "1", "pipeline": "ci", "outcome": "success",
            "started_at": "2026-11-16T11:00:00Z", "finished_at": "2026-11-16T11:10:00Z",
            "stages": json.dumps([{"name": "test", "outcome": "success", "started_at": "2026-11-16T11:00:00Z",
                                   "finished_at": "2026-11-16T11:10:00Z"}]),
        })  # fmt: skip
    site = {"codebases": {name: {"deployments": {"from": "records"}} for name in CODEBASES}}
    return counted(records, SHOP | site)


@pytest.fixture(scope="module")
def texts(many: Book) -> Mapping[str, str]:
    """Pages by address, as Markdown."""
    tell, jinja, years = Teller(many), render.environment(), deployments.by_year(many)
    made = [
        *metrics.pages(many),
        *deployments.pages(many, years),
        *deployments.year_pages(many, years, CODEBASES),
        *incidents.pages(many),
        *pipelines.pages(many, pipelines.measured(many)),
        *practices.pages(many, Practices(many, tell)),
    ]
    return {page.path: render.page_markdown(jinja, page) for page in made if isinstance(page, Page)}


def test_no_page_grows_with_the_number_of_codebases_beyond_what_a_phone_takes(
    texts: Mapping[str, str],
) -> None:
    heavy = {path: len(text.encode()) for path, text in texts.items() if len(text.encode()) > 240_000}
    assert heavy == {}


def test_practices_tell_in_how_many_codebases_and_lead_to_each(texts: Mapping[str, str]) -> None:
    page = texts["practices"]
    assert "db-matrix" not in page
    assert '<th scope="col" class="n">Not measured</th>' in page
    assert all(f'href="../practices/{name}/"' in page for name in CODEBASES)
    counts = re.findall(r'<th scope="row">Deployed .*?</tr>', page)
    assert all(sum(map(int, re.findall(r'<td class="n">(\d+)</td>', row))) == 90 for row in counts)


def test_each_codebase_has_its_own_page_of_pipelines(texts: Mapping[str, str]) -> None:
    assert all(f"process/pipelines/{name}" in texts for name in CODEBASES)
    assert 'href="../../process/pipelines/code-007/"' in texts["process/pipelines"]
    assert "test" in texts["process/pipelines/code-007"]


def test_old_incidents_are_told_by_month_and_every_one_where_its_link_leads(
    many: Book, texts: Mapping[str, str]
) -> None:
    assert len({incident.id for incident in many.incidents}) == 540
    for incident in many.incidents:
        path, _, anchor = many.incident_href(incident.id).removeprefix("~/").partition("/#")
        assert path == f"incidents/2026-{incident.started_at.month:02}"
        assert f'id="{anchor}"' in texts[path]


def test_the_newest_failed_deployments_are_listed_and_the_rest_are_counted(texts: Mapping[str, str]) -> None:
    failed, mending = texts["deployments"].split("## Failed")[1].split("## Rework")
    assert [part.count('<th scope="row">') for part in (failed, mending)] == [150, 150]
    assert [re.findall(r"And (\d+) older ones", part) for part in (failed, mending)] == [["30"], ["30"]]


def test_a_search_finds_a_practice_once_and_not_in_each_codebase(texts: Mapping[str, str]) -> None:
    aside = {path for path, text in texts.items() if 'search: {"exclude": true}' in text}
    assert {"practices/code-007", "process/pipelines/code-007"} <= aside
    assert not aside & {"practices", "process/pipelines", "metrics", "metrics/how-we-count"}
