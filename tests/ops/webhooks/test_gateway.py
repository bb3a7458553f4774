"""Where events may be sent: nowhere into our own network, not round a corner either, and only for so long."""

import datetime
import socket
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.ops.webhooks import receivers
from workfloor.ops.webhooks import gateway as webhooks_gateway

INSIDE = ["127.0.0.0/8", "::1"]
HEADERS = {"webhook-id": "msg_1", "webhook-timestamp": "0", "webhook-signature": "v1,x"}


def sent(url, inside=()):
    return webhooks_gateway.send(url, HEADERS, b"{}", inside)


@pytest.fixture
def receiver():
    with receivers.running() as found:
        yield found


OURS = """
127.0.0.1 10.1.2.3 192.168.0.1 172.16.0.9 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 localhost
[::1] [fe80::1] [fd00::1] [::ffff:10.0.0.1] [64:ff9b::a00:1] [2002:a00:1::]
"""


@pytest.mark.parametrize("host", OURS.split())
def test_our_own_network_is_refused_when_an_endpoint_is_added(host):
    with pytest.raises(ValueError, match="not in the public internet"):
        webhooks_gateway.target(f"https://{host}/", [])


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://crm.example/", "begins with https"),
        ("ftp://crm.example/", "names a host"),
        ("https:///hooks", "names a host"),
        ("https://me:secret@crm.example/", "names no user"),
        ("https://crm.example/#top", "no place in a page"),
        ("https://crm.example/a b", "belongs into no address"),
        ("https://crm.example/\r\nX: y", "belongs into no address"),
        ("https://crm.example:99999/", "Port out of range"),
    ],
)
def test_what_is_no_address_of_a_receiver_is_refused(url, why):
    with pytest.raises(ValueError, match=why):
        webhooks_gateway.target(url, [])


def test_the_public_internet_is_not_refused():
    found = webhooks_gateway.target("https://crm.example:8443/hooks?key=1", [])

    assert (found.host, found.port, found.path) == ("crm.example", 8443, "/hooks?key=1")
    assert found.name == "crm.example:8443"
    assert webhooks_gateway.target("https://[2606:4700::1111]", []).name == "[2606:4700::1111]"


def test_a_name_that_leads_inside_is_refused_when_it_is_sent_to(receiver, monkeypatch):
    """As the name service says it at that moment, whatever it said when the endpoint was added."""
    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", receiver.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: places)
    answer = sent(f"https://crm.example:{receiver.port}/")

    assert answer.code is None
    assert "crm.example" not in answer.words and "leads to 127.0.0.1" in answer.words
    assert receiver.came == []


def test_a_name_that_leads_elsewhere_when_it_is_asked_for_again_leads_nowhere(receiver, monkeypatch):
    """127.0.0.2, where nobody listens, is named as inside; 127.0.0.1, where somebody does, is not."""
    answers, ask = iter(["127.0.0.2", "127.0.0.1", "127.0.0.1"]), socket.getaddrinfo

    def resolve(host, *args, **more):
        return ask(next(answers) if host == "crm.example" else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    answer = sent(f"http://crm.example:{receiver.port}/", ["127.0.0.2"])

    assert (answer.words, receiver.came) == ("Connection refused", [])


def test_one_address_among_several_that_is_inside_is_enough_to_refuse(receiver, monkeypatch):
    places = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: places)

    assert "leads to 10.0.0.1" in sent("https://crm.example/").words


def test_what_the_installation_names_may_be_sent_to_and_nothing_beside_it(receiver):
    assert sent(receiver.url, INSIDE).code == 200
    assert sent(receiver.url, ["10.0.0.0/8"]).code is None
    assert len(receiver.came) == 1


def test_a_redirect_is_not_followed(receiver):
    with receivers.running() as elsewhere:
        receiver.answer = lambda came: (307, {"Location": elsewhere.url})
        answer = sent(receiver.url, INSIDE)

        assert (answer.code, elsewhere.came) == (307, [])
        assert "redirect" in answer.words


def test_of_a_large_answer_little_is_read_and_kept_and_a_number_in_it_is_masked(receiver):
    receiver.answer = lambda came: 400
    receiver.body = b"no card 4111 1111 1111 1111\0\x1b[31m " + b"x" * 50_000_000
    began = time.monotonic()
    answer = sent(receiver.url, INSIDE)

    assert time.monotonic() - began < 60
    assert len(answer.words) <= 200 and answer.words.isprintable()
    assert answer.words.startswith("no card") and "4111 1111" not in answer.words


def test_a_receiver_that_sends_a_byte_now_and_then_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(webhooks_gateway, "SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server, receivers.drips(server):
        began = time.monotonic()
        answer = sent(f"http://127.0.0.1:{server.getsockname()[1]}/", INSIDE)

    assert time.monotonic() - began < 60
    assert (answer.code, answer.words) == (None, "no answer within 1 seconds")


def test_why_there_is_no_answer_is_said_in_words(receiver):
    assert sent(f"http://127.0.0.1:{receivers.free_port()}/", INSIDE).words == "Connection refused"
    assert sent("https://no-such-host.invalid/").words == "the host's name cannot be resolved"


@pytest.fixture
def certified(tmp_path, monkeypatch):
    """A receiver on 127.0.0.1 with a certificate for crm.example, which this machine trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crm.example")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("crm.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, private)
    monkeypatch.setattr(webhooks_gateway, "_trust", lambda: ssl.create_default_context(cafile=str(pem)))
    with receivers.running(tls=context) as found:
        yield found


def test_the_certificate_is_of_the_name_while_the_connection_is_to_the_address(certified, monkeypatch):
    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", certified.port))]
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *args, **more: asked.append(host) or places)

    assert sent(f"https://crm.example:{certified.port}/", INSIDE).code == 200
    wrong = sent(f"https://other.example:{certified.port}/", INSIDE)
    assert (wrong.code, len(certified.came)) == (None, 1)
    assert "certificate" in wrong.words.lower()
    assert {"crm.example", "other.example"} <= set(asked)
