"""Which revision of a codebase a version is: that of its tag, or the revision that it names itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from deploybook.sources import gitcmd
from deploybook.sources.repository import Repository

_HEX = re.compile(r"[0-9a-f]{7,64}")


def tags_of(repository: Repository) -> dict[str, str]:
    """The revision of each tag, by its name."""
    return {ref.name.removeprefix("refs/tags/"): ref.revision for ref in repository.tags}


def revisions_of(versions: Iterable[str], form: str, own: Repository | None) -> dict[str, str]:
    """The full revision of each version that is known: the tag's, else the commit's that it is itself.

    Args:
        versions: Any of them, any number of times.
        form: Which tag or revision a version is, as `v{version}`.
        own: The codebase's repository; `None` where it has none.
    """
    if own is None:
        return {}
    tags = tags_of(own)
    found: dict[str, str] = {}
    named: dict[str, str] = {}
    for version in dict.fromkeys(versions):
        name = form.replace("{version}", version)
        if name in tags:
            found[version] = tags[name]
        elif _HEX.fullmatch(name.lower()):
            named[version] = name.lower()
    return found | _commits(own, named) if named else found


def _commits(repository: Repository, named: dict[str, str]) -> dict[str, str]:
    asked = [f"{name}^{{commit}}" for name in named.values()]
    said = gitcmd.run(repository.folder, "cat-file", "--batch-check", lines=asked).decode().splitlines()
    answers: Sequence[list[str]] = [line.split() for line in said if not line.startswith(" ")]
    return {
        version: answer[0]
        for version, answer in zip(named, answers, strict=False)
        if len(answer) == 3 and answer[1] == "commit"
    }
