"""A week as it is sent: the same news, as literal text in Markdown and in an e-mail."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from tests.pages.support import SHOP, book, change, deployment

from deploybook import render
from deploybook.pages.digest import Digest, digest, markdown
from deploybook.pages.telling import Teller
from deploybook.periods import Week

HOSTILE = "1. [x](javascript:alert(1)) <img src=x onerror=alert(1)> *b* `c` @acme/all #12 | \\"
RECORDS = [
    change("1", "Add tips", "2026-11-16T09:00:00Z", body="```release-note\nTips can be given.\n```"),
    change("2", f"Fix {HOSTILE}", "2026-11-16T09:00:00Z", author=HOSTILE),
    change("3", HOSTILE, "2026-11-16T09:00:00Z"),
    change("4", "chore: tidy", "2026-11-16T09:00:00Z"),
    change("5", "Add cards", "2026-11-16T09:00:00Z"),
    change("6", 'Revert "Add cards"', "2026-11-18T09:00:00Z", reverts="5"),
    deployment("0", "2026-10-20T09:00:00Z", revision="a"),
    deployment("1", "2026-11-17T10:00:00Z", ["1", "2", "3", "4", "5"]),
    deployment("2", "2026-11-19T10:00:00Z", ["6"]),
]


def week(site: dict[str, str] | None = None) -> Digest:
    made = book(RECORDS, {**SHOP, "site": {**SHOP["site"], **(site or {})}})
    return digest(made, Teller(made), Week.parse("2026-W47"))


class Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.hrefs: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.hrefs += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_markdown_holds_the_week_and_every_word_from_outside_is_text() -> None:
    text = markdown(week())
    assert "- **New**: [Tips can be given\\.](" in text or "- **New**: [Tips can be given.](" in text
    seen = Seen(MarkdownIt("commonmark").enable("table").render(text))
    shown = seen.text.replace("\N{WORD JOINER}", "")
    assert HOSTILE.split(" ", 1)[1] in shown
    assert not {"img", "code", "em"} & set(seen.tags)
    assert all(href.startswith("https://deploys.acme.test/shipped/2026-W47/") for href in seen.hrefs)


def test_markdown_mentions_nobody_and_refers_to_nothing() -> None:
    assert not re.search(r"@\w|#\d", markdown(week()).replace("/#shop", ""))


def test_what_was_withdrawn_is_told_apart_and_what_is_behind_the_scenes_only_counted() -> None:
    told = week()
    assert [item.words for item in told.withdrawn] == ["Add cards"]
    assert "Tidy" not in markdown(told)
    assert "1 behind the scenes" in told.adds_up.replace("\u00a0", " ")


def test_the_mail_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    text = render.environment().get_template("export/week.html.jinja").render(page=week())
    seen = Seen(text)
    assert not {"script", "img", "link", "style"} & set(seen.tags)
    assert "class=" not in text
    assert HOSTILE.split(" ", 1)[1] in seen.text
    assert all(href.startswith("https://deploys.acme.test/") for href in seen.hrefs)


def test_without_an_address_of_its_own_the_site_gives_no_broken_links() -> None:
    made = book(RECORDS, {**SHOP, "site": {"name": "Shop", "timezone": "UTC"}})
    text = markdown(digest(made, Teller(made), Week.parse("2026-W47")))
    assert "](" not in text
