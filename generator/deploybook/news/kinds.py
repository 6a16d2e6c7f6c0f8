"""The kinds of news there are."""

from __future__ import annotations

from typing import Literal

Kind = Literal["new", "improved", "fixed", "removed", "changed", "behind", "dependency"]
KINDS: tuple[Kind, ...] = ("new", "improved", "fixed", "removed", "changed", "behind", "dependency")
"""In the order of the page. The last two are folded: nobody outside the team waits for them."""
