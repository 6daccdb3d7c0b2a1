"""Which of our keys each connection was greeted with, and which key an answer is about.

A signer greets each peer that offered the messages with each of its keys, and is answered once for each, in that order,
with the votes that the other holds of it. A greeting that was not signed is tried again.
"""

from minicoin.core.units import ConnId


class Greetings:
    """Of one signer."""

    def __init__(self) -> None:
        self._peer_ids: dict[ConnId, bytes] = {}
        self._begun: dict[ConnId, None] = {}
        self._sent: dict[ConnId, tuple[bytes, ...]] = {}
        self._answered: dict[ConnId, int] = {}
        self._unsigned: dict[tuple[ConnId, bytes], None] = {}

    def __contains__(self, conn: ConnId) -> bool:
        return conn in self._peer_ids

    def begin(self, conn: ConnId, peer_id: bytes) -> None:
        """This one may be greeted."""
        self._peer_ids[conn] = peer_id

    def start(self, conn: ConnId) -> bytes | None:
        """Greet it now: its peer id; None where that was begun, or it may not be greeted."""
        if conn in self._begun or conn not in self._peer_ids:
            return None
        self._begun[conn] = None
        return self._peer_ids[conn]

    def forget(self, conn: ConnId) -> None:
        """The connection ended."""
        self._peer_ids.pop(conn, None)
        self._begun.pop(conn, None)
        self._sent.pop(conn, None)
        self._answered.pop(conn, None)
        self._unsigned = {place: None for place in self._unsigned if place[0] != conn}

    def note_sent(self, conn: ConnId, key: bytes) -> bool:
        """A greeting left; whether it was the first one there."""
        before = self._sent.get(conn, ())
        self._sent[conn] = (*before, key)
        return not before

    def take_sent(self) -> list[ConnId]:
        """The connections that were greeted, which are forgotten."""
        begun, self._begun, self._sent = list(self._begun), {}, {}
        return begun

    def note_unsigned(self, conn: ConnId, key: bytes) -> None:
        """One could not be signed."""
        self._unsigned[conn, key] = None

    @property
    def are_lacking(self) -> bool:
        """Whether some have to be tried again."""
        return bool(self._unsigned)

    def take_lacking(self) -> list[tuple[bytes, ConnId, bytes]]:
        """What is tried again now: key, connection, peer id."""
        lacking, self._unsigned = self._unsigned, {}
        return [(key, conn, self._peer_ids[conn]) for conn, key in lacking]

    def everybody(self) -> list[tuple[ConnId, bytes]]:
        """All that are greeted, with their peer ids."""
        return list(self._peer_ids.items())

    def take_answer(self, conn: ConnId) -> bytes | None:
        """An answer came: the key that it is about, the last one's where there are more; None for no greeting."""
        sent = self._sent.get(conn, ())
        at = self._answered.get(conn, 0)
        self._answered[conn] = min(at + 1, len(sent))
        return sent[min(at, len(sent) - 1)] if sent else None
