"""Who owns what, as a repository says it: CODEOWNERS of both dialects and `catalog-info.yaml`."""

from deploybook.ownership.cases import Files
from deploybook.ownership.catalog import Entry
from deploybook.ownership.found import CATALOG, PLACES, Owned, read
from deploybook.ownership.model import DEFAULT, Answer, Aside, Codeowners, Dialect, Rule, by_section

__all__ = [
    "CATALOG", "DEFAULT", "PLACES", "Answer", "Aside", "Codeowners", "Dialect", "Entry", "Files", "Owned",
    "Rule", "by_section", "read",
]  # fmt: skip
