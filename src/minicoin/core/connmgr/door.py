"""Who may be connected to this node, and who gives way to whom. Pure: the connection manager does what follows.

1. *Where the network admits peers, those and nobody else*, whatever anybody says. An address that names nobody may turn
   out to be one of them, so it may be dialled; who it is shows when the channel is up.
2. *Bans come next.* Between two words of a person, that an address is to be connected and that it is banned, the ban
   holds until it is lifted; what peers do bans nobody a person named, nor whom he allows everything (noban).
3. *Then the list of allowed peers*, where the operator has one; whom he named himself need not stand in it.
4. *Inbound slots are bounded in all, and on public networks by address and by network group* as well: one machine with
   a hundred idle connections, or one provider's customers, must not keep everybody else out. On a private network a
   whole lab may live on one address, and peers on a list prove who they are: neither is bounded so. Before anybody is
   refused one that has proved nothing yet gives way (half_open.py).
5. *One connection to each proven peer id.* Of two that crossed both ends give up the one dialled by the greater id; of
   two in one direction, the younger. Where nothing proves who somebody is, two nodes that dialled each other keep both
   connections, as Bitcoin's do.
"""

from collections.abc import Callable
from typing import Final

from minicoin.core.connmgr.bans import Ban, BanList
from minicoin.core.connmgr.half_open import longest_of_most, who_gives_way
from minicoin.core.connmgr.slots import ConnectionPolicy, Slot
from minicoin.core.connmgr.table import SlotTable, source_of
from minicoin.core.limits import INBOUND_PER_ADDRESS_MAX, INBOUND_PER_GROUP_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.slot_kind import CHOSEN_BY_OPERATOR, SlotKind
from minicoin.core.units import ConnId, Micros

NOT_ADMITTED: Final = "not admitted to this network"
"""Why a connection is refused or ended: whoever is refused so is told."""


class Door:
    """Of one node, over the slots in use."""

    def __init__(
        self,
        policy: ConnectionPolicy,
        slots: SlotTable,
        group_of: Callable[[NodeAddress], bytes],
        bans: BanList,
    ) -> None:
        self.policy = policy
        self.bans = bans
        self.admitted: frozenset[bytes] | None = None
        """Where it is not None: who may connect at all, whatever anybody says."""
        self._slots = slots
        self._group_of = group_of

    def is_admitted(self, peer_id: bytes) -> bool:
        """By the network's admission, where there is one."""
        return self.admitted is None or peer_id in self.admitted

    def may_lead_to_admitted(self, address: NodeAddress) -> bool:
        """An address that names nobody may turn out to be an admitted peer's."""
        return not address.peer_id or self.is_admitted(address.peer_id)

    def ban_of(self, address: NodeAddress, kind: SlotKind, now: Micros) -> Ban | None:
        """The ban that keeps a connection of this kind away."""
        return self.bans.find(address, now, by_operator=kind in CHOSEN_BY_OPERATOR)

    def may_dial(self, address: NodeAddress, named: SlotKind | None, now: Micros) -> bool:
        """Whether whoever listens there may be connected, as far as its address tells; `named` is the kind of slot that
        a person wants it in."""
        if not self.may_lead_to_admitted(address):
            return False
        if named is not None:
            return self.ban_of(address, named, now) is None
        return self.bans.find(address, now) is None and (not address.peer_id or self._is_allowed(address.peer_id))

    def refusal(self, remote: NodeAddress, kind: SlotKind, permissions: Permission, now: Micros) -> str:
        """Why this connection cannot be had, now that its peer id is known; empty where it can."""
        ban = None if permissions & Permission.NOBAN else self.ban_of(remote, kind, now)
        if ban is not None:
            return f"banned: {ban.reason}"
        if not self.is_admitted(remote.peer_id):
            return NOT_ADMITTED
        if kind not in CHOSEN_BY_OPERATOR and not self._is_allowed(remote.peer_id):
            return "not one of the allowed peers"
        return ""

    def find_place(self, remote: NodeAddress, permissions: Permission) -> tuple[str, ConnId | None]:
        """Why there is no place for an inbound connection, and who has to give way to it; at most one of the two."""
        is_bound = not permissions & Permission.NOBAN
        has_bounds = is_bound and not self.policy.is_private_network and not self._is_by_name
        source, group = source_of(remote), self._group_of(remote) if has_bounds else b""
        half_open = self._slots.half_open(uses_groups=has_bounds)
        is_full = self._slots.count_inbound() >= self.policy.inbound_slots
        loser = who_gives_way(source, group, half_open, is_full=is_full)
        refusal = f"all {self.policy.inbound_slots} inbound slots are taken" if is_full else ""
        if loser is None and has_bounds and not is_full:
            if self._slots.count_inbound_from(source) >= INBOUND_PER_ADDRESS_MAX:
                refusal = f"{INBOUND_PER_ADDRESS_MAX} inbound connections from one address are the most"
                loser = longest_of_most([other for other in half_open if other.source == source])
            elif self._slots.count_inbound_in(group) >= INBOUND_PER_GROUP_MAX:
                refusal = f"{INBOUND_PER_GROUP_MAX} inbound connections from one network group are the most"
                loser = longest_of_most([other for other in half_open if other.group == group])
        return (refusal, None) if loser is None else ("", loser.conn)

    def duplicate(self, fresh: Slot) -> Slot | None:
        """Which of two connections to one peer is given up; None where there is no second."""
        known = self._slots.same_peer(fresh)
        if known is None or known.is_inbound == fresh.is_inbound:
            return None if known is None else fresh
        we_dial = self.policy.own_peer_id < fresh.peer_id
        return known if known.is_inbound == we_dial else fresh

    @property
    def _is_by_name(self) -> bool:
        """Only peers that somebody named get in."""
        return bool(self.policy.allowed_peers) or self.admitted is not None

    def _is_allowed(self, peer_id: bytes) -> bool:
        is_listed = not self.policy.allowed_peers or peer_id in self.policy.allowed_peers
        return is_listed and self.is_admitted(peer_id)
