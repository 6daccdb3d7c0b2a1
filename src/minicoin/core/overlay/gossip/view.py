"""The partial view: who is known to be alive, and who is known to be dead.

A member is fresh for the expiry, counted from when it spoke. A newer version renews it, an older or equal one changes
nothing. Where there is no room the stalest gives way to what is fresher: of all, or of the group whose part is full.
Members are few, and in one list: who is of a group, or at an endpoint, is looked for among them, and only when one
comes that is new.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from minicoin.core.limits import (
    GOSSIP_DEAD_KEPT_EXPIRIES,
    GOSSIP_VIEW_DEAD_MAX,
    GOSSIP_VIEW_MAX,
    GOSSIP_VIEW_PER_GROUP_MAX,
    GOSSIP_VIEW_PER_SOURCE_MAX,
)
from minicoin.core.overlay.gossip.alive import Alive
from minicoin.core.overlay.gossip.messages import Heard, age_of
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros


@dataclass(slots=True, eq=False)
class Member:
    """Somebody who was heard of."""

    alive: Alive
    spoke_at: Micros
    """By our clock and the ages that it was passed on with."""
    source: bytes
    """The group of the peer that first told of it: renewing somebody else's member does not make it one's own."""
    group: bytes
    """Of its address."""

    def heard(self, now: Micros) -> Heard:
        """As it is passed on."""
        return Heard(self.alive, age_of(self.spoke_at, now))


@dataclass(frozen=True, slots=True)
class _Dead:
    alive: Alive
    until: Micros


def _is_same_endpoint(one: NodeAddress, other: NodeAddress) -> bool:
    return one.host == other.host and one.port == other.port


def _stalest(members: Iterable[Member]) -> Member:
    return min(members, key=attrgetter("spoke_at"))


class PartialView:
    """Of one node. Holds itself neither."""

    def __init__(self, expiry_us: int, group_of: Callable[[NodeAddress], bytes]) -> None:
        self._expiry_us = expiry_us
        self._group_of = group_of
        self._members: list[Member] = []
        self._dead: dict[bytes, _Dead] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members)

    @property
    def dead_count(self) -> int:
        """How many are remembered as dead."""
        return len(self._dead)

    def find(self, peer_id: bytes, now: Micros) -> Member | None:
        """Who has this peer id, if it is alive as far as is known."""
        member = self._get(peer_id)
        return member if member is not None and self._is_fresh(member, now) else None

    def _get(self, peer_id: bytes) -> Member | None:
        for member in self._members:
            if member.alive.peer_id == peer_id:
                return member
        return None

    def is_news(self, heard: Heard) -> bool:
        """Whether the statement is newer than what is known and fresh enough: worth the check of its signature."""
        if heard.age_us >= self._expiry_us:
            return False
        alive = heard.alive
        known = self._get(alive.peer_id)
        if known is not None:
            return alive.version > known.alive.version
        dead = self._dead.get(alive.peer_id)
        return dead is None or alive.version > dead.alive.version

    def hear(self, heard: Heard, source: bytes, now: Micros) -> bool:
        """Take a statement that is news and genuine, told by a peer of the group `source`; whether it has a place."""
        alive, spoke_at = heard.alive, Micros(now - heard.age_us)
        known = self._get(alive.peer_id)
        if known is not None and alive.address == known.alive.address:
            known.alive, known.spoke_at = alive, max(known.spoke_at, spoke_at)
            return True
        # Two that claim one endpoint cannot both be right; the first one stays until it expires.
        if any(one is not known and _is_same_endpoint(one.alive.address, alive.address) for one in self):
            return False
        member = Member(alive, spoke_at, source if known is None else known.source, self._group_of(alive.address))
        if known is not None:
            # It moved. Where there is no room for it, it is still where it was.
            self._members.remove(known)
        if not self._make_room(member):
            if known is not None:
                self._members.append(known)
            return False
        self._members.append(member)
        self._dead.pop(alive.peer_id, None)
        return True

    def _make_room(self, member: Member) -> bool:
        """The stalest of what is full gives way, if it is staler than what is to come."""
        leaving: list[Member] = []
        of_group = [one for one in self if one.group == member.group]
        if len(of_group) >= GOSSIP_VIEW_PER_GROUP_MAX:
            leaving.append(_stalest(of_group))
        of_source = [one for one in self if one.source == member.source]
        if len(of_source) >= GOSSIP_VIEW_PER_SOURCE_MAX:
            one = _stalest(of_source)
            if one not in leaving:
                leaving.append(one)
        if not leaving and len(self) >= GOSSIP_VIEW_MAX:
            leaving.append(_stalest(self))
        if any(one.spoke_at >= member.spoke_at for one in leaving):
            return False
        for one in leaving:
            self._members.remove(one)
        return True

    def _is_fresh(self, member: Member, now: Micros) -> bool:
        return member.spoke_at + self._expiry_us > now

    def expire(self, now: Micros) -> None:
        """Who was silent for too long is dead, and who was dead for long enough forgotten."""
        for member in [member for member in self._members if not self._is_fresh(member, now)]:
            self._members.remove(member)
            kept_us = GOSSIP_DEAD_KEPT_EXPIRIES * self._expiry_us
            self._dead[member.alive.peer_id] = _Dead(member.alive, Micros(now + kept_us))
        for peer_id in [peer_id for peer_id, dead in self._dead.items() if dead.until <= now]:
            del self._dead[peer_id]
        while len(self._dead) > GOSSIP_VIEW_DEAD_MAX:
            del self._dead[next(iter(self._dead))]
