"""Deployment locks in the refs of a git repository: no service of ours, any git server.

A claim, a renewal, a release and a take-over are each one compare-and-swap push. See `keeper` for what a lock
promises, and `store` for how it is kept.
"""

from deploybook.locks.commands import Desk, Reply, Request
from deploybook.locks.freezes import Freeze, freeze_at
from deploybook.locks.keeper import Answer, Clock, Held, Keeper, Wanted
from deploybook.locks.rules import Target, covers, overlaps
from deploybook.locks.seen import Sightings, state_folder, this_clock
from deploybook.locks.store import Place
from deploybook.locks.where import environments as environments_of
from deploybook.locks.who import holder_of, run_of

__all__ = [
    "Answer",
    "Clock",
    "Desk",
    "Freeze",
    "Held",
    "Keeper",
    "Place",
    "Reply",
    "Request",
    "Sightings",
    "Target",
    "Wanted",
    "covers",
    "environments_of",
    "freeze_at",
    "holder_of",
    "overlaps",
    "run_of",
    "state_folder",
    "this_clock",
]
