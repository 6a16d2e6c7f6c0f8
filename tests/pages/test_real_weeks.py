"""Whole trips: real git repositories, synced, linked, and read on the pages of their weeks."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.gitrepo import BEGIN, GitRepo

from deploybook import render
from deploybook.build.book import open_book
from deploybook.build.compose import sync
from deploybook.build.progress import Progress
from deploybook.config import load
from deploybook.history import History
from deploybook.pages.telling import Teller
from deploybook.pages.week import Weeks, pages, week_page
from deploybook.periods import Week

pytestmark = pytest.mark.xdist_group("real-weeks")

AS_OF = datetime(2026, 1, 9, 18, tzinfo=UTC)
WEEK = "2026-W02"


class Story:
    """A repository whose deployments are told as records; instants are hours after the first commit."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.repo = GitRepo(root / name)
        self.records: list[dict[str, object]] = []

    def pull(self, number: int, title: str, *, base: str = "main", at: str | None = None) -> str:
        """A pull request with a commit of its own, merged by a merge commit; its merge."""
        self.repo.branch(f"pr-{number}", at or base)
        head = self.repo.commit(title)
        self.repo.pull_head(number, head)
        self.repo.switch(base)
        return self.repo.merge(
            f"pr-{number}", f"Merge pull request #{number} from acme/pr-{number}\n\n{title}"
        )

    def squash(self, number: int, title: str, files: dict[str, str] | None = None) -> str:
        """A pull request that became one commit."""
        return self.repo.commit(f"{title} (#{number})", files)

    def deploy(self, revision: str, **fields: object) -> None:
        """A deployment of a revision, an hour after what was made last."""
        self.repo.hours += 1
        number = len(self.records) + 1
        self.records.append({
            "type": "deployment", "codebase": self.name, "environment": "production", "id": str(number),
            "revision": revision, "outcome": "success",
            "finished_at": self.repo.at(self.repo.hours).isoformat(),
        } | fields)  # fmt: skip


def late_merge(story: Story) -> None:
    base = story.squash(1, "Begin")
    story.deploy(base)
    story.repo.branch("slow")
    story.repo.pull_head(2, story.repo.commit("Add what took long"))
    story.repo.switch("main")
    story.deploy(story.squash(3, "Add what was quick"))
    story.deploy(story.repo.merge("slow", "Merge pull request #2 from acme/slow\n\nAdd what took long"))


def reverts(story: Story) -> None:
    story.deploy(story.squash(1, "Begin"))
    first = story.squash(2, "Add and take back unseen")
    story.repo.commit(f'Revert "Add and take back unseen (#2)" (#3)\n\nThis reverts commit {first}.')
    story.deploy(story.squash(4, "Add what stays"))
    second = story.squash(5, "Add what is taken back")
    story.deploy(second)
    back = story.repo.commit(f'Revert "Add what is taken back (#5)" (#6)\n\nThis reverts commit {second}.')
    story.deploy(back)
    story.deploy(story.repo.commit(f'Revert "Revert what is taken back" (#7)\n\nThis reverts commit {back}.'))


def picks(story: Story) -> None:
    story.deploy(story.squash(1, "Begin", {"a": "1\n", "b": "1\n"}))
    story.repo.branch("release")
    story.repo.switch("main")
    story.squash(2, "Add what waits on main", {"c": "1\n"})
    clean = story.squash(3, "Fix the totals", {"a": "2\n"})
    hard = story.squash(4, "Fix the rounding", {"b": "2\n"})
    story.repo.switch("release")
    story.repo.commit(f"Fix the totals (#3)\n\n(cherry picked from commit {clean})", {"a": "2\n"})
    picked = story.repo.commit(
        f"Fix the rounding (#4)\n\n(cherry picked from commit {hard})", {"b": "2 here\n"}
    )
    story.deploy(picked)
    story.repo.switch("main")


def out_of_order(story: Story) -> None:
    story.deploy(story.squash(1, "Begin"))
    lower = story.squash(2, "Add the lower one")
    higher = story.squash(3, "Add the higher one")
    story.deploy(higher)
    story.deploy(lower)
    story.deploy(higher)


def back_and_forward(story: Story) -> None:
    first = story.squash(1, "Begin")
    story.deploy(first)
    second = story.squash(2, "Add what goes and comes back")
    story.deploy(second)
    story.deploy(first)
    story.deploy(second)


