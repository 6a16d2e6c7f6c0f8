"""How far each codebase is on the way: small checks with stable ids, each with its figure and evidence."""

from deploybook.practices.ladder import CHECKS, answer
from deploybook.practices.model import Answer, Check, Evidence, Facts, Span, Statement, Status
from deploybook.practices.stated import statements

__all__ = [
    "CHECKS",
    "Answer",
    "Check",
    "Evidence",
    "Facts",
    "Span",
    "Statement",
    "Status",
    "answer",
    "statements",
]
