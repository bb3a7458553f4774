"""The examples of nginx and Caddy in front of the web server: streams, uploads, slow clients, and who visitors are."""

import asyncio
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test import Client as Browser

from tests import make
from tests.conftest import free_port
from tests.visits import Visit
from workfloor import settings
from workfloor.core.conversations.messages import LARGEST_SENT
from workfloor.kit.web import live as web_live
from workfloor.runtime import connections

pytestmark = pytest.mark.installation
DEPLOY = Path(__file__).parents[2] / "deploy"
OVER_THE_FORM = 1_000  # what a form has around a file
VISITOR = "127.0.0.2"  # who is another than the proxy, which is on this machine too


@dataclass(frozen=True)
class Proxy:
    """One that runs: its port, and what a client trusts it by."""

    kind: str
    port: int
    trusts: ssl.SSLContext

    def asked(self, method="GET", path="/accounts/login/", body=None, **headers):
        """The answer to one request of the visitor; headers with their underscores as hyphens."""
        caller = http.client.HTTPSConnection(
            "localhost", self.port, timeout=120, context=self.trusts, source_address=(VISITOR, 0)
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with suppress(OSError):  # an answer may come before the body's end
            caller.request(method, path, body, named)
        answer = caller.getresponse()
        answer.text = answer.read().decode()
        caller.close()
        return answer

    async def visited(self):
        return await Visit.to(self.port, ssl=self.trusts)


def put(text: str, *pairs: tuple[str, str]) -> str:
    """An example with its placeholders replaced, each of which has to be in it."""
    for placeholder, real in pairs:
        assert placeholder in text, placeholder
        text = text.replace(placeholder, real)
    return text


def nginx(folder: Path, port: int, upstream: int) -> list[str]:
    """The command that runs nginx with its example."""
    example = put(
        (DEPLOY / "nginx/workfloor.conf").read_text(),
        ("/etc/ssl/REPLACE-ME/fullchain.pem", str(folder / "cert.pem")),
        ("/etc/ssl/REPLACE-ME/privkey.pem", str(folder / "key.pem")),
        ("127.0.0.1:8000;", f"127.0.0.1:{upstream};"),
        ("listen [::]:80;", ""),
        ("listen [::]:443 ssl http2;", ""),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"),
        ("server_name floor.example.com;", "server_name localhost;"),
    )
    (folder / "workfloor.conf").write_text(example)
    paths = "".join(
        f"{each}_temp_path {folder}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''} daemon off; pid {folder}/pid; error_log stderr;"
        f"events {{}} http {{ access_log off; {paths} include {folder}/workfloor.conf; }}"
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def caddy(folder: Path, port: int, upstream: int) -> list[str]:
    """The command that runs Caddy with its example."""
    example = put(
        (DEPLOY / "caddy/Caddyfile").read_text(),
        ("\temail REPLACE-ME@example.com", "\tadmin off\n\tauto_https off"),
        ("\nfloor.example.com {", f"\nhttps://localhost:{port} {{\n\ttls {folder}/cert.pem {folder}/key.pem"),
        ("127.0.0.1:8000 {", f"127.0.0.1:{upstream} {{"),
        ("read_body 11m", "read_body 30s"),  # so that nobody waits for it, and after the web process has ended a body
    )
    (folder / "Caddyfile").write_text(example)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    env = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=folder)
    try:
        until = time.monotonic() + 300
        while True:
            assert process.poll() is None and time.monotonic() < until, (folder / "log").read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(params=[nginx, caddy], ids=lambda each: each.__name__)
def proxied(request, tmp_path) -> Iterator[Callable[[int], Proxy]]:
    """Starts a proxy by its example in front of what listens on a port."""
    kind = request.param.__name__
    if shutil.which(kind) is None:
        pytest.skip(f"{kind} is not installed; .ci/run installs it from Debian")
    with ExitStack() as stack:

        def start(upstream: int) -> Proxy:
            folder, port = tmp_path / f"{kind}-{upstream}", free_port()
            folder.mkdir()
            certify(folder)
            stack.enter_context(running(request.param(folder, port, upstream), folder, port))
            return Proxy(kind, port, ssl.create_default_context(cafile=str(folder / "cert.pem")))

        yield start


def certify(folder: Path) -> None:
    """A certificate of our own for localhost."""
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    made += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"), "-subj", "/CN=localhost"]
    subprocess.run([*made, "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)


# --- who visitors are, and what they may send -----------------------------------------------------------------------


def counted_for(proxy, **forged):
    """The address that a wrong password is counted for, by somebody whose page is of this site."""
    page = proxy.asked(**forged)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
    form = {"login": "nobody@example.com", "password": "wrong horse", "csrfmiddlewaretoken": token}
    answer = proxy.asked(
        "POST",
        body=urlencode(form),
        Content_Type="application/x-www-form-urlencoded",
        Cookie=page.getheader("Set-Cookie").partition(";")[0],
        Origin=f"https://localhost:{proxy.port}",
        **forged,
    )
    assert answer.status == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM people_counted")
        found = [re.search(r"login_failed:[^:]+:ip:(.*)$", key) for (key,) in cursor.fetchall()]
    [address] = {each[1] for each in found if each}
    return address


def multipart(size):
    """A form with a file of so many bytes."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    return head + b"x" * size + b"\r\n--x--\r\n"


def in_chunks(body):
    return (body[place : place + 50_000] for place in range(0, len(body), 50_000))


def test_through_a_proxy_visitors_are_who_they_are_and_send_what_is_allowed(web, proxied):
    proxy = proxied(web(WORKFLOOR_URL="https://floor.example.com"))
    form = {"Content_Type": "multipart/form-data; boundary=x"}

    page = proxy.asked()
    assert page.status == 200
    assert "; Secure" in page.getheader("Set-Cookie")
    assert page.getheader("Strict-Transport-Security")
    assert len(page.getheader("X-Request-ID")) > 20  # as the proxy called it
    assert counted_for(proxy, X_Forwarded_For="198.51.100.7, 127.0.0.1", X_Forwarded_Proto="http") == VISITOR
    assert proxy.asked(path="/metrics").status == 403

    for sent in (bytes, in_chunks):
        file = proxy.asked("POST", "/chat/my/files/", sent(multipart(LARGEST_SENT)), **form)
        assert (file.status, "detail" in json.loads(file.text)) == (401, True)  # looked at: of nobody who chats
        over = proxy.asked(
            "POST", "/chat/my/files/", sent(multipart(LARGEST_SENT + settings.WORKFLOOR_MAX_BODY)), **form
        )
        assert over.status == 413
        if sent is bytes:  # as browsers send it
            assert "<h1>That is too large</h1>" in over.text
            assert over.getheader("Content-Type") == "text/html; charset=utf-8"

        work = proxy.asked(
            "POST", "/api/work", sent(b"x" * settings.WORKFLOOR_MAX_BODY), Content_Type="application/json"
        )
        assert work.status == 401
        over = proxy.asked("POST", "/api/work", sent(b"x" * (settings.WORKFLOOR_MAX_BODY + 1)))
        assert over.status == 413
        assert over.getheader("Content-Type") == "application/json"
        assert "1,000,000 bytes" in json.loads(over.text)["detail"]


def test_an_upgrade_to_a_websocket_passes_and_both_sides_talk(proxied):
    """No page of ours has one yet, so a stand-in for the web server answers."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            caller, _ = door.accept()
            with caller:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += caller.recv(4096)
                heard.append(head)
                caller.sendall(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello"
                )
                caller.sendall(b"back: " + caller.recv(4096))

        threading.Thread(target=answer, daemon=True).start()
        proxy = proxied(door.getsockname()[1])

        async def talk():
            visit = await proxy.visited()
            await visit.says(
                b"GET /softphone/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            await visit.hears(b"hello")
            await visit.says(b"to you")
            await visit.hears(b"back: to you")
            assert visit.heard.startswith(b"HTTP/1.1 101 ")

        asyncio.run(talk())
    assert re.search(rb"(?im)^upgrade: websocket\r$", heard[0])
    assert re.search(rb"(?im)^connection: upgrade\r$", heard[0])


# --- streams, and clients that take their time ------------------------------------------------------------------------


async def drips_a_head(proxy):
    visit = await proxy.visited()
    await visit.drips(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-More: " + b"x" * 300)
    await visit.end()
    assert b"HTTP/1.1 200" not in visit.heard


async def drips_a_body(proxy):
    visit = await proxy.visited()
    await visit.says(b"POST /chat/my/messages/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n")
    await visit.drips(b"x" * 300)
    await visit.end()
    assert b"HTTP/1.1 200" not in visit.heard


async def follows_a_stream(proxy, cookie):
    """What the page names, and then what changes, comes at once; the stream outlasts all limits."""
    visit = await proxy.visited()
    await visit.says(b"GET /live/?topic=floor HTTP/1.1\r\nHost: localhost\r\nCookie: %b\r\n\r\n" % cookie)
    await visit.hears(b"data: floor")
    await visit.hears(b": still here")  # so it listens by now, and nothing has changed since
    before = visit.heard.count(b"data: floor")
    await asyncio.to_thread(tell_the_floor)
    await visit.hears(b"data: floor", times=before + 1)
    await visit.hears(b": still here", times=3)  # 45 seconds
    assert not visit.ended


def tell_the_floor():
    with transaction.atomic():
        web_live.publish(["floor"])
    connection.close()


def test_caddy_ends_no_body_before_the_web_process_would():
    """For it would answer 200."""
    [minutes] = re.findall(r"read_body (\d+)m", (DEPLOY / "caddy/Caddyfile").read_text())
    largest = LARGEST_SENT + settings.WORKFLOOR_MAX_BODY

    assert int(minutes) * 60 > connections.BODY_SECONDS + largest / connections.LEAST_RATE


def test_through_a_proxy_streams_are_not_held_back_and_slow_clients_are_ended(web, proxied):
    port = web()
    proxy = proxied(port)
    browser = Browser()
    browser.force_login(make.person("leader").account)
    [key] = [morsel.value for morsel in browser.cookies.values() if morsel.key.startswith("workfloor_session")]
    cookie = f"workfloor_session_{port}={key}".encode()

    async def together():
        await asyncio.gather(drips_a_head(proxy), drips_a_body(proxy), follows_a_stream(proxy, cookie))

    asyncio.run(together())
