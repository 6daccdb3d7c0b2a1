"""Records that links have named and a super node lacks: each is asked of the first that named it, then of others.

1. A record is asked of one link at a time, for PATIENCE_US. Who names what it has not got, or keeps it back, delays it
   by that and no more: of each network group that named it one link is asked in its turn, up to _TURNS_MAX of them.
2. A lack ends when the record is held, or was believed and found no room; not when something comes under its name:
   that may be forged, or too much to be looked at.
3. So much is asked of a network group and no more, and so much in all. What finds no room comes by a link of another
   group, since all name it, or when it is renewed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Effect, Send
from minicoin.core.limits import (
    SUPER_RECORDS_LACKED_MAX,
    SUPER_RECORDS_LACKED_PER_GROUP_MAX,
    SUPER_RECORDS_PER_MESSAGE_MAX,
)
from minicoin.core.overlay.supernode.circle import Near
from minicoin.core.overlay.supernode.messages import RecordName, SuperGet, Wanted
from minicoin.core.units import SECOND_US, ConnId, Micros

PATIENCE_US: Final = 5 * SECOND_US
_TURNS_MAX: Final = 16


@dataclass(slots=True)
class _Lack:
    version: int
    conn: ConnId
    """Who is asked."""
    group: bytes
    until: Micros
    others: tuple[ConnId, ...]
    """Who named it as well, in the order of their turns; some may be gone."""


class Lacks:
    """Of one table, by signer, the one asked for longest first."""

    def __init__(self, of: Wanted, alarm: Alarm, near: Mapping[ConnId, Near]) -> None:
        """`near` are the peers that are there, as long as they are."""
        self._of = of
        self._alarm = alarm
        self._near = near
        self._lacks: dict[bytes, _Lack] = {}
        self._asked: dict[bytes, int] = {}
        """How many the links of each group are asked for."""

    def __len__(self) -> int:
        return len(self._lacks)

    def on_named(self, conn: ConnId, names: Iterable[RecordName], now: Micros) -> list[Effect]:
        """A link named records newer than ours."""
        wanted: list[bytes] = []
        until = Micros(now + PATIENCE_US)
        for signer, version in names:
            lack = self._lacks.get(signer)
            if lack is not None and (lack.version >= version or conn in (lack.conn, *lack.others)):
                # Who names ever newer ones has its turn all the same, and not the first one again.
                lack.version = max(lack.version, version)
                self._add_turn(lack, conn)
                continue
            # Those that named an older one may have the newer one by then, or this link has not got it at all.
            before = () if lack is None else (lack.conn, *lack.others)
            turns = (conn, *before)[:_TURNS_MAX]
            if self._begin(signer, version, turns, until):
                wanted.append(signer)
        return self._ask(conn, wanted)

    def _add_turn(self, lack: _Lack, conn: ConnId) -> None:
        turns = (lack.conn, *lack.others)
        if conn in turns or len(turns) >= _TURNS_MAX:
            return
        group = self._near[conn].group
        if all(self._near[other].group != group for other in turns if other in self._near):
            lack.others += (conn,)

    def _begin(self, signer: bytes, version: int, turns: tuple[ConnId, ...], until: Micros) -> bool:
        """Ask the first of these, instead of whoever is asked; whether there is room for it."""
        conn = turns[0]
        group, lack = self._near[conn].group, self._lacks.get(signer)
        asked = self._asked.get(group, 0) - (lack is not None and lack.group == group)
        if asked >= SUPER_RECORDS_LACKED_PER_GROUP_MAX:
            return False
        if lack is None and len(self._lacks) >= SUPER_RECORDS_LACKED_MAX:
            return False
        self._end(signer)
        self._asked[group] = asked + 1
        lack = self._lacks[signer] = _Lack(version, conn, group, until, turns[1:])
        self._alarm.by(lack.until)
        return True

    def _end(self, signer: bytes) -> _Lack | None:
        lack = self._lacks.pop(signer, None)
        if lack is not None:
            self._asked[lack.group] -= 1
            if not self._asked[lack.group]:
                del self._asked[lack.group]
            if not self._lacks:
                # Emptied one by one a dict keeps its room, that of the greatest rush.
                self._lacks.clear()
        return lack

    def _ask(self, conn: ConnId, signers: list[bytes]) -> list[Effect]:
        step = SUPER_RECORDS_PER_MESSAGE_MAX
        parts = (tuple(signers[at : at + step]) for at in range(0, len(signers), step))
        return [Send(conn, SuperGet(self._of, part)) for part in parts]

    def on_settled(self, signer: bytes, version: int) -> None:
        """This record, or a newer one, is held, or was believed and found no room."""
        lack = self._lacks.get(signer)
        if lack is not None and lack.version <= version:
            self._end(signer)

    def on_closed(self, conn: ConnId, now: Micros) -> list[Effect]:
        """Nobody is there any more to answer."""
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
        until = Micros(now + PATIENCE_US)
        for signer in signers:
            lack = self._end(signer)
            turns = () if lack is None else tuple(conn for conn in lack.others if conn in self._near)
            while lack is not None and turns and not self._begin(signer, lack.version, turns, until):
                turns = turns[1:]
            if turns:
                wanted.setdefault(turns[0], []).append(signer)
        return [effect for conn, of_conn in wanted.items() for effect in self._ask(conn, of_conn)]

    def next_deadline(self) -> Micros | None:
        """When the first has been waited for long enough."""
        return next((lack.until for lack in self._lacks.values()), None)
