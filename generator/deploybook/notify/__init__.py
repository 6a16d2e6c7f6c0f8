"""Notices: what changed since the last one, once, to the team and the people whom it concerns.

`events` finds what happened, `route` makes messages of it, `outbox` remembers what was sent, `send` sends.
"""

from deploybook.notify.events import happened
from deploybook.notify.known import Known
from deploybook.notify.model import Event, Message, Waiting
from deploybook.notify.outbox import Outbox
from deploybook.notify.route import Router, since
from deploybook.notify.send import Apprise, Sender, deliver

__all__ = [
    "Apprise",
    "Event",
    "Known",
    "Message",
    "Outbox",
    "Router",
    "Sender",
    "Waiting",
    "deliver",
    "happened",
    "since",
]
