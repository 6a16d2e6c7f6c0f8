"""View-models to Markdown: what did not change is neither made nor written again."""

from deploybook.render.files import FileMark, mark_of, write_if_changed
from deploybook.render.remembered import Remembered, edition
from deploybook.render.templates import environment, page_markdown, templates_folder
from deploybook.render.writing import Written, write

__all__ = [
    "FileMark",
    "Remembered",
    "Written",
    "edition",
    "environment",
    "mark_of",
    "page_markdown",
    "templates_folder",
    "write",
    "write_if_changed",
]
