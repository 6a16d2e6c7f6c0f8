"""What arrives at Slack, Teams and by mail, on servers of our own that check the vendors' rules."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from apprise.plugins.slack import NotifySlack

from deploybook.notify import Apprise
from deploybook.notify.model import Waiting
from deploybook.notify.words import body, plain, title

TOOLS = Path(__file__).parents[2] / "build/tools/node_modules"
HOSTILE = plain("<!channel> @here [x](https://evil.test) <at>Ana</at> & **bold** " + "w" * 400)
LINES = [
    Waiting(str(number), "live", f"subject {number}", f"#{number}: {HOSTILE}", "shipped/", "", urgent=False)
    for number in range(500)
]
TITLE, BODY = title(LINES), body(LINES, "https://deploys.acme.test/")


class Received(BaseHTTPRequestHandler):
    """Keeps what is posted; answers as the vendor does."""

    answer = 200
    got: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        self.got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.answer)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def server(answer: int, certificate: Path | None = None) -> Iterator[tuple[int, list[tuple[str, bytes]]]]:
    got: list[tuple[str, bytes]] = []
    handler = type("Handler", (Received,), {"answer": answer, "got": got})
    listening = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield listening.server_address[1], got
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


SLACK = "slack://TAAAAAAAA/BBBBBBBBB/cccccccccccccccccccccccc"


def texts(node: Any) -> Iterator[str]:
    """Every text in a payload."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def test_slack_gets_what_its_rules_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(200) as (port, got):
        monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{port}/services")
        assert Apprise()(SLACK, TITLE, BODY)
    ((path, sent),) = got
    payload = json.loads(sent)
    assert path == "/services/TAAAAAAAA/BBBBBBBBB/cccccccccccccccccccccccc"
    blocks = payload.get("blocks", []) + [
        b for a in payload.get("attachments", []) for b in a.get("blocks", [])
    ]
    assert len(blocks) <= 50
    assert all(len(text) <= 3000 for block in blocks for text in texts(block))
    said = "\n".join(texts(payload))
    assert len(said) < 13_200
    assert "500 of your changes are live" in said
    assert "https://deploys.acme.test/shipped/" in said
    assert "<!channel>" not in said
    assert "@here" not in said


def test_slack_that_refuses_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(404) as (port, _):
        monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{port}/services")
        assert not Apprise()(SLACK, TITLE, BODY)


def test_nobody_listening_is_a_no() -> None:
    assert not Apprise()("json://127.0.0.1:9/", TITLE, BODY)
    assert not Apprise()("what is this", TITLE, BODY)


needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (TOOLS / "adaptivecards").is_dir(),
    reason="the reader of cards is not here: scripts/tools.sh installs it",
)


def wrong_with(card: dict[str, Any]) -> set[str]:
    """What Microsoft's own reader of Adaptive Cards finds wrong with one."""
    done = subprocess.run(
        [shutil.which("node") or "node", str(Path(__file__).with_name("card.cjs"))], input=json.dumps(card),
        env={**os.environ, "NODE_PATH": str(TOOLS)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.splitlines())


@needs_node
def test_teams_gets_an_adaptive_card_and_its_202_counts_as_accepted(tmp_path: Path) -> None:
    certificate = tmp_path / "localhost.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-keyout", str(certificate), "-out", str(tmp_path / "crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate.write_text(certificate.read_text() + (tmp_path / "crt").read_text())
    with server(202, certificate) as (port, got):
        assert Apprise()(f"workflows://127.0.0.1:{port}/workflow/signature/?verify=no", TITLE, BODY)
    ((path, sent),) = got
    assert path.startswith("/workflows/workflow/triggers/manual/paths/invoke")
    assert len(sent) < 28 * 1024
    payload = json.loads(sent)
    assert payload["type"] == "message"
    (attachment,) = payload["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert card["type"] == "AdaptiveCard"
    assert card["version"] in ("1.2", "1.3", "1.4", "1.5")
    assert {element["type"] for element in card["body"]} <= {"TextBlock", "Container", "Image"}
    # Apprise names a property that is newer than the version it gives: Teams passes over it.
    assert {
        each for each in wrong_with(card) if 'Property "style" is supported in version 1.5' not in each
    } == set()
    said = "\n".join(texts(card))
    assert "<at>" not in said
    assert "](" not in said
    assert "https://deploys.acme.test/shipped/" in said


@needs_node
def test_the_check_of_cards_finds_what_is_wrong_with_one() -> None:
    card = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "TextBlock", "size": "Huge"}, {"type": "Blob"}],
    }
    assert wrong_with(card) == {
        'Invalid value "Huge" for property "size".',
        'Unknown element type "Blob". Fallback will be used if present.',
        "an element was dropped",
    }


def test_mail_arrives_whole_as_plain_text() -> None:
    got: list[EmailMessage] = []

    class Sink:
        """Keeps what is sent."""

        async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
            got.append(message_from_bytes(envelope.content, policy=policy.default))
            return "250 accepted"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        address = f"mailto://127.0.0.1:{port}?from=deploys@acme.test&to=ana@acme.test"
        assert Apprise()(address, TITLE, BODY)
    finally:
        controller.stop()
    (mail,) = got
    assert mail["subject"] == "500 of your changes are live"
    assert mail["to"] == "ana@acme.test"
    part = mail.get_body(("plain",))
    assert part is not None
    assert part.get_content().split() == BODY.split()


def test_lines_that_different_pages_explain_have_each_its_address() -> None:
    def line(says: str, path: str) -> Waiting:
        return Waiting(says, "live", says, says, path, "", urgent=False)

    both = [line("One is live.", "deployments/one/"), line("Two is live", "deployments/two/")]
    assert body(both, "https://deploys.acme.test") == (
        "One is live: https://deploys.acme.test/deployments/one/\n"
        "Two is live: https://deploys.acme.test/deployments/two/"
    )
    assert body(both, None) == "One is live.\nTwo is live"
    assert body(both[:1], "https://deploys.acme.test") == (
        "One is live.\nhttps://deploys.acme.test/deployments/one/"
    )
