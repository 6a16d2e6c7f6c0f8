"""What looks like a secret: it is refused in the file, and never shown."""

from __future__ import annotations

import re

_LOOKS = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{6}|github_pat_|gl[a-z]{2,5}-[A-Za-z0-9_-]{10}|xox[abeprs]-|AKIA[0-9A-Z]{12}|sk-[A-Za-z0-9]{16}"
    r"|-----BEGIN|eyJ[A-Za-z0-9_-]{8,}\.eyJ|hooks\.slack\.com/|webhook\.office\.com/|discord(?:app)?\.com/api/webhooks/"
    r"|[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@|https?://[^/\s@]+@"
)
_KEYS = re.compile(
    r"(?:.*[-_])?(?:token|password|passwd|secret|webhook|credentials?|api[-_]?key|app[-_]?key|private[-_]?key)",
    re.I,
)


def is_secret(text: str) -> bool:
    """Whether a text looks like a token, a key, a webhook's address or an address with a password in it."""
    return _LOOKS.search(text) is not None


def holds_secret(key: str) -> bool:
    """Whether what stands behind such a key is a secret, whatever it looks like."""
    return _KEYS.fullmatch(key) is not None
