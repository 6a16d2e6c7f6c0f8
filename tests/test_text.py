"""Every text from outside is literal text wherever a template may put it."""

from __future__ import annotations

import csv
import io
import json
import time
from html.parser import HTMLParser
from urllib.parse import urlsplit
from xml.etree import ElementTree

import jinja2
import markdown
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from tests.support.payloads import PAYLOADS

from deploybook import text

EXTENSIONS = [
    *(
        "tables",
        "toc",
        "admonition",
        "def_list",
        "footnotes",
        "abbr",
        "attr_list",
        "md_in_html",
        "sane_lists",
    ),
    *("pymdownx.superfences", "pymdownx.details", "pymdownx.betterem", "pymdownx.caret", "pymdownx.tilde"),
    *("pymdownx.mark", "pymdownx.keys", "pymdownx.magiclink", "pymdownx.tasklist", "pymdownx.critic"),
    *("pymdownx.inlinehilite", "pymdownx.arithmatex", "pymdownx.smartsymbols", "pymdownx.tabbed"),
    *("pymdownx.snippets", "pymdownx.blocks.admonition", "pymdownx.emoji"),
]
"""What the site uses, and much that it must not: nothing of it may see syntax in a text."""

POSITIONS = {
    "paragraph": "{}",
    "middle of a paragraph": "Before {} after",
    "list item": "- {}\n- next",
    "heading": "## {}",
    "table": "| a | b |\n|---|---|\n| {} | x |",
    "link text": "[{}](../x/)",
    "emphasis": "**{}**",
    "definition": "term\n\n:   {}",
    "quotation": "> {}",
    "HTML block": '<div class="x">{}</div>',
    "HTML inline": 'Before <span class="x">{}</span> after',
    "attribute of a block": '<div title="{}">x</div>',
    "attribute inline": 'Before <b title="{}">x</b> after',
}


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.titles: list[str] = []
        self.written: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(sorted(name for name, _ in attrs))))
        self.titles += [value or "" for name, value in attrs if name == "title"]

    def handle_data(self, data: str) -> None:
        self.written.append(data)

    def handle_comment(self, data: str) -> None:
        self.elements.append(("comment", ()))

    def handle_decl(self, decl: str) -> None:
        self.elements.append(("declaration", ()))

    def handle_pi(self, data: str) -> None:
        self.elements.append(("instruction", ()))


_READER = markdown.Markdown(extensions=EXTENSIONS)


def _seen(source: str) -> _Seen:
    seen = _Seen()
    seen.feed(_READER.reset().convert(source))
    seen.close()
    return seen


def _squeezed(value: str) -> str:
    return " ".join(value.split())


def _assert_literal(value: str, position: str) -> None:
    template = POSITIONS[position]
    shown, plain = _seen(template.format(text.escape(value))), text.plain(value)
    harmless = _seen(template.format("harmless"))
    assert shown.elements == harmless.elements
    if "title=" in template:
        assert shown.titles == [plain]
    else:
        expected = "".join(harmless.written).replace("harmless", plain)
        assert _squeezed("".join(shown.written)) == _squeezed(expected)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("name", [name for name in PAYLOADS if PAYLOADS[name].strip()])
def test_a_payload_is_text_in_every_position(name: str, position: str) -> None:
    _assert_literal(PAYLOADS[name], position)


@settings(max_examples=150, deadline=None)
@given(
    value=st.one_of(
        st.text(max_size=80),
        st.text(st.sampled_from("ab1 \n\t[](){}<>*_`~^=+-#!|:.@&;$\\/\"'?%"), max_size=40),
    ).filter(lambda value: text.plain(value).strip()),
    position=st.sampled_from(sorted(POSITIONS)),
)
@example(value="0:0", position="paragraph")
@example(value="0\N{NO-BREAK SPACE}", position="emphasis")
@example(value="\N{NARROW NO-BREAK SPACE}0", position="emphasis")
def test_any_text_is_text_in_every_position(value: str, position: str) -> None:
    _assert_literal(value, position)


@given(st.text())
def test_what_is_plain_stays_as_it_is(value: str) -> None:
    once = text.plain(value, limit=None)
    unwrapped = once.removeprefix("\u2068").removesuffix("\u2069")
    assert text.plain(unwrapped, limit=None) == once


