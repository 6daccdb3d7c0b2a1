"""The HTTP that the command line needs: one POST after another over one connection, answered by status and body.

The standard library's client would load TLS and the parser of e-mail for it, which takes longer than most calls do.
RFC 9112, as far as an RPC server uses it.
"""

import select
import socket
from io import BufferedReader
from typing import Final

_LINE_MAX: Final = 1 << 16
_HEADERS_MAX: Final = 200


class NoHttp(Exception):
    """What answers does not speak HTTP."""


class HttpConnection:
    """A connection to one server, opened when it is needed."""

    def __init__(self, host: str, port: int, connect_timeout_s: float) -> None:
        self._host = host
        self._port = port
        self._connect_timeout_s = connect_timeout_s
        self._socket: socket.socket | None = None
        self._reader: BufferedReader | None = None

    def close(self) -> None:
        """Give the connection back."""
        if self._reader is not None:
            self._reader.close()
        if self._socket is not None:
            self._socket.close()
        self._reader = self._socket = None

    def post(self, body: bytes, authorization: str) -> tuple[int, bytes]:
        """(status, body). Sent once, since what was sent may have been done. Raises OSError and NoHttp."""
        try:
            reader = self._open()
            assert self._socket is not None
            lines = (
                "POST / HTTP/1.1",
                f"Host: {self._host}:{self._port}",
                f"Authorization: {authorization}",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
            )
            self._socket.sendall("\r\n".join((*lines, "", "")).encode() + body)
            return self._read_answer(reader)
        except BaseException:
            # An answer that is not waited for must not be taken for that of the next call.
            self.close()
            raise

    def _open(self) -> BufferedReader:
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            # The server has closed an idle connection meanwhile.
            self.close()
        if self._socket is None or self._reader is None:
            self._socket = socket.create_connection((self._host, self._port), self._connect_timeout_s)
            # Mining and rescans take as long as they take; connecting does not.
            self._socket.settimeout(None)
            self._reader = self._socket.makefile("rb")
        return self._reader

    def _read_answer(self, reader: BufferedReader) -> tuple[int, bytes]:
        line = self._read_line(reader)
        if not line:
            raise ConnectionResetError("closed before an answer")
        version, _, rest = line.partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise NoHttp
        headers: dict[str, str] = {}
        while line := self._read_line(reader):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip().lower()
            if len(headers) > _HEADERS_MAX:
                raise NoHttp
        body = self._read_body(reader, headers)
        if headers.get("connection") == "close" or version == "HTTP/1.0":
            self.close()
        return int(rest[:3]), body

    def _read_body(self, reader: BufferedReader, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            parts: list[bytes] = []
            while size := self._chunk_size(reader):
                parts.append(self._read_exactly(reader, size))
                self._read_line(reader)
            while self._read_line(reader):
                pass
            return b"".join(parts)
        length = headers.get("content-length")
        if length is not None:
            if not length.isdigit():
                raise NoHttp
            return self._read_exactly(reader, int(length))
        body = reader.read()
        self.close()
        return body

    def _chunk_size(self, reader: BufferedReader) -> int:
        text = self._read_line(reader).partition(";")[0].strip()
        try:
            return int(text, 16)
        except ValueError:
            raise NoHttp from None

    @staticmethod
    def _read_exactly(reader: BufferedReader, size: int) -> bytes:
        body = reader.read(size)
        if len(body) != size:
            raise ConnectionResetError("closed within an answer")
        return body

    @staticmethod
    def _read_line(reader: BufferedReader) -> str:
        line = reader.readline(_LINE_MAX)
        if len(line) == _LINE_MAX:
            raise NoHttp
        return line.decode("latin-1").rstrip("\r\n")
