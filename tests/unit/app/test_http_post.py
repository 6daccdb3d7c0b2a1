import io

import pytest

from minicoin.app import http_post
from minicoin.app.http_post import HttpConnection, NoHttp


class Server:
    """Sockets that were answered already."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: bytes) -> None:
        self._answers = list(answers)
        self.opened = 0
        self.has_closed = False
        self.sent = b""
        monkeypatch.setattr(http_post.socket, "create_connection", self._connect)
        monkeypatch.setattr(http_post.select, "select", lambda *_: ([1] if self.has_closed else [], [], []))

    def _connect(self, address: tuple[str, int], timeout: float) -> "Server":
        self.opened += 1
        return self

    def settimeout(self, seconds: float | None) -> None:
        assert seconds is None

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._answers.pop(0))

    def sendall(self, octets: bytes) -> None:
        self.sent += octets

    def close(self) -> None:
        pass


def ask(count: int = 1) -> list[tuple[int, bytes]]:
    connection = HttpConnection("127.0.0.1", 5, 1.0)
    return [connection.post(b"question", "Basic x") for _ in range(count)]


def test_one_connection_for_several_answers(monkeypatch) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"
    server = Server(monkeypatch, answer * 2)
    assert ask(2) == [(200, b"yes")] * 2
    assert server.opened == 1
    assert server.sent.count(b"POST / HTTP/1.1\r\n") == 2
    assert b"Content-Length: 8\r\n\r\nquestion" in server.sent


def test_a_connection_that_the_server_closed_is_opened_again(monkeypatch) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"
    server = Server(monkeypatch, answer, answer)
    connection = HttpConnection("127.0.0.1", 5, 1.0)
    connection.post(b"", "")
    server.has_closed = True
    assert connection.post(b"", "") == (200, b"yes")
    assert server.opened == 2


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"HTTP/1.1 401 No\r\nConnection: close\r\n\r\nthe rest", (401, b"the rest")),
        (b"HTTP/1.0 200 OK\r\n\r\nold", (200, b"old")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", None),
    ],
)
def test_ways_to_end_an_answer(monkeypatch, answer: bytes, found) -> None:
    Server(monkeypatch, answer)
    assert ask() == [found or (200, b"abc0123456789")]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", ConnectionResetError),
        (b"SSH-2.0-OpenSSH\r\n", NoHttp),
        (b"HTTP/1.1 OK\r\n\r\n", NoHttp),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nyes", ConnectionResetError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -9\r\n\r\n", NoHttp),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", NoHttp),
        (b"x" * 100_000, NoHttp),
        (b"HTTP/1.1 200 OK\r\n" + b"".join(b"a%d: b\r\n" % i for i in range(300)), NoHttp),
    ],
)
def test_what_is_no_answer(monkeypatch, answer: bytes, error: type[Exception]) -> None:
    Server(monkeypatch, answer)
    with pytest.raises(error):
        ask()


def test_an_interrupted_question_leaves_no_answer_for_the_next(monkeypatch) -> None:
    server = Server(monkeypatch, b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    connection = HttpConnection("127.0.0.1", 5, 1.0)
    with pytest.raises(ConnectionResetError):
        connection.post(b"", "")
    assert connection.post(b"", "") == (200, b"ok")
    assert server.opened == 2
