"""A change as news: what its author, its labels and its title say to somebody who does not read code."""

from deploybook.news.conventional import Header, header
from deploybook.news.notes import Note, release_note
from deploybook.news.telling import KINDS, Kind, News, clean, tell

__all__ = ["KINDS", "Header", "Kind", "News", "Note", "clean", "header", "release_note", "tell"]
