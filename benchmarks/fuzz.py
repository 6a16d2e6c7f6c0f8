"""Feed the readers of outside text with what a fuzzer makes of it.

    python benchmarks/fuzz.py TARGET [-runs=N] [-max_total_time=SECONDS]

Needs atheris (Linux, Python 3.11 to 3.13; it is no dependency). Each target fails on any error but those that
the reader may raise, on text that comes out live, and on more than two seconds for an input of 4 kB. What it
finds is written to the folder it is started in, as `crash-…`; give that file as an argument to see it again.
"""

from __future__ import annotations

import html
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

with atheris.instrument_imports(include=["deploybook"]):
    from deploybook import messages, news, ownership, pipelines, records, text
    from deploybook.build.markup import tokens
    from deploybook.build.scan import Known, _markup
    from deploybook.news.notes import release_note
    from deploybook.sources.junit import cases
    from deploybook.sources.reports import ReportError

LONGEST = 4096
SECONDS = 2.0
KNOWN = Known(frozenset(), ())


def _text(data: bytes) -> str:
    """Any text, with lone surrogates for bytes that are none."""
    return data.decode("utf-8", "surrogateescape")


def escaping(data: bytes) -> None:
    """Escaped text holds no syntax of HTML, and reads as `plain` says."""
    value = _text(data)
    shown = str(text.escape(value))
    assert not re.search(r"[<>\"'`*_\[\]{}|\\]", shown), shown
    assert html.unescape(shown) == text.plain(value), shown
    assert not list(_markup(f'<p title="{shown}">{shown}</p>'.encode("utf-8", "replace"), KNOWN))


def linking(data: bytes) -> None:
    """A link is of a known scheme, or none."""
    found = text.link(_text(data))
    assert found is None or re.match(r"(https?://|mailto:)", html.unescape(str(found)), re.IGNORECASE), found
    assert found is None or not re.search(r"[<>\"'\s\\]", str(found)), found


def front_matter(data: bytes) -> None:
    """A title in front matter is that title and nothing else."""
    import yaml

    value = _text(data)
    loaded = yaml.safe_load(str(text.front_matter({"title": value})).strip().strip("-"))
    assert set(loaded) == {"title"}, loaded


def reading_records(data: bytes) -> None:
    """A line is a record or an error that says why."""
    try:
        record = records.parse(data)
    except records.RecordError:
        return
    assert records.parse(records.dump(record)) == record


def reading_owners(data: bytes) -> None:
    """CODEOWNERS of either dialect, and who owns some paths by it."""
    value = _text(data)
    for place in ("CODEOWNERS", ".gitlab/CODEOWNERS", "catalog-info.yaml"):
        read = ownership.read(
            ("src/a.py", "docs/b.md", place), {place: value.encode("utf-8", "replace")},
            location=None, folder=None, revision="0" * 40,
        )  # fmt: skip
        for path in ("src/a.py", "docs/b.md", place):
            if read.codeowners is not None:
                read.codeowners.of(path)


def reading_pipelines(data: bytes) -> None:
    """Workflow and GitLab files."""
    for place in (".github/workflows/a.yml", ".gitlab-ci.yml"):
        for pipeline in pipelines.read({place: data}, (place,)):
            assert pipeline.layers is not None
            assert pipeline.environments is not None


def reading_messages(data: bytes) -> None:
    """Commit messages: whose words, what they take back, which pull request."""
    value = _text(data)
    messages.parse(value)
    messages.author_email(value)
    news.tell(messages.author_name(value))
    release_note(value)


def reading_tests(data: bytes) -> None:
    """JUnit and its relatives."""
    try:
        list(cases(data))
    except ReportError:
        return


def scanning(data: bytes) -> None:
    """A page is read to its end, however it is made; a tag that runs is found behind anything."""
    list(tokens(data))
    assert list(_markup(data + b"<p onclick=a()>", KNOWN))


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (
        escaping, linking, front_matter, reading_records, reading_owners, reading_pipelines,
        reading_messages, reading_tests, scanning,
    )
}  # fmt: skip


SEEDS: dict[str, tuple[bytes, ...]] = {
    "reading_records": (
        b'{"type":"deployment","codebase":"a","id":"1","environment":"b","finished_at":"2026-01-05T09:00:00Z"}',
        b'{"type":"flag_change","flag":"a","environment":"b","changed_at":"2026-01-05T09:00:00+01:00","state":0.5}',
    ),
    "reading_owners": (
        b"* @a/b\n/docs/**/x?.[ch] a@b.test # c\n\\#x @c\n",
        b"^[Docs][2] @a\n*.md @b\n!/x\n[Docs]\n/a\\ b @@maintainer\n",
        b"kind: Component\nspec:\n  owner: team-a\n  system: b\n",
    ),
    "reading_pipelines": (
        b"on: {push: {branches: [main]}}\njobs:\n  a: {runs-on: x, environment: prod, steps: [{run: make}]}\n"
        b"  b: {needs: a, uses: ./.github/workflows/a.yml, strategy: {matrix: {e: [1, 2]}}}\n",
        b"stages: [a]\ninclude: {local: /x.yml}\n.b: &b {stage: a}\n"
        b"c: {<<: *b, extends: .b, script: [x], needs: [d]}\n",
    ),
    "reading_messages": (
        b"Merge pull request #12 from a/b\n\nfix(x)!: y\n\nThis reverts commit 0123456789abcdef.\n",
        b"## Release note\n```release-note\nWords\n```\nBREAKING CHANGE: z\n",
    ),
    "reading_tests": (
        b'<testsuite name="a"><testcase name="b" time="1.5"><failure/></testcase></testsuite>',
        b'<test-run><test-case fullname="a" result="Passed" duration="1"/></test-run>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><testsuite>&b;</testsuite>',
    ),
    "scanning": (b'<p class="a">b</p><!-- c --><script>go()</script>',),
}
"""Where a target starts from: without them a fuzzer hardly finds the grammar."""


def main() -> None:
    """Run one target until the fuzzer's own limits end it."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: fuzz.py TARGET [-runs=N] [-max_total_time=SECONDS]; one of: {', '.join(TARGETS)}")
    name = sys.argv.pop(1)
    target = TARGETS[name]

    def timed(data: bytes) -> None:
        began = time.process_time()
        target(data[:LONGEST])
        assert time.process_time() - began < SECONDS, "too slow"

    with TemporaryDirectory() as corpus:
        for number, seed in enumerate(SEEDS.get(name, ())):
            Path(corpus, str(number)).write_bytes(seed)
        again = any(Path(argument).is_file() for argument in sys.argv[1:])
        atheris.Setup(sys.argv if again else [*sys.argv, corpus], timed)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
