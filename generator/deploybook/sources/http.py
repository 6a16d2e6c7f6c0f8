"""Requests to JSON APIs: tried again with patience, conditional, counted, and stopped with a clear word."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import NameResolutionError

from deploybook import __version__
from deploybook.errors import SourceError

TRIES = 6
"""How often a request is made before the system counts as unwell."""
SECONDS = 30
"""For one answer."""
_AT_LEAST = 60.0
"""Seconds to wait for a limit that does not say how long: what GitHub asks for."""
_log = logging.getLogger(__name__)
_PASSING = frozenset({408, 425, 500, 502, 503, 504})

_ELSEWHERE = frozenset({302, 303, 307})
_TOO_MANY = frozenset({420, 429})
"""Statuspage says 420."""

Headers = Mapping[str, str]
Send = Callable[[str, str, dict[str, str], Any], tuple[int, Headers, str]]
"""Method, address, headers and JSON body to status, headers in lower case and body."""


class Unwell(SourceError):
    """The system answered with errors of its own every time it was asked."""


class Absent(SourceError):
    """What was asked for is not there, or not for this token."""


class Refused(SourceError):
    """The token may not read this."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `content` is the JSON, `None` where nothing is new since the `etag` that was sent."""

    status: int
    headers: Headers
    content: Any

    @property
    def etag(self) -> str | None:
        """To ask with the next time."""
        return self.headers.get("etag")

    @property
    def unchanged(self) -> bool:
        """Whether nothing is new since the `etag` that was sent."""
        return self.status == 304

    @property
    def next_page(self) -> str | None:
        """The address of the next page, from the `Link` header."""
        links = requests.utils.parse_header_links(self.headers.get("link", ""))
        return next((link["url"] for link in links if link.get("rel") == "next"), None)


@dataclass
class Budget:
    """Requests of a client since it was last asked for its line."""

    made: int = 0
    unchanged: int = 0
    left: dict[str, tuple[int, datetime | None]] = field(default_factory=dict)

    def take(self) -> str:
        """The line, as "12 requests, 3 of them unchanged, 4,988 left until 10:14 UTC"; counts anew."""
        if not self.made:
            return ""
        parts = [f"{self.made:,} request" + ("" if self.made == 1 else "s")]
        if self.unchanged:
            parts.append(f"{self.unchanged:,} of them unchanged and free")
        for kind, (left, until) in sorted(self.left.items()):
            what = f"{left:,} left" + (f" ({kind})" if len(self.left) > 1 else "")
            parts.append(what + (f" until {until:%H:%M} UTC" if until else ""))
        self.made = self.unchanged = 0
        return ", ".join(parts)


@dataclass
class Client:
    """One system, spoken to for one run.

    Attributes:
        name: The system, as "GitHub at api.github.com": for messages.
        send: Makes one request.
        base: What a path is appended to.
        advice: What to do about a refused token, and which rights it needs.
        max_wait: Seconds that it may wait for a limit, in one piece.
        wait: Waits.
    """

    name: str
    send: Send
    base: str = ""
    advice: str = "Check the token, and that it may read this."
    max_wait: float = 300.0
    wait: Callable[[float], None] = time.sleep
    budget: Budget = field(default_factory=Budget)

    def get(self, path: str, params: Mapping[str, Any] | None = None, etag: str | None = None) -> Answer:
        """Ask for something; with an `etag`, only for what is new since.

        Args:
            path: Appended to the base, or a whole address within it.
            params: Of the query; `None` values are left out.
            etag: Of the last answer.

        Raises:
            Absent: It is not there.
            Refused: The token may not read it.
            Unwell: The system failed every time.
            SourceError: It cannot be reached, or asks for too long a wait.
        """
        known = {key: value for key, value in (params or {}).items() if value is not None}
        address = f"{path}?{urlencode(known)}" if known else path
        return self._asked("GET", address, {"If-None-Match": etag} if etag else {}, None, TRIES)

    def post(self, path: str, body: Any, tries: int = TRIES) -> Answer:
        """Ask with a JSON body; raises as `get` does."""
        return self._asked("POST", path, {}, body, tries)

    def redirect(self, path: str) -> str:
        """Where the system sends one who asks for this; it is not gone to. Raises as `get` does.

        The address may hold a secret: it is for no log and no error.
        """
        return self._asked("GET", path, {}, None, TRIES, moves=True).headers["location"]

    def _asked(  # noqa: PLR0917
        self, method: str, address: str, headers: dict[str, str], body: Any, tries: int, moves: bool = False
    ) -> Answer:
        if not address.startswith(("http://", "https://")):
            address = self.base + address
        why = ""
        for attempt in range(tries):
            if attempt:
                self.wait(min(60.0, 2.0 ** (attempt - 1)) * random.uniform(0.5, 1))  # noqa: S311 - jitter
            try:
                status, got, text = self.send(method, address, dict(headers), body)
            except requests.RequestException as error:
                self.budget.made += 1
                why = reason_of(error)
                continue
            self._count(status, got)
            pause = _limit(status, got, text, attempt)
            if pause is not None:
                self._pause(pause, got)
                why = "it limits how often it may be asked"
                continue
            if status in _PASSING:
                why = f"it answered {status}"
                continue
            if moves and status in _ELSEWHERE and got.get("location"):
                return Answer(status, got, None)
            if status >= 300 and status != 304:
                raise self._refusal(status, got, text, address)
            if status in {204, 304}:
                return Answer(status, got, None)
            try:
                return Answer(status, got, json.loads(text))
            except (ValueError, RecursionError):
                why = "its answer is no JSON, or was cut off"
        raise Unwell(
            f"{self.name} did not answer as it should, {tries} times: {why}", where=_shown(address),
            next_step="What was read so far is kept; run again later.",
        )  # fmt: skip

    def _count(self, status: int, headers: Headers) -> None:
        self.budget.made += 1
        self.budget.unchanged += status == 304
        left = _number(headers.get("x-ratelimit-remaining") or headers.get("ratelimit-remaining"))
        if left is not None:
            kind = headers.get("x-ratelimit-resource", "")
            reset = _reset(headers)
            until = datetime.fromtimestamp(reset, UTC) if reset and reset > 1e9 else None
            self.budget.left[kind] = (int(left), until)

    def _pause(self, seconds: float, headers: Headers) -> None:
        if seconds > self.max_wait:
            now = _date(headers.get("date"))
            until = f", until {datetime.fromtimestamp(now + seconds, UTC):%H:%M} UTC" if now else ""
            raise SourceError(
                f"{self.name} asks to wait {_span(seconds)}{until}, longer than --max-wait "
                f"({_span(self.max_wait)})",
                next_step="What was read so far is kept; run again after that.",
            )
        self.wait(seconds)

    def _refusal(self, status: int, headers: Headers, text: str, address: str) -> SourceError:
        said = _message(text)
        said = f" ({said})" if said else ""
        where = _shown(address)
        if status == 401:
            return Refused(f"{self.name} does not know the token{said}", where=where, next_step=self.advice)
        if status == 403:
            needs = headers.get("x-accepted-github-permissions")
            rights = f"; it needs {needs}" if needs else ""
            return Refused(f"the token may not read this{rights}{said}", where=where, next_step=self.advice)
        if status in {404, 410}:
            return Absent(
                f"{self.name} has no such thing, or not for this token{said}", where=where,
                next_step=f"Check the name. {self.advice}",
            )  # fmt: skip
        if status < 400:
            to = _shown(headers.get("location", "elsewhere"))
            step = "Check `url:`, and whether what is asked for was renamed."
            return SourceError(f"{self.name} leads to {to}", where=where, next_step=step)
        return SourceError(f"{self.name} answered {status}{said}", where=where, next_step="Check `url:`.")


