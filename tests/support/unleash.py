"""An Unleash server, from npm, on a PostgreSQL of its own: both are thrown away."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from tests.support import postgres

TOKEN = "*:*.unleash-test"
_TOOLS = Path(__file__).parents[2] / "build/tools/node_modules"
_SERVER = _TOOLS / "unleash-server/dist/server.js"
_NODE = _TOOLS / ".bin/node"
"""There where the machine's own Node is too old."""
_TRIES = 5


@dataclass(frozen=True)
class Unleash:
    """A running server."""

    url: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Speak to its admin interface as a person's browser does."""
        answer = requests.request(
            method, f"{self.url}/api/admin/{path}", json=body, headers={"Authorization": TOKEN}, timeout=20
        )
        answer.raise_for_status()
        return answer.json() if answer.text else None

    def flag(self, name: str, environment: str = "production") -> None:
        """Make a flag that can be switched on there."""
        place = f"projects/default/features/{name}/environments/{environment}/strategies"
        self.ask("POST", "projects/default/features", {"name": name, "type": "release"})
        self.ask("POST", place, {"name": "default"})

    def switch(self, name: str, state: str, environment: str = "production") -> None:
        """Switch a flag on or off."""
        self.ask("POST", f"projects/default/features/{name}/environments/{environment}/{state}")


@contextmanager
def server() -> Iterator[Unleash]:
    """Start both, and stop both."""
    assert _SERVER.is_file(), "Unleash is not installed: scripts/tools.sh"
    with postgres.server() as database:
        for _ in range(_TRIES):
            with socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
            known = {
                "DATABASE_HOST": "127.0.0.1", "DATABASE_PORT": str(database.port), "DATABASE_NAME": "guarded",
                "DATABASE_USERNAME": "guarded", "DATABASE_PASSWORD": postgres.PASSWORD,
                "DATABASE_SSL": "false", "INIT_ADMIN_API_TOKENS": TOKEN, "HTTP_HOST": "127.0.0.1",
                "HTTP_PORT": str(port), "CHECK_VERSION": "false", "SEND_TELEMETRY": "false",
                "LOG_LEVEL": "error",
            }  # fmt: skip
            process = subprocess.Popen(
                [str(_NODE) if _NODE.exists() else "node", str(_SERVER)], env={**os.environ, **known},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                if _answers(f"http://127.0.0.1:{port}/health", process):
                    yield Unleash(f"http://127.0.0.1:{port}")
                    return
            finally:
                process.terminate()
                process.wait()
        raise AssertionError("Unleash did not start")


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    return False