def partly(story: Story) -> None:
    story.deploy(story.squash(1, "Begin"))
    big = story.squash(2, "Add two things", {"a": "1", "b": "1"})
    story.deploy(big)
    story.deploy(
        story.repo.commit(f"Take out half of it (#3)\n\nThis partially reverts commit {big}.", {"b": "0"})
    )


def rebased(story: Story) -> None:
    """Two pull requests rebased onto main; only of the second does a forge tell."""
    story.deploy(story.squash(1, "Begin", {"a": "1"}))
    for number in (2, 3):
        story.repo.branch(f"topic-{number}")
        story.repo.commit(f"Prepare number {number}", {f"x{number}": "1"})
        story.repo.commit(f"Finish number {number}", {f"y{number}": "1"})
        story.repo.switch("main")
        story.repo.commit(f"Go on meanwhile (#{number + 10})", {f"z{number}": "1"})
        story.repo.git("rebase", "--quiet", "--committer-date-is-author-date", "main", f"topic-{number}")
        story.repo.switch("main")
        story.repo.git("merge", "--quiet", "--ff-only", f"topic-{number}")
    story.records.append({
        "type": "change", "codebase": "rebased", "id": "3", "title": "Finish number 3, rebased",
        "merged_at": story.repo.at(story.repo.hours).isoformat(), "merge_revision": story.repo.head(),
        "revisions": [story.repo.head("HEAD~1"), story.repo.head()],
    })  # fmt: skip
    story.deploy(story.repo.head())


STORIES = {
    "late-merge": late_merge, "reverts": reverts, "picks": picks, "out-of-order": out_of_order,
    "back-and-forward": back_and_forward, "partly": partly, "rebased": rebased,
}  # fmt: skip


def monorepo(root: Path) -> Story:
    story = Story(root, "mono")
    story.repo.commit("Begin (#1)", {"web/a": "1", "api/a": "1"})
    first = story.repo.head()
    story.repo.commit("Add to both sides (#2)", {"web/a": "2", "api/a": "2"})
    last = story.repo.commit("Add to the web only (#3)", {"web/b": "1"})
    for codebase in ("mono-web", "mono-api"):
        for revision in (first, last):
            story.deploy(revision, codebase=codebase)
    return story


