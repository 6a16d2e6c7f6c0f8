"""May this revision be promoted: pass, fail, or no proof. Only pass promotes.

`facts` reads what is known, `checks` judges it (pure functions, one a check), `judge` puts it together.
"""

from deploybook.gate.checks import CHECKS
from deploybook.gate.facts import Facts, LockInTheWay, Question, read_facts, recorded_locks
from deploybook.gate.judge import Judgement, judge, record, save

__all__ = [
    "CHECKS",
    "Facts",
    "Judgement",
    "LockInTheWay",
    "Question",
    "judge",
    "read_facts",
    "record",
    "recorded_locks",
    "save",
]
