"""Other systems, to which events are sent: none of our own network unless the installation says so.

An address is resolved once, and what it is found at is judged and then connected to: a name that leads elsewhere the
next time it is asked for leads nowhere (DNS rebinding). Redirects are not followed.
"""

import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from workfloor.kit.text import masks
from workfloor.kit.web import addresses
from workfloor.ops.webhooks import retries, signing

SECONDS: Final = 10.0  # for an attempt from the connection to the end of its answer
LARGEST_ANSWER: Final = 4096  # bytes that are read of it
LONGEST_WORDS: Final = 200  # characters that are kept of it
LONGEST_URL: Final = 2000
PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Target:
    """Where an endpoint's address leads."""

    scheme: str
    host: str
    port: int
    path: str  # with what follows a question mark

    @property
    def name(self) -> str:
        """The host as a request names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def target(url: str, inside: Sequence[str]) -> Target:
    """Where an address leads. Raises ValueError, whose words complete "the address", where nothing can be sent there.

    `inside` are the networks of our own that may be sent to. A name is judged when something is sent, once resolved.
    """
    if len(url) > LONGEST_URL or any(not "!" <= letter <= "~" for letter in url):
        raise ValueError(
            _("is too long, or holds what belongs into no address: write it as your browser would send it")
        )
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(_("begins with https:// and names a host"))
    if parts.username is not None or parts.fragment:
        raise ValueError(_("names no user and no place in a page: leave out what stands before the @ or after the #"))
    if parts.scheme == "http" and not inside:
        raise ValueError(_("begins with https://; without encryption only inside, see WORKFLOOR_WEBHOOKS_INSIDE"))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    found = Target(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme], path)
    if _is_address(found.host) or found.host == "localhost":
        _judged(found, ["127.0.0.1" if found.host == "localhost" else found.host], inside)
    return found


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _judged(target: Target, found: Sequence[str], inside: Sequence[str]) -> str:
    """The first of a host's addresses, if all of them may be sent to. Raises ValueError."""
    for each in found:
        is_inside = addresses.is_in(each, inside)
        if not is_inside and not addresses.is_public(each):
            raise ValueError(
                _("leads to {each}, which is not in the public internet, see WORKFLOOR_WEBHOOKS_INSIDE").format(
                    each=each
                )
            )
        if not is_inside and target.scheme == "http":
            raise ValueError(_("leads to {each}, which is outside: begin it with https://").format(each=each))
    return found[0]


def send(url: str, headers: Mapping[str, str], body: bytes, inside: Sequence[str]) -> retries.Answer:
    """Send an event, and return what the receiver answered within SECONDS, or why there is no answer."""
    began = time.monotonic()
    try:
        found = target(url, inside)
        answer = _asked(found, _judged(found, _resolved(found), inside), headers, body)
    except (ValueError, OSError, HTTPError, HTTPException) as fault:
        return retries.Answer(None, _words(fault), _milliseconds(began))
    code, text, retry_after = answer
    return retries.Answer(code, text, _milliseconds(began), retry_after)


def _milliseconds(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _resolved(target: Target) -> list[str]:
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


def _asked(target: Target, address: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str, str]:
    """Post to an address under the host's name; however slowly it goes on, it ends once its time is over."""
    connection, is_over = _connection(target, address), threading.Event()

    def end() -> None:
        is_over.set()
        if isinstance(connection.sock, socket.socket):
            # Past the encryption, which the other thread is in the midst of.
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    timer = threading.Timer(SECONDS, end)
    timer.daemon = True
    try:
        with closing(connection):
            timer.start()
            said = {"Host": target.name, "Content-Type": "application/json", "User-Agent": "Workfloor"}
            connection.request("POST", target.path, body, {**said, **headers}, preload_content=False)
            response = connection.getresponse()
            answer = response.status, _said(response), response.headers.get("Retry-After", "")
    except (ValueError, OSError, HTTPError, HTTPException):
        if not is_over.is_set():
            raise
    finally:
        timer.cancel()
    if is_over.is_set():  # also where what came until then looks like an answer, of which the end is missing
        raise TimeoutError(gettext_noop("no answer within {seconds:.0f} seconds").format(seconds=SECONDS))
    return answer


def _connection(target: Target, address: str) -> HTTPConnection:
    if target.scheme == "http":
        return HTTPConnection(address, target.port, timeout=SECONDS)
    return HTTPSConnection(
        address,
        target.port,
        timeout=SECONDS,
        server_hostname=target.host,
        ssl_context=_trust(),
    )


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _said(response: HTTPResponse) -> str:
    """What a receiver says of why it does not take an event; nothing where it does."""
    if 200 <= response.status < 300:
        return ""
    if 300 <= response.status < 400:
        return gettext_noop("a redirect, which is not followed: give the endpoint the address that it leads to")
    text = response.read(LARGEST_ANSWER, decode_content=False)
    readable = "".join(each if each.isprintable() else " " for each in text.decode(errors="replace"))
    return masks.mask(" ".join(readable.split())[:LONGEST_WORDS]).text


def _words(fault: Exception) -> str:
    cause = fault.__cause__ if isinstance(fault, HTTPError) and fault.__cause__ else fault
    if isinstance(cause, socket.gaierror):
        return gettext_noop("the host's name cannot be resolved")
    if isinstance(cause, TimeoutError) and "within" not in str(cause):
        return gettext_noop("no answer within {seconds:.0f} seconds").format(seconds=SECONDS)
    if isinstance(cause, ValueError) and not isinstance(cause, ssl.SSLError):
        return f"the address {cause}"[:LONGEST_WORDS]
    words = getattr(cause, "strerror", None) or str(cause).partition("\n")[0]
    return str(words)[:LONGEST_WORDS] or type(cause).__name__


# --- secrets ---------------------------------------------------------------------------------------------------------


def new_secret() -> bytes:
    """A secret for one endpoint."""
    return os.urandom(signing.SECRET_BYTES)
