"""The HTTP session against bytes on a wire: what no fake transport can show."""

import gzip
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from shared.errors import ProviderRefused, ProviderUnreachable, ReplyUnreadable
from shared.outbound.destinations import Destinations
from shared.outbound.session import HttpCall, HttpSession, HttpSettings
from tests.contract.pos.raw_server import RawServer, reply

SETTINGS = HttpSettings(attempts=2, backoff_seconds=0.01, read_seconds=0.3, total_seconds=1.0)


def ask(session: HttpSession, server: RawServer, **headers: str) -> object:
    call = HttpCall("GET", server.url, provider="The POS", what="orders", headers=headers)
    return session.call(call, lambda data: data).data


@pytest.fixture
def session() -> HttpSession:
    return HttpSession(SETTINGS, Destinations(loopback=True))


def test_a_connection_is_used_again(session: HttpSession) -> None:
    def answer(connection: socket.socket, _head: bytes, _ending: Event) -> None:
        connection.sendall(reply(b"[1]"))

    with RawServer(answer) as server:
        assert [ask(session, server) for _ in range(5)] == [[1]] * 5
        session.close()

    assert server.connections == 1


def test_many_threads_share_the_session(session: HttpSession) -> None:
    def answer(connection: socket.socket, head: bytes, _ending: Event) -> None:
        number = head.split(b"X-Number: ")[1].split(b"\r\n")[0]
        connection.sendall(reply(b"[%b]" % number))

    with RawServer(answer) as server, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: ask(session, server, **{"X-Number": str(n)}), range(200)))
        session.close()

    assert answers == [[number] for number in range(200)]
    assert server.connections < 100  # a try that times out on a busy machine opens another


def test_a_compressed_answer_in_chunks_is_read(session: HttpSession) -> None:
    body = gzip.compress(b'{"fine": true}')

    def answer(connection: socket.socket, _head: bytes, _ending: Event) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for part in (body[:9], body[9:]):
            connection.sendall(b"%x\r\n%b\r\n" % (len(part), part))
        connection.sendall(b"0\r\n\r\n")

    with RawServer(answer) as server:
        assert [ask(session, server) for _ in range(2)] == [{"fine": True}] * 2
        session.close()

    assert server.connections == 1


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[1]", b"HTTP/1.1 200 OK\r\n\r\n[1, 2", b""],
)
def test_an_answer_that_breaks_off_is_never_taken_for_whole(
    session: HttpSession, head: bytes
) -> None:
    def answer(connection: socket.socket, _head: bytes, _ending: Event) -> None:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_RDWR)

    with RawServer(answer) as server, pytest.raises((ProviderUnreachable, ReplyUnreadable)):
        ask(session, server)

    assert len(server.heads) == 2


def test_silence_is_cut_off_by_the_read_time(session: HttpSession) -> None:
    def answer(_connection: socket.socket, _head: bytes, ending: Event) -> None:
        ending.wait(5)

    with RawServer(answer) as server:
        began = time.monotonic()
        with pytest.raises(ProviderUnreachable, match=r"did not answer within 0.3 s \(2 tries\)"):
            ask(session, server)
        assert time.monotonic() - began < 1.2


def test_cookies_of_one_call_do_not_go_with_the_next(session: HttpSession) -> None:
    def answer(connection: socket.socket, _head: bytes, _ending: Event) -> None:
        connection.sendall(reply(b"[]", b"Set-Cookie: session=of-another-org; Path=/"))

    with RawServer(answer) as server:
        ask(session, server)
        ask(session, server)
        session.close()

    assert not any(b"Cookie" in head for head in server.heads)


def test_a_redirect_is_not_followed(session: HttpSession) -> None:
    def answer(connection: socket.socket, _head: bytes, _ending: Event) -> None:
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
        )

    with RawServer(answer) as server, pytest.raises(ProviderRefused, match=r"\(302\)"):
        ask(session, server, Authorization="Bearer token")

    assert len(server.heads) == 1
