"""Issues of a tracker that a change names by their keys, as `SHOP-12`, in its title, branch or body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from deploybook.records import Change, Issue, IssueLink

_KEY = re.compile(r"(?<![A-Za-z0-9-])[A-Z][A-Z0-9]{1,9}-\d{1,7}(?![A-Za-z0-9])")
_READ = 10_000
"""Characters of a body that are looked at."""


def by_key(issues: Iterable[Issue]) -> dict[str, IssueLink]:
    """The issues that have a key, as changes link them."""
    return {
        each.id: IssueLink(id=each.id, title=each.title, url=each.url, labels=each.labels)
        for each in issues
        if _KEY.fullmatch(each.id)
    }


def linked(change: Change, known: Mapping[str, IssueLink]) -> Change:
    """The change with the issues that it names, besides those that its forge links."""
    have = {issue.id for issue in change.issues or ()}
    texts = (change.title, change.branch or "", (change.body or "")[:_READ])
    named = dict.fromkeys(key for text in texts for key in _KEY.findall(text))
    more = tuple(known[key] for key in named if key in known and key not in have)
    return msgspec.structs.replace(change, issues=(*(change.issues or ()), *more)) if more else change
