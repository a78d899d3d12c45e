"""The limits of an exchange against bytes on a wire: no server holds a call beyond them."""

import gzip
import socket
import ssl
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.errors import ProviderUnreachable, ReplyUnreadable
from shared.outbound.destinations import Destinations
from shared.outbound.replies import LARGE, ReplyLimits
from shared.outbound.session import HttpCall, HttpSession, HttpSettings
from tests.contract.pos.raw_server import Answer, RawServer, reply

SETTINGS = HttpSettings(attempts=2, backoff_seconds=0.01, read_seconds=0.6, total_seconds=1.0)
LIMITS = ReplyLimits(most_bytes=1_000_000, most_values=10_000)


def ask(session: HttpSession, url: str, body: object = None) -> object:
    call = HttpCall("POST", url, provider="The POS", what="orders", json=body, limits=LIMITS)
    return session.call(call, lambda data: data).data


@pytest.fixture
def session() -> Iterator[HttpSession]:
    session = HttpSession(SETTINGS, Destinations(loopback=True))
    yield session
    session.close()


def dripping(first: bytes, again: bytes) -> Answer:
    """Sends ``first``, and then ``again`` again and again, much faster than any time-out."""

    def answer(connection: socket.socket, _head: bytes, ending: Event) -> None:
        connection.sendall(first)
        while not ending.wait(0.05):
            connection.sendall(again)

    return answer


@pytest.mark.parametrize(
    ("scheme", "answer"),
    [
        ("http", dripping(b"", b"H")),
        ("http", dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")),
        ("http", dripping(b"HTTP/1.1 200 OK\r\nX: ", b"y")),
        ("http", dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"1")),
        ("http", dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0")),
        ("http", dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
        ("http", dripping(b"HTTP/1.1 100 Continue\r\nX: ", b"y")),
        ("https", dripping(b"\x16\x03\x03\x40\x00", b"\x02")),
    ],
    ids=["status", "headers", "header", "body", "chunk", "continues", "continue", "handshake"],
)
def test_an_answer_that_drips_is_cut_off_by_the_total_time(
    session: HttpSession, scheme: str, answer: Answer
) -> None:
    with RawServer(answer) as server:
        began = time.monotonic()
        with pytest.raises(ProviderUnreachable, match=r"did not answer within (1|0.9\d*) s\."):
            ask(session, server.url.replace("http", scheme))
        assert time.monotonic() - began < 1.5


def test_a_server_that_reads_slowly_is_cut_off_by_the_total_time(session: HttpSession) -> None:
    def answer(connection: socket.socket, _head: bytes, ending: Event) -> None:
        while not ending.wait(0.05):
            connection.recv(1_000)

    with RawServer(answer) as server:
        began = time.monotonic()
        with pytest.raises(ProviderUnreachable):
            ask(session, server.url, "x" * 20_000_000)
        assert time.monotonic() - began < 1.8


def test_a_host_of_many_addresses_that_do_not_answer_is_cut_off_by_the_total_time(
    session: HttpSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as full, socket.socket() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting.connect(full.getsockname())
        port = full.getsockname()[1]
        resolve = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: resolve(*a, **k) * 8)

        began = time.monotonic()
        with pytest.raises(ProviderUnreachable, match="could not be reached"):
            ask(session, f"http://127.0.0.1:{port}/api")
        assert time.monotonic() - began < 1.5


def test_a_connection_used_again_has_the_time_of_its_own_call(session: HttpSession) -> None:
    def answer(connection: socket.socket, _head: bytes, ending: Event) -> None:
        ending.wait(0.45)
        connection.sendall(reply(b"[1]"))

    with RawServer(answer) as server:
        assert [ask(session, server.url) for _ in range(3)] == [[1]] * 3
        session.close()

    assert server.connections == 1


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS for 127.0.0.1, and the file of its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    where = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = certificate.public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    where.write_bytes(secret + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(where)
    return context, where


@pytest.mark.parametrize(
    "answer", [dripping(b"HTTP/1.1 200 OK\r\nX: ", b"y"), dripping(b"", b"HTTP/1.1 100 OK\r\n\r\n")]
)
def test_the_time_holds_over_tls_too(
    session: HttpSession,
    tls: tuple[ssl.SSLContext, Path],
    answer: Answer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context, certificate = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))

    with RawServer(answer, context) as server:
        began = time.monotonic()
        with pytest.raises(ProviderUnreachable, match=r"did not answer within (1|0.9\d*) s\."):
            ask(session, server.url)
        assert time.monotonic() - began < 1.5


def test_a_connection_over_tls_is_used_again(
    session: HttpSession, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))

    def answer(connection: socket.socket, head: bytes, _ending: Event) -> None:
        while b"end" not in head:
            head = connection.recv(65_536)
        connection.sendall(reply(b"[1]"))

    with RawServer(answer, context) as server:
        answers = [ask(session, server.url, "x" * 100_000 + "end") for _ in range(3)]
        session.close()

    assert answers == [[1]] * 3
    assert server.connections == 1


def packed(pack: Callable[[bytes], bytes]) -> bytes:
    return pack(b"[" + b" " * 50_000_000 + b"]")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (packed(gzip.compress), b"gzip"),
        (packed(zlib.compress), b"deflate"),
        (packed(lambda body: gzip.compress(gzip.compress(body))), b"gzip, gzip"),
        (gzip.compress(b"") * 100_000, b"gzip"),
    ],
    ids=["gzip", "deflate", "twice", "of nothing"],
)
def test_an_answer_that_unpacks_beyond_the_limit_is_not_kept(
    session: HttpSession, body: bytes, encoding: bytes
) -> None:
    def answer(connection: socket.socket, _head: bytes, _ending: Event) -> None:
        connection.sendall(reply(body, b"Content-Encoding: " + encoding))

    with RawServer(answer) as server, pytest.raises(ReplyUnreadable, match="larger than 1,000,000"):
        ask(session, server.url)

    assert len(server.heads) == 1


@pytest.mark.parametrize(
    "flood", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"]
)
def test_a_flood_before_the_answer_ends_at_the_limit(session: HttpSession, flood: bytes) -> None:
    def answer(connection: socket.socket, _head: bytes, ending: Event) -> None:
        while not ending.is_set():
            connection.sendall(flood * 1_000)

    with RawServer(answer) as server, pytest.raises(ReplyUnreadable, match="larger than 1,000,000"):
        ask(session, server.url)

    assert len(server.heads) == 1


def test_of_many_large_answers_at_once_only_one_is_in_memory() -> None:
    # Given eight answers of 8 MB each, and time for all
    session = HttpSession(HttpSettings(total_seconds=60.0), Destinations(loopback=True))
    size = 8_000_000
    answer = reply(b'"' + b"x" * size + b'"')

    def ask_for_one(url: str) -> object:
        return session.call(HttpCall("GET", url, "The POS", "stock"), lambda data: None).data

    # When
    with RawServer(lambda connection, _head, _ending: connection.sendall(answer)) as server:
        tracemalloc.start()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask_for_one, [server.url] * 8))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    session.close()

    # Then: one as bytes, as text and as JSON, and the beginnings of the others
    assert peak < 4 * size + 8 * LARGE
