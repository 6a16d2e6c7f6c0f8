"""Who do I ask about this file: a path typed in a real browser, the rules read by the page's own script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser.serving import CHROMIUM, served
from tests.pages.support import SHOP, book

from deploybook import render
from deploybook.ownership import read
from deploybook.pages import owners

TEMPLATES = Path(__file__).parents[2] / "templates"
CASES = Path(__file__).parents[3] / "shared" / "conformance" / "codeowners"
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

OWN = "*.py @ana-acme\n/docs/ @acme/till\n/docs/draft.md\n/docs/<b>x</b>.md @bo # what matches is only text\n"


def cases(name: str) -> list[Any]:
    return list(json.loads((CASES / name).read_text("utf-8"))) if CASES.is_dir() else []


def texts() -> dict[str, tuple[str, str, list[str]]]:
    """CODEOWNERS files by codebase: where it lives, its text, its paths."""
    found = {
        case["id"]: ("https://github.com/a/b", case["text"], [query["path"] for query in case["queries"]])
        for case in cases("github_files.json")
    }
    found |= {
        case["id"]: ("https://gitlab.com/a/b", case["text"], list(case["expect"]))
        for case in cases("gitlab_files.json")
    }
    return {**found, "shop": ("https://github.com/a/b", OWN, ["src/app.py", "docs/a.md", "docs/draft.md"])}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("owners")
    files = texts()
    config = {
        **SHOP,
        "people": {"ana": {"name": "Ana", "github": "ana-acme"}},
        "teams": {"till": {"name": "Till", "members": ["ana"]}},
        "codebases": {
            name: {"deployments": {"from": "records"}, **({"team": "till"} if name == "shop" else {})}
            for name in files
        },
    }
    said = {
        name: read(paths, {"CODEOWNERS": text.encode()}, location=where)
        for name, (where, text, paths) in files.items()
    }
    parts = list(owners.pages(replace(book([], config), owners=said)))
    render.write(render.environment(), [lambda: parts], None, folder / "docs")
    (folder / "docs" / "index.md").write_text("# Home\n", "utf-8")
    settings = yaml.safe_load((TEMPLATES / "mkdocs.base.yml").read_text("utf-8"))
    settings |= {"site_name": "Shop", "docs_dir": str(folder / "docs"), "site_dir": str(folder / "site")}
    settings["nav"] = ["index.md", "owners/index.md"]
    settings["theme"]["custom_dir"] = str(TEMPLATES / "theme")
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings), "utf-8")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "-f", str(folder / "mkdocs.yml")],
        check=True,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"},
    )
    with served(folder / "site") as address:
        yield f"{address}owners/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])


@pytest.fixture(scope="module")
def page(browser: Browser, root: str) -> Page:
    made = browser.new_context(viewport={"width": 390, "height": 800}).new_page()
    made.set_default_timeout(5_000)
    made.goto(root)
    return made


def ask(page: Page, path: str) -> tuple[str, str]:
    """Type a path and send it; who is asked, and what says so."""
    page.evaluate("document.getElementById('ask-says').replaceChildren()")
    page.fill("#ask-path", path)
    page.press("#ask-path", "Enter")
    page.wait_for_selector("#ask-says li")
    names = page.locator("#ask-says li b").all_text_contents()
    assert len(names) <= 1
    says = page.locator("#ask-says li small").all_text_contents()
    return (names[0], says[0]) if names else ("", page.locator("#ask-says li").all_text_contents()[0])


@pytest.mark.parametrize(
    ("path", "who", "why"),
    [
        ("shop/src/app.py", "Ana", "CODEOWNERS, line 1: *.py"),
        ("./shop/src/app.py", "Ana", "CODEOWNERS, line 1: *.py"),
        ("shop\\docs\\a.md", "Till", "CODEOWNERS, line 2: /docs/"),
        ("shop/docs/draft.md", "Till", "CODEOWNERS, line 3, names nobody for /docs/draft.md"),
        (
            "shop/read.me",
            "Till",
            "No rule of CODEOWNERS matches; the codebase’s owner stands, by configuration.",
        ),
        ("shop/docs/<b>x</b>.md", "@bo", "CODEOWNERS, line 4: /docs/<b>x</b>.md"),
    ],
)
def test_a_path_gives_its_owner_and_the_rule_that_says_so(page: Page, path: str, who: str, why: str) -> None:
    found = ask(page, path)
    assert found[0] == who
    assert found[1].startswith(why)
    assert page.locator("#ask-says li b b").count() == 0


@pytest.mark.skipif(not CASES.is_dir(), reason="conformance/codeowners is not beside the checkout")
def test_the_script_answers_every_case_of_both_dialects(page: Page) -> None:
    asked = 0
    for case in cases("github_files.json"):
        for query in case["queries"]:
            if "disputed" not in query:
                who, why = ask(page, f"{case['id']}/{query['path']}")
                if query["owners"]:
                    assert who.replace(" and ", ", ") == ", ".join(query["owners"]), query
                else:
                    assert "No rule" in why or "names nobody" in why, query
                assert query["line"] is None or f"line {query['line']}" in why
                asked += 1
    for case in cases("gitlab_files.json"):
        for path, sections in case["expect"].items():
            who, why = ask(page, f"{case['id']}/{path}")
            wanted = {owner for owners_ in sections.values() for owner in owners_}
            if wanted:
                assert set(who.replace(" and ", ", ").split(", ")) == wanted, (case["id"], path)
            else:
                assert "No rule" in why or "names nobody" in why, (case["id"], path)
            asked += 1
    assert asked > 60


def test_with_scripts_off_the_rules_stand_on_the_page(browser: Browser, root: str) -> None:
    made = browser.new_context(java_script_enabled=False).new_page()
    made.goto(root)
    assert not made.locator("#ask").is_visible()
    assert "Without them, the rules of each codebase stand below." in made.inner_text("article")
    assert "*.py" in made.inner_text("article")
