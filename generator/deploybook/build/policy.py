"""The content security policy of a built site: what a browser may run and load, and nothing else.

Inline scripts are Material's; their hashes are those of the site that was just built, so that a new version
of the theme needs no list to be kept. Which of them are known is read off `404.html`, a page with nothing but
the theme in it; any other is left out of the policy, and the scan that follows refuses to publish it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploybook.build.markup import Script, attributes, tokens
from deploybook.build.seals import Made, Seals
from deploybook.errors import PublishError
from deploybook.forks import of_each

RULES = (
    "default-src 'none'", "script-src 'self'{hashes}", "style-src 'self'", "img-src 'self' data:",
    "font-src 'self'", "connect-src 'self'", "worker-src 'self'", "base-uri 'none'", "form-action 'none'",
)  # fmt: skip
"""As a page says it of itself; `{hashes}` are those of its inline scripts."""
_FROM_A_SERVER = ("frame-ancestors 'none'",)
"""What only a server can say."""
_OTHERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"}
_SCOPE = re.compile(rb'__md_scope=new URL\("(?:\.|\.\.(?:/\.\.)*|/[^"\\<]*)",location\)')
_CHARSET = re.compile(rb"<meta charset=\"?utf-8\"?\s*/?>|<head(?:\s[^<>]*)?>", re.IGNORECASE)
_BODY = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_PLAIN_PAGE = "404.html"
_WORTH = 100
"""So many pages take as long to seal as another process that does it takes to start."""


@dataclass(frozen=True)
class Sealed:
    """What sealing a site found out."""

    scripts: frozenset[bytes]
    """Bodies of the inline scripts that are known."""
    policy: str
    """The policy of all pages together, as a server says it."""


def is_data(named: Mapping[str, str]) -> bool:
    """Whether a script element with such attributes holds data, which no browser runs."""
    return named.get("type", "").strip().lower() in ("application/json", "application/ld+json")


def normal(body: bytes) -> bytes:
    """A script as it can be compared: Material's first one differs between pages in their depth only."""
    return _SCOPE.sub(b'__md_scope=new URL(".",location)', body, count=1)


class Unsealed(Exception):
    """A page that was to stand is not known as sealed: it has to be made."""


def seal(site: Path, seals: Seals, stands: Iterable[str] = ()) -> Sealed:
    """Write into every page of a built site the policy that it keeps to, and beside them that for servers.

    Args:
        site: The site as it was just built.
        seals: Those of the last site, for pages that are what they were.
        stands: Pages that were not made, and are taken from the last site.

    Raises:
        Unsealed: One of those that were not made is none that was sealed in this way.
        PublishError: The site has no `404.html` to read the theme's own scripts off.
    """
    try:
        plain = (site / _PLAIN_PAGE).read_bytes()
    except FileNotFoundError as error:
        raise PublishError(
            "the built site lacks this page, so that the theme's scripts are not known",
            where=str(site / _PLAIN_PAGE), next_step="build with the theme that Deploybook brings",
        ) from error  # fmt: skip
    known = frozenset(normal(body) for body in _inline(plain))
    seals.open((*map(str.encode, RULES), _code(), *sorted(known)))
    every: set[str] = set()
    made = list(site.rglob("*.htm*"))
    for name in stands:
        if (taken := seals.put(site / name, name)) is None:
            raise Unsealed(name)
        every.update(taken)
    for page, sealed in zip(
        made, of_each(made, partial(_seal, site, seals, known), worth=_WORTH), strict=True
    ):
        seals.note(page.relative_to(site).as_posix(), sealed)
        every.update(sealed.hashes)
    whole = "; ".join((policy(every), *_FROM_A_SERVER))
    (site / "_headers").write_text(_headers_file(whole), "utf-8")
    return Sealed(known, whole)


def _seal(site: Path, seals: Seals, known: frozenset[bytes], page: Path) -> Made:
    """Write into one page its policy, unless it is the sealed one of the last site."""
    content, name = page.read_bytes(), page.relative_to(site).as_posix()
    if (taken := seals.take(page, name, content)) is not None:
        return taken
    # In haste: what is taken for a script and is none is not known, and one that is missed here is not run.
    hashes = {_hash(body) for body in _BODY.findall(content) if normal(body) in known}
    tag = f'<meta http-equiv="Content-Security-Policy" content="{policy(hashes)}">'.encode()
    page.write_bytes(_CHARSET.sub(lambda found: found[0] + tag, content, count=1))
    return seals.sealed(content, hashes)


def _code() -> bytes:
    """Our own text, and that of what reads pages: another may seal and pass other pages."""
    return b"".join(
        (Path(__file__).parent / name).read_bytes() for name in ("policy.py", "markup.py", "scan.py")
    )


def policy(hashes: Iterable[str]) -> str:
    """The policy with the hashes of inline scripts."""
    return "; ".join(RULES).format(hashes="".join(f" '{each}'" for each in sorted(hashes)))


def servers(policy: str) -> dict[str, str]:
    """The same headers for servers that are configured apart from the site, by the name of the snippet."""
    headers = {"Content-Security-Policy": policy, **_OTHERS}
    nginx = "".join(f'add_header {name} "{value}" always;\n' for name, value in headers.items())
    apache = "".join(f'Header always set {name} "{value}"\n' for name, value in headers.items())
    return {
        "nginx.conf": f"# Include this in the location that serves the site.\n{nginx}",
        "apache.conf": f"# Include this in the <Directory> of the site; it needs mod_headers.\n{apache}",
    }


def _headers_file(policy: str) -> str:
    """`_headers`, as Netlify and Cloudflare Pages read it."""
    headers = {"Content-Security-Policy": policy, **_OTHERS}
    return "/*\n" + "".join(f"  {name}: {value}\n" for name, value in headers.items())


def _inline(page: bytes) -> list[bytes]:
    """Bodies of scripts that a browser runs."""
    scripts = (token for token in tokens(page) if isinstance(token, Script))
    found = ((script.body, attributes(script.attributes)) for script in scripts)
    return [body for body, named in found if "src" not in named and not is_data(named)]


def _hash(body: bytes) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(body).digest()).decode()
