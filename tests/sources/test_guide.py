"""What the guide says of each source may be copied from it as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploybook.config import Config
from deploybook.config.sources import SOURCE_OPTIONS
from deploybook.sources import feeds

PAGES = Path(__file__).parents[2] / "docs/guide/sources"
OWN = "acme-flags"


def examples() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for page in sorted(PAGES.glob("*.md")):
        for text in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            example = yaml.safe_load(text)
            if "sources" in example:
                found.append((page.stem, example))
    return found


@pytest.mark.parametrize(
    "example", [example for _, example in examples()], ids=[page for page, _ in examples()]
)
def test_an_example_is_a_configuration_whose_sources_are_read(
    example: dict[str, Any], tmp_path: Path
) -> None:
    around: dict[str, Any] = {
        "codebases": {"shop-web": {}, "shop-api": {}, "till": {}}, "people": {"ana": {}},
        "process": {"environments": ["staging", "prod-eu", "production"]}, "rotations": {"on-call": {}},
    }  # fmt: skip
    wanted = {**around, **example}
    wanted["codebases"] = around["codebases"] | (example.get("codebases") or {})
    config = Config.of(wanted, root=tmp_path)
    kinds = {kind for source in example["sources"] for kind in source}
    if kinds == {OWN}:
        return  # of a package that is not installed here
    assert kinds <= SOURCE_OPTIONS.keys()
    own = {name for name, codebase in config.codebases.items() if codebase.repository}
    about = {"locks", *(f"git:{name}" for name in own)}
    read = [feed for feed in feeds(config, tmp_path) if feed.name not in about]
    # A forge is asked about the codebases whose repository is there.
    assert read or kinds <= {"github", "gitlab"}


def test_every_source_has_a_page_that_the_list_of_them_leads_to() -> None:
    listed = (PAGES / "index.md").read_text()
    for kind in SOURCE_OPTIONS.keys() - {"records"}:
        assert f"({kind}.md)" in listed
        assert (PAGES / f"{kind}.md").is_file()
