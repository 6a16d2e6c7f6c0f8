"""A small JSON server on loopback: answers by method and path, counts what it is asked, fails on demand."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """A request: `query` has one value a name, `body` is its JSON."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass
class Reply:
    """An answer; `text` or `data` stands in place of the JSON, `cut` sends only half of what it promises."""

    content: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    data: bytes | None = None
    cut: bool = False


Answer = Callable[[Asked], Reply]
Fault = Callable[[int, Asked], Reply | None]
"""The number of the request, from 1, and the request: what goes wrong instead of the answer."""


def repeated(answer: Answer, path: str, nth: int) -> Fault:
    """A cache on the way that answers the nth question about a path as it answered the one before."""
    told: list[Reply] = []

    def fault(_: int, asked: Asked) -> Reply | None:
        if not asked.path.endswith(path):
            return None
        told.append(answer(asked))
        return told[-2] if len(told) == nth else None

    return fault


def emptied(path: str, nth: int, content: Any) -> Fault:
    """A page that does not come: the nth question about a path is answered with this empty one."""
    count = 0

    def fault(_: int, asked: Asked) -> Reply | None:
        nonlocal count
        count += asked.path.endswith(path)
        return Reply(content) if asked.path.endswith(path) and count == nth else None

    return fault


class Loopback:
    """The server, running while it is entered.

    Args:
        answer: What it answers.
        headers: Sent with every answer.
    """

    def __init__(self, answer: Answer, headers: Mapping[str, str] | None = None) -> None:
        self.answer = answer
        self.fault: Fault | None = None
        self.asked: list[Asked] = []
        self.statuses: Counter[int] = Counter()
        self._headers = dict(headers or {})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://localhost:{self._server.server_address[1]}"

    def forget(self) -> None:
        """Count anew."""
        self.asked.clear()
        self.statuses.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        found = self.fault(len(self.asked), asked) if self.fault else None
        reply = found or self.answer(asked)
        if reply.status == 200 and reply.text is None and reply.data is None and asked.method == "GET":
            reply.headers.setdefault(
                "ETag", '"' + hashlib.sha256(json.dumps(reply.content).encode()).hexdigest() + '"'
            )
            if asked.headers.get("If-None-Match") == reply.headers["ETag"]:
                reply = Reply(status=304, headers=reply.headers)
        self.statuses[reply.status] += 1
        return reply

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def _any(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                reply = outer._reply(Asked(self.command, parts.path, query, dict(self.headers), body))
                text = reply.text if reply.text is not None else json.dumps(reply.content)
                data = b"" if reply.status in {204, 304} else reply.data or text.encode()
                self.send_response_only(reply.status)
                headers = {"Date": self.date_time_string(), **outer._headers, **reply.headers}
                for key, value in headers.items():
                    if value:  # an empty one is left out, as some servers leave out their date
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if reply.cut else data)
                self.wfile.flush()
                if reply.cut:
                    self.close_connection = True

            do_GET = do_POST = _any

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler
