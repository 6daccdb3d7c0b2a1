"""Records that links have named and a super node lacks: each is asked of the first that named it, then of others.

Who names what it has not got, or keeps it back, delays it by PATIENCE_US; nobody can do more, since every link names
it. Bounded per link and in all: what finds no room comes by another link, or when it is renewed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Effect, Send
from minicoin.core.limits import (
    SUPER_RECORDS_LACKED_MAX,
    SUPER_RECORDS_LACKED_PER_LINK_MAX,
    SUPER_RECORDS_PER_MESSAGE_MAX,
)
from minicoin.core.overlay.supernode.messages import RecordName, SuperGet, Wanted
from minicoin.core.units import SECOND_US, ConnId, Micros

PATIENCE_US: Final = 5 * SECOND_US
_OTHERS_MAX: Final = 4
"""That named it as well, and are asked in their turn."""


@dataclass(slots=True)
class _Lack:
    version: int
    conn: ConnId
    until: Micros
    others: tuple[ConnId, ...] = ()


class Lacks:
    """Of one table, by signer, the one asked for longest first."""

    def __init__(self, of: Wanted, alarm: Alarm) -> None:
        self._of = of
        self._alarm = alarm
        self._lacks: dict[bytes, _Lack] = {}
        self._asked: dict[ConnId, int] = {}
        """How many each link is asked for."""

    def __len__(self) -> int:
        return len(self._lacks)

    def on_named(self, conn: ConnId, names: Iterable[RecordName], now: Micros) -> list[Effect]:
        """A link named records newer than ours."""
        wanted: list[bytes] = []
        for signer, version in names:
            lack = self._lacks.get(signer)
            if lack is not None and lack.version >= version:
                if conn != lack.conn and conn not in lack.others and len(lack.others) < _OTHERS_MAX:
                    lack.others += (conn,)
            elif self._begin(signer, version, (conn,), now):
                wanted.append(signer)
        return self._ask(conn, wanted)

    def _begin(self, signer: bytes, version: int, conns: tuple[ConnId, ...], now: Micros) -> bool:
        """Ask the first of these; whether there is room for it."""
        self._end(signer)
        conn = conns[0]
        asked = self._asked.get(conn, 0)
        if asked >= SUPER_RECORDS_LACKED_PER_LINK_MAX or len(self._lacks) >= SUPER_RECORDS_LACKED_MAX:
            return False
        self._asked[conn] = asked + 1
        lack = self._lacks[signer] = _Lack(version, conn, Micros(now + PATIENCE_US), conns[1:])
        self._alarm.by(lack.until)
        return True

    def _end(self, signer: bytes) -> _Lack | None:
        lack = self._lacks.pop(signer, None)
        if lack is not None:
            self._asked[lack.conn] -= 1
            if not self._asked[lack.conn]:
                del self._asked[lack.conn]
            if not self._lacks:
                # Emptied one by one a dict keeps its room, that of the greatest rush.
                self._lacks.clear()
        return lack

    def _ask(self, conn: ConnId, signers: list[bytes]) -> list[Effect]:
        step = SUPER_RECORDS_PER_MESSAGE_MAX
        parts = (tuple(signers[at : at + step]) for at in range(0, len(signers), step))
        return [Send(conn, SuperGet(self._of, part)) for part in parts]

    def on_came(self, signer: bytes, version: int) -> None:
        """A record came, from whomever."""
        lack = self._lacks.get(signer)
        if lack is not None and lack.version <= version:
            self._end(signer)

    def on_closed(self, conn: ConnId, now: Micros) -> list[Effect]:
        """Nobody is there any more to answer."""
        for lack in self._lacks.values():
            if conn in lack.others:
                lack.others = tuple(other for other in lack.others if other != conn)
        return self._ask_others([signer for signer, lack in self._lacks.items() if lack.conn == conn], now)

    def on_deadline(self, now: Micros) -> list[Effect]:
        """Others are asked for what has not come; where nobody else named it, it is lacked no more."""
        late: list[bytes] = []
        for signer, lack in self._lacks.items():
            if lack.until > now:
                break
            late.append(signer)
        return self._ask_others(late, now)

    def _ask_others(self, signers: list[bytes], now: Micros) -> list[Effect]:
        wanted: dict[ConnId, list[bytes]] = {}
        for signer in signers:
            lack = self._end(signer)
            if lack is not None and lack.others and self._begin(signer, lack.version, lack.others, now):
                wanted.setdefault(lack.others[0], []).append(signer)
        return [effect for conn, of_conn in wanted.items() for effect in self._ask(conn, of_conn)]

    def next_deadline(self) -> Micros | None:
        """When the first has been waited for long enough."""
        return next((lack.until for lack in self._lacks.values()), None)