def session(headers: Mapping[str, str], auth: tuple[str, str] | None = None) -> Send:
    """Requests over one kept connection. No redirect is followed: the token is for this address alone.

    Args:
        headers: Sent each time; this is where a token is.
        auth: User and password, in place of it.
    """
    kept = requests.Session()
    kept.headers.update({"User-Agent": f"deploybook/{__version__}", "Accept": "application/json", **headers})
    # As bytes, since a name may be no Latin-1.
    kept.auth = HTTPBasicAuth(auth[0].encode(), auth[1].encode()) if auth else _leave_alone

    def send(method: str, address: str, more: dict[str, str], body: Any) -> tuple[int, Headers, str]:
        answer = kept.request(
            method, address, headers=more, json=body, timeout=SECONDS, allow_redirects=False
        )
        _log.info("%s %s: %d", method, address.partition("?")[0], answer.status_code)
        return answer.status_code, {key.lower(): value for key, value in answer.headers.items()}, answer.text

    return send


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No password from a `.netrc` in place of the token."""
    return request


def _limit(status: int, headers: Headers, text: str, attempt: int) -> float | None:
    """Seconds to wait where a limit was met; `None` where none was."""
    lower = text[:2000].lower()
    spent = headers.get("x-ratelimit-remaining") == "0"
    limited = status in _TOO_MANY or (
        status in {403, 503} and ("retry-after" in headers or spent)
    ) or (status == 403 and ("rate limit" in lower or "abuse" in lower))  # fmt: skip
    if status == 200 and '"rate_limited"' in lower:
        limited = spent = True
    if not limited:
        return None
    now = _date(headers.get("date"))
    if (after := headers.get("retry-after")) is not None:
        seconds = _number(after)
        if seconds is None:
            then = _date(after)
            seconds = then - now if then is not None and now is not None else _AT_LEAST
        return max(seconds, 1.0)
    reset = _reset(headers)
    if reset is not None and (spent or status in _TOO_MANY):
        if reset < 1e9:
            return max(reset, 1.0)  # some systems say in how many seconds
        # By the server's own clock: ours may be wrong.
        return max(reset - now + 1, 1.0) if now is not None else _AT_LEAST
    return _AT_LEAST * 2.0**attempt


def _reset(headers: Headers) -> float | None:
    """When a limit ends: seconds since 1970, also where the system says milliseconds, or seconds from now."""
    reset = _number(headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset"))
    return reset / 1000 if reset is not None and reset > 1e11 else reset


def _date(text: str | None) -> float | None:
    if not text:
        return None
    try:
        found: datetime = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found.timestamp()


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _message(text: str) -> str:
    """What the system says of its refusal, on one line and short."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    said = found.get("message") or found.get("error") if isinstance(found, dict) else None
    if said is None and isinstance(found, dict) and isinstance(found.get("errors"), list):
        said = next(iter(found["errors"]), None)
    said = said.get("message") if isinstance(said, dict) else said
    return " ".join(said.split())[:200] if isinstance(said, str) else ""


def reason_of(error: requests.RequestException) -> str:
    """Why a request got no answer, in words that hold nothing of its address."""
    if isinstance(error, requests.Timeout):
        return f"no answer within {SECONDS} seconds"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "its answer was cut off"
    # The address stands in the error's text, so only its kind can be trusted.
    if error.args and isinstance(getattr(error.args[0], "reason", None), NameResolutionError):
        return "there is no such host"
    return "the connection failed"


def _shown(address: str) -> str:
    """An address without its query: that may hold a secret."""
    return address.partition("?")[0]


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{round(seconds)} s" if seconds < 120 else f"{minutes} min"
