"""What a page family hands to the renderer: pages and files, whole and immutable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Page:
    """One page of the site.

    Attributes:
        path: Its address below the site's root, without slashes at the ends: `shipped/2026-W47`; "" is home.
        template: The template's name below `templates/`.
        title: Its name in the navigation, the browser's tab and the search; may be text from outside.
        model: A frozen view-model, in the template as `page`.
        search: Whether the search index holds it; archives stay out.
        toc: Whether "On this page" is shown.
    """

    path: str
    template: str
    title: str
    model: Any
    search: bool = True
    toc: bool = False


@dataclass(frozen=True)
class File:
    """A file that is served as it is: a feed, a calendar, data."""

    path: str
    """Below the site's root, with its name: `shipped/feed.xml`."""
    content: bytes


Share = Callable[[], Iterable[Page | File]]
"""Some pages and files of the site, made when it is called."""