@given(st.text(), st.integers(2, 40))
def test_a_text_is_never_longer_than_its_limit(value: str, limit: int) -> None:
    assert len(text.plain(value, limit=limit).strip("\u2068\u2069")) <= limit


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a  b\n\tc ", "a b c"),
        ("invoice\u202efdp.exe", "invoice�fdp.exe"),
        ("pay\u200bpal", "paypal"),
        ("a\x00b\x1bc", "a�b�c"),
        ("a\ud800b", "a�b"),
        ("e" + "\u0301" * 300, "e" + "\u0301" * 4),
        ("👩‍👩‍👧‍👦 1️⃣", "👩‍👩‍👧‍👦 1️⃣"),
        ("a\u200db", "ab"),
        ("می\u200cخواهم", "\u2068می\u200cخواهم\u2069"),
        ("2.4\u00a0days", "2.4\u00a0days"),
        ("x" * 501, "x" * 499 + "…"),
    ],
)
def test_what_a_reader_cannot_see_is_taken_away_or_shown(written: str, shown: str) -> None:
    assert text.plain(written) == shown


def test_plain_words_are_not_made_unreadable() -> None:
    assert text.escape("Pay with one tap, 2.4 days in shop-web. Done") == (
        "Pay with one tap, 2.4 days in shop-web. Done"
    )


def test_line_ends_may_become_breaks() -> None:
    assert text.escape("a\r\n\r\n\r\n<b>\n", breaks=True) == "a<br><br>&lt;b&gt;"


def test_what_is_ours_passes_and_numbers_are_written() -> None:
    assert text.escape(Markup("<b>x</b>")) == "<b>x</b>"
    assert [text.escape(value) for value in (3, 2.5, -1)] == ["3", "2.5", "&#45;1"]


@pytest.mark.parametrize("value", [None, True, [], float("nan"), b"x"])
def test_what_has_no_wording_is_an_error_of_the_template(value: object) -> None:
    with pytest.raises(TypeError, match="wording"):
        text.escape(value)


def test_jinja_escapes_once_and_only_what_is_not_markup() -> None:
    environment = jinja2.Environment(autoescape=True, finalize=text.escape)
    template = environment.from_string(
        '{% macro b(x) %}<b title="{{ x }}">{{ x }}</b>{% endmacro %}# {{ b(title) }}'
    )
    assert template.render(title="*<i>*") == ('# <b title="&#42;&lt;i&gt;&#42;">&#42;&lt;i&gt;&#42;</b>')


@pytest.mark.parametrize("name", ["brackets", "brackets and parentheses", "stars", "angles", "megabyte"])
def test_a_hostile_length_takes_no_time(name: str) -> None:
    started = time.process_time()
    for template in POSITIONS.values():
        markdown.markdown(template.format(text.escape(PAYLOADS[name])), extensions=["tables", "toc"])
    assert (time.process_time() - started) / len(POSITIONS) < 0.2


@pytest.mark.parametrize(
    ("url", "href"),
    [
        ("https://example.org/a?b=c&d=[e]#f", "https://example.org/a?b=c&amp;d=%5Be%5D#f"),
        ("HTTP://EXAMPLE.org:8080/%20", "http://example.org:8080/%20"),
        ("https://müller.example/ü", "https://xn--mller-kva.example/%C3%BC"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("mailto:a.b@example.org", "mailto:a.b@example.org"),
        ("https://example.org/'*`", "https://example.org/%27%2A%60"),
    ],
)
def test_a_whole_address_is_a_link(url: str, href: str) -> None:
    assert text.link(url) == href


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript:alert(1)",
            "\x01javascript:alert(1)",
        ),
        *(
            "javascript&colon;alert(1)",
            "&#106;avascript:alert(1)",
            "javascript%3Aalert(1)",
            "data:text/html,x",
        ),
        *(
            "vbscript:x",
            "file:///etc/passwd",
            "//example.org/x",
            "/x",
            "x",
            "../x",
            "#x",
            "https:x",
            "https://",
        ),
        *(
            "https:/\\example.org",
            "https:\\\\example.org",
            "http://user:word@example.org/",
            "http://@example.org",
        ),
        *(
            "https://example.org/a b",
            "https://example.org/\n",
            "https://example.org/\u202e",
            "ftp://example.org",
        ),
        *(
            "https://example.org:99999/",
            "http://exa%6Dple.org/",
            "mailto:a@b.c?body=x",
            "mailto:x",
            "http://[x/",
        ),
        *("https://exa<mple.org", 'https://example.org/"', "https://example.org/" + "a" * 3000, "a\ud800"),
        *("blob:https://example.org/x", "https://example.org/\ud800", "view-source:https://example.org"),
    ],
)
def test_anything_else_is_no_link(url: str) -> None:
    assert text.link(url) is None


