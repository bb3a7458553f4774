"""An agent reads an HTML mail on the desk: it runs nothing, reaches nobody before it may, and can be read."""

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest
from django.db import transaction
from playwright.sync_api import Browser, Page, Route, expect

from tests import browse, mail, make
from tests.stories.test_browser import picture
from workfloor.core.conversations.models import Message
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock

numbers = count(1)
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAK0lEQVR42u3NMQEAAAgDoGn/zprBwwcK0E5tHQ"
    "KBQCAQCAQCgUAgEAi+gwUBPwABH9nTNgAAAABJRU5ErkJggg=="
)
HOSTILE = (
    '<script>document.title = "ran"</script><img src="data:," onerror="document.title = \'ran\'">'
    '<script src="{away}/run.js"></script><iframe src="{away}/frame"></iframe>'
    '<link rel="stylesheet" href="{away}/a.css">'
    '<img src="{away}/smuggled.png">'
)
REFRESH = '<meta http-equiv="refresh" content="0;url={away}/refresh">'


class Elsewhere:
    """A server that senders keep pictures on, encrypted, and what was asked of it."""

    def __init__(self, port: int) -> None:
        self.address, self.asked = f"https://localhost:{port}", list[str]()


@pytest.fixture
def elsewhere(tmp_path) -> Iterator[Elsewhere]:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(f"{self.path} {self.headers.get('Referer', '')}{self.headers.get('Cookie', '')}".strip())
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found = Elsewhere(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def letter(away: str, coloured: bool) -> bytes:
    """A mail as programs write it: pictures of its own and from elsewhere, links, a table, what it answers."""
    style = ' style="color:#333366"' if coloured else ""
    return f"""From: Rui Costa <rui@example.com>
To: help@lisbon.example
Subject: The meter
Message-ID: <{coloured}@example.com>
MIME-Version: 1.0
Content-Type: multipart/related; boundary=r

--r
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8

The meter counts backwards, see the picture.

On 3 March 2026 at 17:00, Lisbon Light wrote:
> Please send a picture.

--a
Content-Type: text/html; charset=utf-8

<div{style}><p>The meter <b>counts backwards</b>, see the picture:</p><p><img src="cid:meter@x" alt="The meter"></p>
<table border="1" cellpadding="4"><tr><th>Day</th><th>kWh</th></tr><tr><td>Monday</td><td>812</td></tr></table>
<p>My <a href="https://bank.example/">bank.example</a>, your <a href="{away}/tariff">tariff</a>.</p>
<img src="{away}/seen.png" width="120" height="40" alt="Costa &amp; Sons">
<img src="{away}/dot.png" width="1" height="1">
<script>document.title = "ran"</script></div>
<div class="gmail_quote">On 3 March 2026 at 17:00, Lisbon Light wrote:
<blockquote>Please send a picture.</blockquote></div>

--a--
--r
Content-Type: image/png; name="meter.png"
Content-ID: <meter@x>
Content-Transfer-Encoding: base64

{PIXEL}
--r--
""".encode()


@contextmanager
def reading(browser: Browser, url: str, email: str, scheme: str = "light") -> Iterator[Page]:
    """The agent's desk, of a browser that trusts the server elsewhere."""
    size = {"width": 1280, "height": 1100}
    context = browser.new_context(viewport=size, ignore_https_errors=True, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/accounts/" not in address)
    yield page
    context.close()


@pytest.fixture
def agent(shared_installation, elsewhere) -> str:
    """Ana, with two of Rui's mails in one case in her hands: a plain one, and one with colours of its own.

    The tests share an installation, each with an agent, and a client, of its own.
    """
    now, number = clock.now(), next(numbers)
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client(f"lisbon-light-{number}")
        ana = make.agent("Ana Duarte", clear_for=client.slug)
        post = mail.Post(client.slug, f"help-{number}@lisbon.example")
        first = post.comes(letter(elsewhere.address, coloured=False), at=now)
        again = letter(elsewhere.address, coloured=True).replace(
            b"MIME-Version", b"In-Reply-To: <False@example.com>\nMIME-Version"
        )
        post.comes(again, at=now)
        rls.enter_every_client()
        mail.hold(Item.objects.get(id=first.message.item_id), ana, now)
    return ana.account.email


def frames_of(page: Page) -> list:
    expect(page.locator("iframe.said-letter")).to_have_count(2)
    for at in range(2):
        page.locator("iframe.said-letter").nth(at).scroll_into_view_if_needed()
        expect(page.frame_locator("iframe.said-letter").nth(at).get_by_text("counts backwards")).to_be_visible()
    return [page.frame_locator("iframe.said-letter").nth(at) for at in range(2)]


@pytest.mark.browser
@pytest.mark.installation
def test_a_mail_reaches_nobody_before_it_may_and_then_fetches_only_its_own_pictures(
    agent, shared_installation, elsewhere
):
    with browse.chromium() as browser, reading(browser, shared_installation, agent) as desk:
        heard = browse.complaints(desk)
        first, second = frames_of(desk)

        expect(first.get_by_role("img", name="The meter")).to_have_js_property("naturalWidth", 32)
        expect(first.get_by_text("Please send a picture.")).to_be_hidden()
        first.get_by_text("Quoted text").click()
        expect(first.get_by_text("Please send a picture.")).to_be_visible()
        expect(first.locator(".goes-to")).to_have_text("localhost")
        desk.get_by_text("As plain text").first.click()
        expect(desk.locator("#talk details").first).to_contain_text("On 3 March 2026 at 17:00")
        desk.wait_for_timeout(500)
        assert elsewhere.asked == []
        assert heard == []

        # The frame is as high as the mail: nothing of it has to be scrolled.
        frame = desk.frames[1]
        assert frame.evaluate("document.documentElement.scrollHeight <= innerHeight")
        assert frame.evaluate("origin") == "null"

        desk.get_by_role("button", name="Show the pictures of this mail").first.click()
        expect(desk.get_by_role("button", name="Show the pictures of this mail")).to_have_count(1)
        desk.locator("iframe.said-letter").first.scroll_into_view_if_needed()
        expect(desk.frame_locator("iframe.said-letter").first.get_by_role("img", name="Costa & Sons")).to_be_attached()
        for _ in range(50):
            if elsewhere.asked:
                break
            desk.wait_for_timeout(100)
        # By name alone: no cookie, no address of ours; not the dot that nobody sees; and of the other mail nothing.
        assert elsewhere.asked == ["/seen.png"]
        assert second.locator("img[src^=https]").count() == 0

        with desk.context.expect_page() as opened:
            desk.frame_locator("iframe.said-letter").first.get_by_role("link", name="tariff").click()
        opened.value.wait_for_load_state()
        assert "/tariff" in elsewhere.asked
        assert opened.value.evaluate("opener") is None
    with transaction.atomic():
        rls.enter_every_client()
        allowed = Message.objects.filter(pictures_allowed_at__isnull=False)
        assert [each.external_id for each in allowed] == ["False@example.com"]


@pytest.mark.browser
@pytest.mark.installation
def test_what_was_not_cleaned_runs_and_loads_nothing_either(agent, shared_installation, elsewhere):
    smuggled = HOSTILE

    def smuggle(route: Route) -> None:
        answer = route.fetch()
        hostile = smuggled.format(away=elsewhere.address)
        route.fulfill(response=answer, body=answer.text().replace("</main>", f"{hostile}</main>"))

    with browse.chromium() as browser, reading(browser, shared_installation, agent) as desk:
        desk.context.route("**/conversations/messages/*/", smuggle)
        desk.reload()
        frames_of(desk)
        desk.wait_for_timeout(500)
        assert {frame.title() for frame in desk.frames[1:] if "/conversations/" in frame.url} == {"The meter"}

        smuggled = REFRESH  # leads the frame away, where the policy of the desk lets it go nowhere
        desk.reload()
        desk.locator("iframe.said-letter").first.scroll_into_view_if_needed()
        desk.wait_for_timeout(1500)
        assert elsewhere.asked == []


@pytest.mark.browser
@pytest.mark.installation
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_a_mail_in_light_and_dark(agent, shared_installation, scheme):
    with browse.chromium() as browser, reading(browser, shared_installation, agent, scheme) as desk:
        frames_of(desk)
        picture(desk, f"desk-mail-{scheme}")
        desk.locator("#talk").screenshot(path=browse.RESULTS / f"mail-{scheme}.png")
        assert browse.faults_of(desk) == []
        ground, paper = [desk.frames[at].evaluate("getComputedStyle(document.body).backgroundColor") for at in (1, 2)]
        assert ground == ("rgb(20, 24, 35)" if scheme == "dark" else "rgb(240, 242, 246)")
        assert paper == "rgb(255, 255, 255)"

        desk.goto(f"{shared_installation}/desk/")
        with desk.context.expect_page() as opened:
            desk.get_by_role("link", name="Whole history").click()
        history = opened.value
        expect(history.get_by_role("heading", name="History, newest first")).to_be_visible()
        assert browse.faults_of(history) == []
        picture(history, f"history-{scheme}")
        history.get_by_role("link", name="The meter", exact=True).first.click()
        expect(history.get_by_role("heading", name="Messages")).to_be_visible()
        assert browse.faults_of(history) == []
        picture(history, f"case-{scheme}")
