"""A page that is remembered is the page that would be made; what makes it another, makes it anew."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment
from markupsafe import Markup

from deploybook import text
from deploybook.pages.page import File, Page
from deploybook.render import Remembered, Written, edition, environment, write

TEMPLATES = {"list": "{% for row in page.rows %}- {{ row }}\n{% endfor %}", "one": "{{ page.rows|length }}\n"}


@dataclass(frozen=True)
class Listed:
    rows: tuple[str, ...]


JINJA = Environment(loader=DictLoader(TEMPLATES), autoescape=True, finalize=text.escape)  # as in a build
WORDS = st.text(alphabet="ab<&*\n", max_size=3)
PAGES = st.builds(
    Page,
    st.sampled_from(["", "a", "a/b", "c"]),
    st.sampled_from(sorted(TEMPLATES)),
    WORDS,
    st.builds(Listed, st.lists(WORDS | WORDS.map(Markup), max_size=3).map(tuple)),
    st.booleans(),
)
SITES = st.lists(PAGES, max_size=4, unique_by=lambda page: page.path)


def rendered(out: Path, pages: list[Page], made_by: str | None = None) -> Written:
    remembered = Remembered(out / "pages.json", made_by) if made_by else None
    return write(JINJA, [lambda: pages], None, out / "docs", remembered=remembered)


def content(out: Path) -> dict[str, bytes]:
    folder = out / "docs"
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(SITES, st.sampled_from("xy")), min_size=1, max_size=5))
def test_whatever_came_before_a_folder_is_as_if_made_from_nothing(
    history: list[tuple[list[Page], str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        grown, fresh = Path(folder, "grown"), Path(folder, "fresh")
        for pages, made_by in history:
            rendered(grown, pages, made_by)
        rendered(fresh, history[-1][0])
        assert content(grown) == content(fresh)


def page(*rows: str) -> Page:
    return Page("week", "list", "Week", Listed(rows))


class Counting(Environment):
    """Templates that count how often one was asked for."""

    asked = 0

    def get_template(self, *arguments: object, **others: object):  # type: ignore[no-untyped-def]
        self.asked += 1
        return super().get_template(*arguments, **others)  # type: ignore[arg-type]


def made_anew(out: Path, one: Page, made_by: str = "x") -> bool:
    """Render and tell whether the page was made."""
    jinja = Counting(loader=DictLoader(TEMPLATES), autoescape=True, finalize=text.escape)
    write(jinja, [lambda: [one]], None, out / "docs", remembered=Remembered(out / "pages.json", made_by))
    return jinja.asked > 0


def test_a_page_made_from_the_same_is_not_made_again(tmp_path: Path) -> None:
    assert made_anew(tmp_path, page("a"))
    assert not made_anew(tmp_path, page("a"))
    assert not made_anew(tmp_path, page("a"))
    assert made_anew(tmp_path, page("b"))


def test_text_from_outside_is_not_taken_for_markup_of_the_same_letters(tmp_path: Path) -> None:
    assert made_anew(tmp_path, page("<b>"))
    assert made_anew(tmp_path, page(Markup("<b>")))


def test_other_code_or_templates_make_every_page_anew(tmp_path: Path) -> None:
    made_anew(tmp_path, page("a"), "x")
    assert made_anew(tmp_path, page("a"), "y")


def test_a_file_that_was_written_to_or_is_gone_is_made_anew(tmp_path: Path) -> None:
    made_anew(tmp_path, page("a"))
    file = tmp_path / "docs/week/index.md"
    right = file.read_bytes()
    file.write_bytes(right[:-2] + b"z\n")
    assert made_anew(tmp_path, page("a"))
    assert file.read_bytes() == right
    file.unlink()
    assert made_anew(tmp_path, page("a"))
    assert file.read_bytes() == right


def test_what_is_kept_and_cannot_be_read_is_as_if_there_were_none(tmp_path: Path) -> None:
    made_anew(tmp_path, page("a"))
    for spoilt in (b"", b"[]", b'{"edition": "x"}', b'{"edition": "x", "pages": {"a": [1]}}', b"\xff"):
        (tmp_path / "pages.json").write_bytes(spoilt)
        assert made_anew(tmp_path, page("a"))


def test_an_edition_is_the_same_until_a_template_or_a_module_changes(tmp_path: Path) -> None:
    assert edition(tmp_path, tmp_path) == edition(tmp_path, tmp_path)
    seen = {edition(tmp_path, tmp_path)}
    for name in ("a.jinja", "a.py", "_macros/b.jinja"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        for words in ("one", "two"):
            file.write_text(words)
            seen.add(edition(tmp_path, tmp_path))
    assert len(seen) == 7


def test_files_that_are_served_as_they_are_are_compared_as_ever(tmp_path: Path) -> None:
    one = [lambda: [File("data/a.csv", b"a\n")]]
    remembered = Remembered(tmp_path / "pages.json", "x")
    assert write(environment(), one, None, tmp_path / "docs", remembered=remembered).changed == 1
    assert write(environment(), one, None, tmp_path / "docs", remembered=remembered).changed == 0
