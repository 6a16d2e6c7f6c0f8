"""What `deploybook check` finds: one thing to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "doubt", "missing", "differs"]


@dataclass(frozen=True)
class Finding:
    """One thing to look at.

    Attributes:
        level: `error`: it fails. `doubt`: rows that cannot be right, or are not there.
            `missing`: more would be known with it. `differs`: words and facts do.
        where: The file, the codebase or the practice.
        says: One sentence.
        step: What to do next.
        rows: Examples, the newest first.
        so: What follows from it for the site, after "so".
    """

    level: Level
    where: str
    says: str
    step: str = ""
    rows: tuple[str, ...] = ()
    so: str = ""

    def __str__(self) -> str:
        rows = f" ({', '.join(self.rows)})" if self.rows else ""
        so = f"\n  so {self.so}" if self.so else ""
        step = f"\n  → {self.step}" if self.step else ""
        return f"{self.level}: {self.where}: {self.says}{rows}{so}{step}"