@settings(max_examples=200)
@given(st.text(st.sampled_from("htps:/\\@.%&#;?=[]()<>\"'a1jvscript\t\nü"), max_size=60), st.booleans())
def test_a_link_is_always_a_known_scheme_with_nothing_html_reads(value: str, prefixed: bool) -> None:
    href = text.link(f"https://a.example/{value}" if prefixed else value)
    if href is not None:
        assert urlsplit(href.unescape()).scheme in ("http", "https", "mailto")
        assert not set(href) & set("<>\"'`\\*[] \t\n")


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
@example("</script><!--")
def test_json_in_a_script_reads_back_and_cannot_end_it(value: object) -> None:
    written = text.json_for_script(value)
    assert json.loads(written) == value
    assert not set(written) & set("<>&\u2028\u2029'")


@given(st.text())
@example("=1+1")
@example("\t=1")
@example(" @x")
@example("＝1")
def test_no_cell_of_a_spreadsheet_is_a_formula(value: str) -> None:
    cell = text.csv_cell(value)
    assert not cell.strip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    out = io.StringIO()
    csv.writer(out).writerow([cell, "next"])
    assert next(csv.reader(io.StringIO(out.getvalue(), newline="")))[-1] == "next"


@pytest.mark.parametrize("name", PAYLOADS)
def test_front_matter_reads_back_as_one_title_without_markup(name: str) -> None:
    block = text.front_matter({"title": PAYLOADS[name], "search": {"exclude": True}, "weight": 3})
    lines = str(block).split("\n")
    assert (lines[0], lines[-2], lines.count("---")) == ("---", "---", 2)
    read = yaml.safe_load("\n".join(lines[1:-2]))
    assert set(read) == {"title", "search", "weight"}
    assert read["search"] == {"exclude": True}
    assert not set(read["title"]) & set("<>\"'")
    assert not set(Markup(read["title"]).unescape()) & set("<>")


def test_front_matter_takes_nothing_that_would_not_read_back() -> None:
    with pytest.raises(TypeError, match="front matter"):
        text.front_matter({"title": None})


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Pay with one tap!", "pay-with-one-tap"),
        ("Größe Ø", "grosse-o"),
        ("", "x-e3b0c442"),
        ("a" * 99, "a" * 60),
    ],
)
def test_a_slug_is_ascii_words(value: str, name: str) -> None:
    assert text.slug(value) == name


@given(st.text())
def test_a_slug_is_safe_and_always_the_same(value: str) -> None:
    name = text.slug(value)
    assert name == text.slug(value)
    assert name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(name) <= 60


def test_words_of_other_scripts_keep_apart() -> None:
    assert text.slug("支払い") != text.slug("検索")


@given(st.text())
@example(PAYLOADS["feed break"])
@example(PAYLOADS["controls"])
def test_a_feed_reads_back_the_plain_text(value: str) -> None:
    element = ElementTree.fromstring(f'<a b="{text.xml_text(value)}">{text.xml_text(value)}</a>')
    assert (element.text or "") == text.plain(value)
    assert element.get("b") == text.plain(value)
    assert len(element) == 0


@given(
    st.sampled_from(["http://", "https://", "HTTPS://"]),
    st.text(alphabet="aZ9./?#:@%&-;=~_[]'+\xe9 ", max_size=14),
)
def test_most_addresses_pass_as_they_would_if_taken_apart(scheme: str, rest: str) -> None:
    for url in (scheme + rest, f"{scheme}a.example/{rest}", f"{scheme}a.example?{rest}", f"{scheme}{rest}.b"):
        assert text.link(url) == text._judged_link(url)


@given(
    st.text(alphabet="a <\n\t\x00\x7f\xad\xe9~", max_size=12), st.sampled_from([None, 4, 8]), st.booleans()
)
def test_a_text_that_needs_no_change_is_the_one_that_would_be_made_of_it(
    value: str, limit: int | None, breaks: bool
) -> None:
    made = text.plain(value, limit=limit, breaks=breaks)
    assert text.plain(f"{value}\N{ZERO WIDTH SPACE}", limit=limit, breaks=breaks) == made
