"""View-models to Markdown: what did not change is neither made nor written again."""

from deploybook.render.remembered import Remembered, edition
from deploybook.render.templates import environment, page_markdown, templates_folder
from deploybook.render.writing import Written, write, write_if_changed

__all__ = [
    "Remembered",
    "Written",
    "edition",
    "environment",
    "page_markdown",
    "templates_folder",
    "write",
    "write_if_changed",
]
