"""A change as news: what its author, its labels and its title say to somebody who does not read code."""

from deploybook.news.conventional import Header, header
from deploybook.news.house import House
from deploybook.news.kinds import KINDS, Kind
from deploybook.news.notes import Note, release_note
from deploybook.news.telling import HOUSELESS, News, clean, taken_back, takes_back, tell

__all__ = [
    "HOUSELESS",
    "KINDS",
    "Header",
    "House",
    "Kind",
    "News",
    "Note",
    "clean",
    "header",
    "release_note",
    "taken_back",
    "takes_back",
    "tell",
]
