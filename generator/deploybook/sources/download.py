"""A file from an address that a system handed out: without any token of ours, and of bounded size."""

from __future__ import annotations

import random
from collections.abc import Callable
from urllib.parse import urlsplit

import requests

from deploybook import __version__
from deploybook.sources.http import SECONDS, Absent, Unwell, reason_of

_TRIES = 3
_PIECE = 1 << 16


def download(
    address: Callable[[], str], most: int, wait: Callable[[float], None], *, plain: bool = False
) -> bytes | None:
    """The file; `None` where it is larger than `most`.

    Args:
        address: Gives the address, anew for each try: such addresses do not last.
        most: Bytes; no more than these are ever held.
        wait: Waits these seconds between tries.
        plain: Whether an address without TLS will do, as where the system itself is spoken to without it.

    Raises:
        Absent: It is gone.
        Unwell: It could not be had, several times.
    """
    why = host = ""
    for attempt in range(_TRIES):
        if attempt:
            wait(2.0**attempt * random.uniform(0.5, 1))  # noqa: S311 - jitter
        parts = urlsplit(address())
        # The rest of it is as good as a password.
        host = parts.netloc.rpartition("@")[2]
        if parts.scheme != "https" and not (plain and parts.scheme == "http"):
            raise Unwell("a file is to be fetched without TLS", where=host, next_step="Check `url:`.")
        try:
            status, content = _fetched(parts.geturl(), most)
        except requests.RequestException as error:
            why = reason_of(error)
            continue
        if status in {404, 410}:
            raise Absent("the file is gone", where=host)
        if status == 200:
            return content
        why = f"it answered {status}"
    raise Unwell(
        f"a file could not be fetched, {_TRIES} times: {why}", where=host,
        next_step="What was read so far is kept; run again later.",
    )  # fmt: skip


def _fetched(address: str, most: int) -> tuple[int, bytes | None]:
    with requests.get(
        address, headers={"User-Agent": f"deploybook/{__version__}", "Accept-Encoding": "identity"},
        auth=_nobody, timeout=SECONDS, stream=True, allow_redirects=False,
    ) as answer:  # fmt: skip
        found = bytearray()
        for piece in answer.iter_content(_PIECE):
            found += piece
            if len(found) > most:
                return answer.status_code, None
        return answer.status_code, bytes(found)


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No password from a `.netrc`."""
    return request
