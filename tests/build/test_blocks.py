"""HTML blocks that are put aside early give the page that Python-Markdown makes by itself."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import markdown
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import small

from deploybook.build.blocks import Blocks
from deploybook.build.job import Job, Part
from deploybook.config.init import MKDOCS_MARKER

EXTENSIONS = ["tables", "toc", "admonition", "def_list", "footnotes", "pymdownx.superfences"]

TEXTS = st.sampled_from(
    ["words", "&amp;", "&#96;", "&lt;b&gt;", "&copy", "&", "a < b", "`code`", "**bold**", "\n", "\n\n", "  ",
     "\t"]
)  # fmt: skip
ATTRIBUTES = st.sampled_from(
    ["", ' class="a b"', ' id="here"', ' id="a&amp;b"', " hidden", ' title="1 > 0"', ' data-x="&#60;"',
     " id=bare", ' x="<"', " `", ' a="1"b="2"', "\n id='quoted'", ' viewBox="0 0 1 1"', ' title="\n\n"']
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "div",
        "section",
        "p",
        "ul",
        "li",
        "table",
        "td",
        "span",
        "a",
        "b",
        "svg",
        "path",
        "h2",
        "pre",
        "code",
        "DIV",
    ]
)


def element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda name, attributes, inner: f"<{name}{attributes}>{''.join(inner)}</{name}>",
        NAMES, ATTRIBUTES, st.lists(children, max_size=4),
    )  # fmt: skip


WELL = st.recursive(
    TEXTS | st.sampled_from(["<br>", "<img alt=''>", "<path d='M0'/>", '<img alt="">']), element
)
ODD = st.sampled_from(
    ["<div>", "</div>", "</span>", "<!-- a -->", "<!--", "<hr>", "<hr/>", "<div/>", "<script>a<b</script>",
     "<", "<?php", "<![CDATA[x]]>", "</ div>", "</div >", "</div x>", "<p", "<script>", "<style>", "</>",
     "<br/>",
     "```\n<div>\n```", "    <div>", " <div>in</div>", "- <div>", "> <div>x</div>", "<x-y>", "<textarea>"]
)  # fmt: skip
BETWEEN = st.sampled_from(
    ["\n\n", "\n", "", " \n\n", "\n \n", "\n\n\n", "\n\n## Heading\n\n", "\n\n    ", " "]
)
PAGES = st.lists(st.tuples(WELL | element(WELL) | ODD, BETWEEN), max_size=8).map(
    lambda parts: "".join(text for part in parts for text in part)
)


@settings(max_examples=600, deadline=None)
@given(PAGES)
def test_a_page_is_what_it_is_without(page: str) -> None:
    plain = markdown.Markdown(extensions=EXTENSIONS)
    early = markdown.Markdown(extensions=[*EXTENSIONS, Blocks()])
    assert early.convert(page) == plain.convert(page)
    assert early.toc_tokens == plain.toc_tokens


def test_what_the_templates_write_is_put_aside_whole_with_its_ids() -> None:
    page = (
        '---\n\n<h1 id="top">A &lt; b</h1>\n\n## Two\n\n<div id="a&amp;b"><p>x<br>y</p>\n\n'
        '<svg id="drawn"><path d="M0"/></svg>\n</div>\n\nwords\n'
    )
    blocks = Blocks()
    md = markdown.Markdown(extensions=[blocks])
    md.convert(page)
    assert blocks.ids == {"top", "a&b", "drawn"}
    assert [re.sub(r"\s.*", "", each, flags=re.S) for each in md.htmlStash.rawHtmlBlocks] == ["<h1", "<div"]


def test_a_page_with_html_in_an_extension_s_own_way_is_left_to_it() -> None:
    page = '<div markdown="1">\n\n**bold**\n\n</div>\n\n'
    assert "<strong>" in markdown.markdown(page, extensions=["md_in_html", Blocks()])


STATE = """# Part {number}

Words[^1] and more[^note].

## The same

!!! note "Title"
    Inside

## The same

```python
x = {number}
```

| a | b |
|---|--:|
| 1 | 2 |

Term
:   Its definition, [elsewhere][ref]

<div id="raw">kept *as it is*</div>

[^1]: One {number}
[^note]: Two
[ref]: by-hand-{other}.md#the-same
"""
"""A page with all that an extension remembers of a document."""


def test_pages_are_byte_for_byte_those_of_mkdocs_own_command(tmp_path: Path) -> None:
    small.make(tmp_path)
    (tmp_path / "docs").mkdir(exist_ok=True)
    for number in range(3):
        text = STATE.format(number=number, other=(number + 1) % 3)
        (tmp_path / f"docs/by-hand-{number}.md").write_text(text if number else text.replace("[^note]", ""))
    assert small.build(tmp_path) == 0
    settings_, bare, ours = tmp_path / "build/mkdocs.yml", tmp_path / "bare", tmp_path / "ours"
    ours.mkdir()
    job = Job(str(settings_), str(tmp_path / "build/cache/theme"), (Part(str(ours)),))
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "SOURCE_DATE_EPOCH": "0"}
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", str(settings_)]
    subprocess.run([*command, "--site-dir", str(bare)], check=True, env=environment)
    share = subprocess.Popen(
        [sys.executable, "-m", "deploybook.build.share"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment, text=True,
    )  # fmt: skip
    assert share.stdin is not None
    share.stdin.write(job.line())
    share.stdin.flush()  # and not closed: it would end
    assert share.wait() == 0
    share.stdin.close()
    pages = sorted(path.relative_to(bare) for path in bare.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        assert (ours / page).read_bytes() == (bare / page).read_bytes()
    assert b"footnote" in (bare / "by-hand-1/index.html").read_bytes()


def test_a_link_to_an_id_within_a_block_is_known_and_one_to_none_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.make(tmp_path)
    settings_ = "strict: true\nvalidation: {anchors: warn}\n"
    (tmp_path / "mkdocs.yml").write_text(f"{MKDOCS_MARKER}\n{settings_}")
    (tmp_path / "docs").mkdir(exist_ok=True)
    hand = tmp_path / "docs/by-hand.md"
    assert small.build(tmp_path) == 0
    week = "shipped/2026-W03/index.md"
    known = re.findall(r'\sid="([^"]+)"', (tmp_path / "build/docs" / week).read_text())[0]
    hand.write_text(f"# By hand\n\n[there]({week}#{html.unescape(known)})\n")
    assert small.build(tmp_path) == 0
    hand.write_text(f"# By hand\n\n[there]({week}#nowhere-at-all)\n")
    assert small.build(tmp_path) != 0
    assert "nowhere-at-all" in capsys.readouterr().err
