"""Pages kept from build to build are those that a build from nothing makes, in whatever order news came."""

from __future__ import annotations

import random
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from tests.support.gitrepo import GitRepo

from deploybook.build.compose import docs_folder, render, sync
from deploybook.build.progress import Progress
from deploybook.config import load

CONFIG = """
site: {{name: {name}, timezone: Europe/Berlin}}
codebases:
  shop: {{repository: shop, deployments: {{from: tags}}}}
process:
  cut_off: {{weekday: wednesday, time: "12:00"}}
"""


def docs(root: Path, as_of: datetime) -> dict[str, bytes]:
    """Sync and render, and give what the site's builder would read."""
    config = load(root / "deploybook.yml")
    with Progress(quiet=True, verbose=False) as quiet:
        sync(config, as_of, progress=quiet)
        render(config, as_of, progress=quiet)
    folder = docs_folder(config)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Story:
    """A repository and its configuration, to which things happen by chance."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root, self.chance, self.number = root, chance, 0
        root.mkdir()
        self.repository = GitRepo(root / "shop")
        self.call("Shop")
        for happens in (self.release, self.change, self.release):
            happens()

    def call(self, name: str) -> None:
        (self.root / "deploybook.yml").write_text(CONFIG.format(name=name))

    def change(self) -> None:
        self.number += 1
        self.repository.commit(f"Improve step {self.number} (#{self.number})")

    def late(self) -> None:
        """A branch from long ago that is merged now."""
        self.number += 1
        self.repository.branch(
            f"late-{self.number}", self.repository.git("rev-list", "--max-parents=0", "HEAD")
        )
        self.repository.commit(f"Begun long ago {self.number}")
        self.repository.switch("main")
        self.repository.merge(f"late-{self.number}", f"Merge pull request #{self.number} from a/late\n\nLate")

    def revert(self) -> None:
        head = self.repository.head()
        self.repository.commit(
            f'Revert "{self.repository.git("log", "-1", "--format=%s")}"\n\nThis reverts commit {head}.'
        )

    def release(self) -> None:
        self.number += 1
        self.repository.commit(f"Prepare {self.number}")
        self.repository.tag(f"v1.{self.number}")

    def withdraw(self) -> None:
        """The newest tag goes, and with it a deployment."""
        tags = self.repository.git("tag", "--sort=-creatordate").split()
        if len(tags) > 1:
            self.repository.git("tag", "-d", tags[0])

    def wait(self) -> None:
        self.repository.hours += self.chance.choice((5, 24, 24 * 8))

    def rename(self) -> None:
        self.call(f"Shop {self.number}")

    def go_on(self) -> None:
        for _ in range(self.chance.randint(1, 5)):
            self.chance.choice(
                (self.change, self.late, self.revert, self.release, self.withdraw, self.wait, self.rename)
            )()


@pytest.mark.parametrize("seed", range(2))
def test_pages_kept_over_a_story_are_those_made_from_nothing(tmp_path: Path, seed: int) -> None:
    story = Story(tmp_path / "kept", random.Random(seed))
    for _ in range(3):
        story.go_on()
        now = story.repository.at(story.repository.hours + 1)
        kept = docs(story.root, now)
    fresh = tmp_path / "fresh"
    shutil.copytree(story.root, fresh, ignore=lambda *_: {"build"})
    assert docs(fresh, now) == kept
