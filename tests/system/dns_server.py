"""A DNS server on loopback, over UDP: answers from a table, counts the questions."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class DnsServer:
    """`records` maps (name, type) to texts; it may be changed while the server runs."""

    def __init__(self, records: dict[tuple[str, str], list[str]]) -> None:
        self.records = records
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def close(self) -> None:
        port = self.port
        # A datagram wakes the thread; an empty one ends it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            raw, source = self._socket.recvfrom(4096)
            if not raw:
                return
            self._socket.sendto(self._answer(dns.message.from_wire(raw)).to_wire(), source)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        texts = self.records.get((name, kind), [])
        if texts:
            quoted = [f'"{text}"' for text in texts] if kind == "TXT" else texts
            answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, quoted))
        elif not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@contextmanager
def dns_server(records: dict[tuple[str, str], list[str]]) -> Iterator[DnsServer]:
    """Serves until the block is left."""
    server = DnsServer(records)
    try:
        yield server
    finally:
        server.close()
