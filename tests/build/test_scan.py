"""What is built is looked at before it is published, by a reader that does not trust how it was made."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.payloads import PAYLOADS

from deploybook import text
from deploybook.build.scan import Known, check, scan
from deploybook.errors import EXIT_FAILED, PublishError

HEAD = '<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="x">'
KNOWN = Known(scripts=frozenset({b"go()"}), folders=(), url="https://deploys.acme.test/")


def findings(folder: Path, body: str, name: str = "index.html", known: Known = KNOWN) -> list[str]:
    content = HEAD + body if name.endswith(".html") else body
    (folder / name).write_bytes(content.encode("utf-8", "surrogatepass"))
    return [finding.what for finding in scan(folder, name, known)]


@pytest.mark.parametrize(
    "body",
    [
        "<p class='a'>Words &lt;script&gt;alert(1)&lt;/script&gt; a < b</p>",
        '<a href="https://forge.test/1">1</a> <a href="../a/#x">2</a> <a href="mailto:a@acme.test">3</a>',
        "<script>go()</script>",
        '<script src="../assets/a.js" defer></script>',
        '<script type="application/json">{"a": "\\u003c"}</script>',
        '<img src="data:image/png;base64,AA==" alt="a > b"> <img src="a.png" alt>',
        '<link rel="canonical" href="https://deploys.acme.test/shipped/">',
        '<svg viewBox="0 0 1 1"><path d="M0 0"/><a href="#a"><circle r="1"></circle></a></svg>',
        "<!-- a remark --><p>Words</p>",
        '<p title="onclick=alert(1) and style=red">Words</p>',
    ],
)
def test_what_a_page_of_ours_holds_passes(tmp_path: Path, body: str) -> None:
    assert findings(tmp_path, body) == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<script>alert(1)</script>", "script that is not known"),
        ("<SCRIPT >alert(1)</SCRIPT >", "script that is not known"),
        ("<script>go()</script x>alert(1)</script>", "script that is not known"),
        ("<script>go()", "without an end"),
        ('<script src="//evil.test/a.js"></script>', "from elsewhere"),
        ('<script src="https://evil.test/a.js"></script>', "from elsewhere"),
        ('<script src="\\\\evil.test/a.js"></script>', "from elsewhere"),
        ('<script src="data:text/javascript,alert(1)"></script>', "from elsewhere"),
        ('<script type="application/json">{}--><img src=x></script>', "data block"),
        ('<p onclick="alert(1)">x</p>', "onclick"),
        ("<p/onclick=alert(1)>x</p>", "cannot be read"),
        ("<p class=a ONCLICK = alert(1)>x</p>", "onclick"),
        ("<svg><a onfocus=alert(1)>x</a></svg>", "onfocus"),
        ('<p class="a"onclick="alert(1)">x</p>', "cannot be read"),
        ('<a href="javascript:alert(1)">x</a>', "scheme javascript"),
        ('<a href="&#106;avascript&colon;alert(1)">x</a>', "scheme javascript"),
        ('<a href=" java\nscript:alert(1)">x</a>', "scheme javascript"),
        ('<a href="data:text/html,x">x</a>', "scheme data"),
        ('<svg><a xlink:href="javascript:alert(1)">x</a></svg>', "scheme javascript"),
        ('<img src="https://evil.test/p.png">', "from elsewhere"),
        ('<img src="a.png" srcset="//evil.test/p.png 2x">', "srcset"),
        ('<link rel="stylesheet" href="https://evil.test/a.css">', "from elsewhere"),
        ('<link rel="canonical" href="https://evil.test/">', "another site"),
        ('<meta http-equiv="refresh" content="0; url=//evil.test">', "refresh"),
        ('<form action="https://evil.test/">x</form>', "from elsewhere"),
        ('<p style="background: url(//evil.test)">x</p>', "style"),
        ("<style>p { color: red }</style>", "<style>"),
        ('<iframe src="a.html"></iframe>', "<iframe>"),
        ('<svg><animate attributeName="href" values="javascript:alert(1)"/></svg>', "<animate>"),
        ('<base href="/elsewhere/">', "<base>"),
        ("<!--><script>alert(1)</script>-->", "script that is not known"),
        ("<!-- <script>alert(1)</script> -->", "script that is not known"),
        ('<!-- <a title="--><p onclick=alert(1)>', "onclick"),
        ('<title><a title="</title><script>alert(1)</script>', "script that is not known"),
        ("<p title='a\" onclick=alert(1) b'>x<p onclick=alert(2)>", "onclick"),
        ("<p title=`<`onclick=alert(1)>x</p>", "cannot be read"),
        ("<![CDATA[<script>alert(1)</script>]]>", "script that is not known"),
        ("<a ping='https://evil.test/' href='#'>x</a>", "ping"),
    ],
)  # fmt: skip
def test_what_runs_loads_or_hides_stops_the_publishing(tmp_path: Path, body: str, says: str) -> None:
    found = findings(tmp_path, body)
    assert [what for what in found if says in what], found


def test_a_page_without_a_policy_stops_the_publishing(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><p>Words</p>")
    assert [f.what for f in scan(tmp_path, "index.html", KNOWN)] == [
        "a page without a content security policy"
    ]


def test_a_script_of_the_theme_passes_only_as_a_true_copy_at_its_own_path(tmp_path: Path) -> None:
    theme = tmp_path / "theme"
    theme.mkdir()
    (theme / "a.js").write_text("go()")
    known = Known(frozenset(), (theme,))
    site = tmp_path / "site"
    site.mkdir()
    assert findings(site, "go()", "a.js", known) == []
    assert findings(site, "go();", "a.js", known) != []
    assert findings(site, "go()", "b.js", known) != []
    assert findings(site, "p { color: red }", "b.css", known) != []


def test_a_drawing_is_read_as_a_page(tmp_path: Path) -> None:
    assert findings(tmp_path, '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>', "a.svg") == []
    assert findings(tmp_path, "<svg><script>alert(1)</script></svg>", "a.svg") != []
    assert findings(tmp_path, '<svg onload="alert(1)"/>', "a.svg") != []


def test_what_a_feed_and_the_search_index_show_as_html_is_read_too(tmp_path: Path) -> None:
    entry = '<entry><title>&lt;script&gt;</title><content type="html">{}</content></entry>'
    assert findings(tmp_path, entry.format("&lt;p>Words&lt;/p>"), "feed.xml") == []
    assert findings(tmp_path, entry.format("&lt;p onclick=a()>Words&lt;/p>"), "feed.xml") != []
    for name, rows in (("feed.json", "items"), ("search_index.json", "docs")):
        key = "content_html" if rows == "items" else "text"
        assert findings(tmp_path, json.dumps({rows: [{key: "<p>Words</p>"}]}), name) == []
        assert findings(tmp_path, json.dumps({rows: [{key: "<img src=x onerror=a()>"}]}), name) != []
    assert findings(tmp_path, json.dumps({"rows": [{"title": "<script>"}]}), "data.json") == []


def test_the_publishing_fails_and_names_the_first_of_many(tmp_path: Path) -> None:
    names = [f"{number}.html" for number in range(30)]
    for name in names:
        (tmp_path / name).write_text(f"{HEAD}<p onclick=a()>x</p>")
    with pytest.raises(PublishError, match="20 more") as error:
        check(tmp_path, names, KNOWN)
    assert "an attribute onclick of <p>" in str(error.value)
    assert error.value.exit_code == EXIT_FAILED


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_every_payload_passes_once_escaped_and_as_a_title_attribute(tmp_path: Path, payload: str) -> None:
    shown = text.escape(payload)
    assert findings(tmp_path, f'<p title="{shown}">{shown}</p>') == []


MARKUP = st.lists(
    st.sampled_from(
        [
            "<",
            ">",
            '"',
            "'",
            "=",
            "/",
            " ",
            "\n",
            "<!--",
            "-->",
            "--!>",
            "a",
            "p",
            "title",
            "<p",
            "<a ",
            "`",
            "\\",
        ]
    ),
    max_size=12,
).map("".join)


@given(MARKUP)
@settings(max_examples=150, deadline=None)
def test_nothing_before_a_running_attribute_hides_it(before: str) -> None:
    """Whatever stands before it, a tag that a browser could see as running is found, or cannot be read."""
    with TemporaryDirectory() as folder:
        assert findings(Path(folder), f"{before}<p onclick=a()>")