def tagged(root: Path) -> GitRepo:
    """Versions by tag: a patch of an old line after a new major, and one on a side branch."""
    repo = GitRepo(root / "tagged")
    repo.commit("Begin (#1)")
    repo.tag("v1.0.0")
    repo.branch("v1")
    repo.switch("main")
    repo.commit("Add the new major (#2)")
    repo.tag("v2.0.0")
    repo.switch("v1")
    repo.commit("Fix the old line (#3)")
    repo.tag("v1.0.1")
    repo.switch("main")
    repo.branch("side")
    repo.commit("Prepare 2.1 (#4)")
    repo.tag("v2.1.0")
    repo.switch("main")
    repo.commit("Add what is not released (#5)")
    return repo


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The text of the week's page, cut by codebase: each change's row."""
    root = tmp_path_factory.mktemp("real")
    stories = []
    for name, tell in STORIES.items():
        story = Story(root, name)
        tell(story)
        stories.append(story)
    stories.append(monorepo(root))
    tagged(root)
    records = "".join(json.dumps(record) + "\n" for story in stories for record in story.records)
    (root / "history.jsonl").write_text(records)
    lines = ["site: {name: Real, timezone: UTC}", "sources: [{records: history.jsonl}]", "codebases:"]
    for name in STORIES:
        lines.append(
            f"  {name}: {{repository: {name}, release_branch: main, deployments: {{from: records}}}}"
        )
    for side in ("web", "api"):
        place = f"repository: mono, path: {side}, release_branch: main"
        lines.append(f"  mono-{side}: {{{place}, deployments: {{from: records}}}}")
    lines.append("  tagged: {repository: tagged, release_branch: main, deployments: {from: tags}}")
    (root / "deploybook.yml").write_text("\n".join(lines) + "\n")
    config = load(root / "deploybook.yml")
    with Progress(quiet=True, verbose=False) as progress:
        assert not sync(config, AS_OF, progress=progress).problems
        with History.open(config.history_url, root=config.root) as history:
            book = open_book(config, history, AS_OF, progress)
            tell_ = Teller(book)
            model = week_page(book, tell_, Week.parse(WEEK), Weeks(book))
            page = next(
                page for page in pages(book, tell_, Weeks(book), book.weeks) if page.path == f"shipped/{WEEK}"
            )
            text = render.page_markdown(render.environment(), page)
    assert BEGIN.date().isocalendar()[1] == 2
    assert model.adds_up
    items = re.findall(r"<li[^>]* id=\"([^\"]+)\"[^>]*>(.*?)</li>", text, re.DOTALL)
    rows = {anchor: words(row) for anchor, row in items}
    notes = re.findall(r"<div class=\"db-note[^>]*>(.*?)</div>", text, re.DOTALL)
    return rows | {f"note-{n}": words(note) for n, note in enumerate(notes)}


def words(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).replace("\u00a0", " ").split())


def of(weeks: dict[str, str], codebase: str) -> set[str]:
    return {
        anchor.removeprefix(f"{codebase}-") for anchor in weeks if re.fullmatch(rf"{codebase}-\d+", anchor)
    }


def withdrawn(weeks: dict[str, str], title: str) -> list[str]:
    return [row for key, row in weeks.items() if key.startswith("note-") and title in row]


def test_a_commit_made_before_a_release_and_merged_after_it_is_news_of_the_later_one(
    weeks: dict[str, str],
) -> None:
    assert of(weeks, "late-merge") == {"2", "3"}
    # Hours from 09:00: begin 0, deployed 2, slow commit 2, quick 3, deployed 5, merged 5, deployed 7.
    assert "live Mon 16:00" in weeks["late-merge-2"]
    assert "live Mon 14:00" in weeks["late-merge-3"]


def test_a_revert_pair_inside_one_deployment_is_no_news_and_across_two_is_told(weeks: dict[str, str]) -> None:
    assert not {"2", "3"} & of(weeks, "reverts")
    assert {"4", "5", "6", "7"} <= of(weeks, "reverts")
    assert withdrawn(weeks, "Add what is taken back")


def test_a_revert_of_a_revert_brings_it_back(weeks: dict[str, str]) -> None:
    assert "back" in weeks["reverts-5"]
    assert "withdrawn" not in weeks["reverts-5"]


def test_picks_are_told_once_as_their_originals_with_and_without_conflict(weeks: dict[str, str]) -> None:
    assert of(weeks, "picks") == {"3", "4"}


def test_two_releases_promoted_out_of_order_take_the_higher_one_out_and_bring_it_back(
    weeks: dict[str, str],
) -> None:
    assert of(weeks, "out-of-order") == {"2", "3"}
    assert "back" in weeks["out-of-order-3"]
    assert "out " not in weeks["out-of-order-2"].replace("out-of-order", "")


def test_production_moved_back_and_forward_again(weeks: dict[str, str]) -> None:
    assert re.search(r"live .*, out .*, back ", weeks["back-and-forward-2"])
    assert withdrawn(weeks, "Add what goes and comes back")


def test_part_of_a_change_reverted_withdraws_nothing(weeks: dict[str, str]) -> None:
    assert of(weeks, "partly") == {"2", "3"}
    assert not withdrawn(weeks, "Add two things")


def test_a_rebase_is_direct_pushes_to_git_alone_and_one_change_where_a_forge_tells(
    weeks: dict[str, str],
) -> None:
    assert of(weeks, "rebased") == {"3", "12", "13"}
    told = " ".join(row for anchor, row in weeks.items() if anchor.startswith("rebased-"))
    assert "Prepare number 2" in told
    assert "Finish number 2" in told
    assert "Finish number 3, rebased" in told
    assert "Prepare number 3" not in told


def test_a_change_of_two_codebases_is_told_in_both_and_one_of_one_in_one(weeks: dict[str, str]) -> None:
    assert of(weeks, "mono-web") == {"2", "3"}
    assert of(weeks, "mono-api") == {"2"}


def test_a_patch_of_an_old_line_and_a_tag_on_a_side_branch_withdraw_nothing(weeks: dict[str, str]) -> None:
    assert {"2", "3"} <= of(weeks, "tagged")
    assert "5" not in of(weeks, "tagged")
    assert not withdrawn(weeks, "Add the new major")
