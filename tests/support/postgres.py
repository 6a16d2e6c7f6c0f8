"""A PostgreSQL server of the machine's own packages, in a folder that is thrown away."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "p@ss/wörd:1"
"""Of the one user who needs one: with all that an address has to write otherwise."""

_TRIES = 5


@dataclass(frozen=True)
class Server:
    """A server on a socket of its own and on a port of the loopback."""

    folder: Path
    port: int

    def url(self, database: str = "history", schema: str | None = None) -> str:
        """An address by the socket, where nobody needs a password."""
        path = f"{database}/{schema}" if schema else database
        return f"postgres://keeper@/{path}?host={self.folder}&port={self.port}"

    def psql(self, statement: str, database: str = "history") -> str:
        """Run statements as another program does."""
        asked = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, self._plain(database)]
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout

    def _plain(self, database: str) -> str:
        return f"postgresql://keeper@/{database}?host={self.folder}&port={self.port}"


def _programs() -> Path:
    """The newest version's folder, as Debian has it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    assert found, "PostgreSQL is not installed: scripts/need.sh postgresql"
    return found[-1].parent


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _as_nobody_special() -> list[str]:
    """PostgreSQL does not run as root: then it runs as the user that its package made."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


@contextmanager
def server() -> Iterator[Server]:
    """Start a server with an empty database `history`, and stop it."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has room for 107 bytes
    programs, user = _programs(), _as_nobody_special()
    if user:
        shutil.chown(folder, "postgres", "postgres")
    folder.chmod(0o755)
    data = folder / "data"
    try:
        made = ["-U", "keeper", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8"]
        _run([*user, programs / "initdb", "-D", data, *made])
        rules = "local all all trust\nhost all guarded 127.0.0.1/32 scram-sha-256\n"
        _run([*user, "tee", data / "pg_hba.conf"], stdin=rules)
        port = _started([*user, programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w"], folder)
        found = Server(folder, port)
        try:
            found.psql("CREATE DATABASE history", "postgres")
            quoted = PASSWORD.replace("'", "''")
            found.psql(f"CREATE USER guarded PASSWORD '{quoted}'", "postgres")
            found.psql("CREATE DATABASE guarded OWNER guarded", "postgres")
            yield found
        finally:
            _run([*user, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _started(control: list[object], folder: Path) -> int:
    """Start the server; where another program took the port in the meantime, with another one."""
    for _ in range(_TRIES):
        port = _free_port()
        options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=40"
        command = list(map(str, [*control, "-t", "120", "-o", options, "start"]))
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL, cwd=folder).returncode == 0:
            return port
    raise AssertionError(f"PostgreSQL did not start:\n{(folder / 'log').read_text('utf-8', 'replace')}")


def _run(command: list[object], stdin: str | None = None) -> None:
    subprocess.run(
        list(map(str, command)), check=True, input=stdin, text=True, stdout=subprocess.DEVNULL, cwd="/"
    )
