"""Where history comes from: one module a system, each yielding records.

A `Feed` is one thing to read, with its own cursor: the git history of one codebase, one set of record
files. Feeds do not know each other and write nothing; `history` saves what they yield.
"""

from __future__ import annotations

from deploybook.feed import FORGE, GIT, RECORDS, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.sources.catalogue import feeds

__all__ = ["FORGE", "GIT", "RECORDS", "Ask", "Cursor", "Feed", "Item", "Rejected", "Unchanged", "feeds"]
