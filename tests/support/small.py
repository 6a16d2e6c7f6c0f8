"""A site that builds in seconds: one real repository, some records, a page by hand. Its people and places are
told apart from all other words, so that a test can look for them.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.gitrepo import GitRepo

AS_OF = "2026-01-16T12:00:00Z"

CONFIG = """
site: {{name: Shop, timezone: Europe/Berlin{site}}}
codebases:
  shop:
    repository: {repository}
    team: checkout
    deployments: {{from: records}}
    incidents: {{from: records}}
    links: {{Panels: "https://panels.inside.test/?from={{from_ms}}"}}
teams:
  checkout: {{name: Checkout, members: [zelda], contact: zelda, chat: "#zelda-and-friends"}}
people:
  zelda: {{name: Zelda Quill, github: zelda-q, email: zelda@inside.test}}
  yorick: {{name: Yorick Vane, github: yorick-v}}
process:
  environments: [staging, production]
  cut_off: {{weekday: wednesday, time: "12:00"}}
  window: {{weekday: thursday, from: "10:00", to: "14:00"}}
  decides: {{rotation: keeper}}
rotations:
  keeper: {{members: [zelda, yorick], every: 1w, starts: 2026-01-05}}
corrections:
  - {{deployment: shop/1, failed: false, by: zelda, on: 2026-01-14, because: Yorick says it was karaoke}}
sources:
  - records: history/*.jsonl
"""

PRIVATE = ("zelda", "quill", "yorick", "vane", "inside.test", "the vault", "friends", "karaoke")
"""Lower-case words of people, of what an incident says, and of hosts of the company."""


def make(root: Path, *, site: str = "", repository: str = "shop") -> GitRepo:
    """Write the site repository and what it reads; returns the codebase's repository."""
    root.mkdir(parents=True, exist_ok=True)
    shop = GitRepo(root / "shop")
    shop.commit("Begin", {"CODEOWNERS": "* @zelda-q\n/docs yorick@inside.test\n"}, author="Zelda Quill")
    for number in range(1, 5):
        shop.branch(f"zelda-q/step-{number}")
        shop.commit(
            f"Make step {number}\n\nCo-authored-by: Yorick Vane <yorick@inside.test>", author="Zelda Quill"
        )
        shop.switch("main")
        shop.merge(
            f"zelda-q/step-{number}",
            f"Merge pull request #{number} from zelda-q/step-{number}\n\nImprove the shelf, part {number}",
            author="Yorick Vane",
        )
    (root / "deploybook.yml").write_text(CONFIG.format(site=site, repository=repository))
    (root / "docs").mkdir(exist_ok=True)
    (root / "docs/hand.md").write_text(
        "# By hand\n\n| a | b |\n|---|--:|\n| c | 1 |\n\n```yaml\na: 1\n```\n\n!!! note\n    Words.\n",
        "utf-8",
    )
    (root / "notes/weeks").mkdir(parents=True, exist_ok=True)
    (root / "notes/weeks/2026-W02.md").write_text("---\nby: yorick\n---\nA quiet week.\n", "utf-8")
    write_records(root, records(shop))
    return shop


def write_records(root: Path, rows: list[dict[str, object]]) -> None:
    """Write the records, one a line."""
    (root / "history").mkdir(exist_ok=True)
    (root / "history/all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def records(shop: GitRepo) -> list[dict[str, object]]:
    """Two deployments of which the second failed, its incident, a run, a lock, a switched flag."""
    common: dict[str, object] = {"codebase": "shop", "environment": "production", "by": "zelda-q"}
    commits = shop.git("rev-list", "--first-parent", "--reverse", "main").split()
    runs = "https://runs.inside.test/zelda-q/"
    return [
        {
            "type": "deployment", "id": str(number), "revision": revision, "outcome": "success",
            "started_at": f"2026-01-{day}T10:00:00Z", "finished_at": f"2026-01-{day}T10:20:00Z",
            "url": f"{runs}{number}", **common,
        }
        for number, day, revision in ((1, "08", commits[1]), (2, "13", commits[3]), (3, "15", commits[4]))
    ] + [
        {
            "type": "incident", "id": "77", "title": "Zelda left the vault open", "codebases": ["shop"],
            "started_at": "2026-01-13T11:00:00Z", "resolved_at": "2026-01-13T12:00:00Z", "severity": "high",
            "caused_by": [{"deployment": "shop/2"}], "url": "https://pager.inside.test/77",
        },
        {
            "type": "pipeline_run", "codebase": "shop", "id": "9", "pipeline": "ci", "outcome": "success",
            "revision": commits[4], "branch": "main", "started_at": "2026-01-15T09:00:00Z",
            "finished_at": "2026-01-15T09:10:00Z", "url": f"{runs}9",
        },
        {
            "type": "pipeline_run", "codebase": "shop", "id": "10", "pipeline": "ci", "outcome": "failure",
            "revision": commits[4], "branch": "yorick-v/step-9", "started_at": "2026-01-15T09:00:00Z",
            "finished_at": "2026-01-15T09:10:00Z",
        },
        {
            "type": "lock", "environment": "production", "claim": "c1", "codebase": "shop",
            "since": "2026-01-16T08:00:00Z", "holder": "yorick-v", "reason": "the vault is being cleaned",
        },
        {
            "type": "flag_change", "flag": "new-shelf", "environment": "production", "state": "on",
            "changed_at": "2026-01-14T08:00:00Z", "by": "yorick-v", "url": "https://flags.inside.test/new-shelf",
        },
        {
            "type": "shift", "rotation": "keeper", "person": "yorick-v",
            "from": "2026-01-12T00:00:00Z", "to": "2026-01-19T00:00:00Z",
        },
        {"type": "incident", "id": "78", "started_at": "Zelda cannot tell"},
    ]  # fmt: skip


def build(root: Path, *more: str, as_of: str = AS_OF) -> int:
    """Build the site by the command; returns its exit code."""
    from deploybook.cli import run

    return run(["build", "--quiet", "--config", str(root / "deploybook.yml"), "--as-of", as_of, *more])
