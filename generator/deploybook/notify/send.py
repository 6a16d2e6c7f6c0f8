"""Sending through apprise: tried again, then left waiting; accepted is all that a target ever says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from deploybook.config.resolved import secret
from deploybook.errors import UsageError
from deploybook.notify.model import Message
from deploybook.notify.outbox import Outbox

_TRIES = 3
_PAUSE = 1.0


class Sender(Protocol):
    """What takes a message for an address, and says whether it was accepted."""

    def __call__(self, address: str, title: str, body: str) -> bool:
        """Send it once."""


class Apprise:
    """Sends to any address that apprise knows: Slack, Teams by Workflows, mail and the rest.

    What is sent is plain text without markup. A service that reads Markdown by nature is given it as such:
    apprise would escape the dots of every address, and Teams shows the backslashes.
    """

    def __call__(self, address: str, title: str, body: str) -> bool:
        """Send it once."""
        import apprise  # noqa: PLC0415 - half a second, only where something is sent

        logging.getLogger("apprise").disabled = True  # it would write addresses, which are secrets
        service = apprise.Apprise()
        if not service.add(address):
            return False
        markdown = service[0].notify_format == apprise.NotifyFormat.MARKDOWN
        form = apprise.NotifyFormat.MARKDOWN if markdown else apprise.NotifyFormat.TEXT
        text = body.replace("\n", "\n\n") if markdown else body
        try:
            return bool(service.notify(body=text, title=title, body_format=form))
        except Exception:  # any plug-in's fault is a no; its words may hold the address
            return False


def deliver(
    messages: Sequence[Message], outbox: Outbox, send: Sender, *, at: datetime, sleep: Callable[[float], None]
) -> tuple[int, list[str]]:
    """Send messages, each written down as soon as it was accepted.

    Returns:
        How many were accepted; for each target that took none, a sentence without its address: its lines wait
        for the next run.
    """
    accepted = 0
    refused: dict[str, str] = {}
    for message in messages:
        key = message.target.key
        if key in refused:
            continue
        try:
            address = secret(message.target.variable)
        except UsageError as error:
            refused[key] = f"{message.target.who}: {error.what}"
            continue
        if _sent(send, address, message, sleep):
            outbox.accepted(key, message.lines, at)
            accepted += 1
        else:
            refused[key] = (
                f"{message.target.who}: {message.target.variable} took no message after {_TRIES} tries"
            )
    return accepted, list(refused.values())


def _sent(send: Sender, address: str, message: Message, sleep: Callable[[float], None]) -> bool:
    for attempt in range(_TRIES):
        if attempt:
            sleep(_PAUSE * 2**attempt)
        if send(address, message.title, message.body):
            return True
    return False
