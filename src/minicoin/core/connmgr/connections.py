"""Decides which connections exist: who is dialled, who is let in, who has to go.

Leaves choosing an address to the address book (a callable), opening it to the world, and what is said on it to the
session.

1. *Dialled are, in this order:* addresses that a person named, as long as they are missing; seed nodes, once each,
   until they answered or a minute is over; what the network model wants (overlay_slots.py); and for each automatic slot
   that is empty an address of the book. With --connect nobody but those named. A book that knows nobody suitable is
   asked less and less often.
2. *Automatic slots go to distinct network groups* on public networks, so that one provider cannot be all we hear. None
   is spent on a peer that is connected to us already and says where it listens.
3. *Who cannot be reached waits twice as long each time* (backoff.py). What a person named, what the model needs, and
   whoever answered once waits less long than what was only heard of. A connection that lasted a minute clears it, and
   so does one that was let go by a network model which keeps times of its own.
4. *One connection or dial to each endpoint*, and to each peer id that is proven. Who may be here at all, and who gives
   way where there is no place, is the door's to say (door.py).
5. *Faults add up, and at the ban score the peer is closed and banned* (bans.py says by what name, if by any). Whom a
   person named is closed only; whom he allows everything (noban) is not even charged.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from minicoin.core.alarm import Alarm
from minicoin.core.connmgr.backoff import Backoff, Endpoint
from minicoin.core.connmgr.bans import Ban, BanList, subjects_of
from minicoin.core.connmgr.door import NOT_ADMITTED, Door
from minicoin.core.connmgr.overlay_slots import OverlaySlots
from minicoin.core.connmgr.slots import ConnectionPolicy, Slot, SlotView
from minicoin.core.connmgr.table import SlotTable, endpoint_of
from minicoin.core.effects import Close, Dial, Effect, SaveState
from minicoin.core.faults import MisuseError
from minicoin.core.limits import (
    DIALS_IN_FLIGHT_MAX,
    MANUAL_ADDRESSES_MAX,
    SEED_CONNECTION_US,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.permissions import Permission, permissions_of
from minicoin.core.primitives.slot_kind import AUTOMATIC, CHOSEN_BY_OPERATOR, SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, SECOND_US, ConnId, Micros

SelectAddress = Callable[[frozenset[bytes]], NodeAddress | None]
"""The address book's choice of an address outside these network groups."""

BANS_KEY = "bans"
"""The SaveState key of the ban list."""

# A connection that lasted this long was a good one: the next failure is the first again.
_GOOD_AFTER_US = MINUTE_US
_SELECT_TRIES = 30
_IDLE_US = SECOND_US
_IDLE_MAX_US = 30 * SECOND_US
_SELF_ADDRESSES_MAX = 64


class ConnectionManager:
    """The slots of one node."""

    def __init__(
        self,
        policy: ConnectionPolicy,
        group_of: Callable[[NodeAddress], bytes],
        rng: Rng,
        has_answered: Callable[[NodeAddress], bool] = lambda address: False,
        bans: BanList | None = None,
    ) -> None:
        """`has_answered` says whether a connection to an address was ever had; `bans` are those of an earlier run."""
        self._has_answered = has_answered
        self._needed: dict[NodeAddress, None] = {}
        self.alarm = Alarm()
        self.is_active = True
        self._group_of = group_of
        self._backoff = Backoff(rng.stream("backoff"))
        self._slots = SlotTable()
        self._door = Door(policy, self._slots, group_of, BanList() if bans is None else bans)
        self._overlay = OverlaySlots(policy, self._slots, self._door.may_lead_to_admitted)
        self._unwanted: list[ConnId] = []
        self._lets_go = False
        self._next_conn = 2
        self._targets = {
            SlotKind.FULL_RELAY: policy.full_relay_slots,
            SlotKind.BLOCK_ONLY: policy.block_only_slots,
        }
        kind = SlotKind.MANUAL if policy.connect is None else SlotKind.CONNECT
        named = policy.add_nodes if policy.connect is None else policy.connect
        # Who all are told of is among them, too.
        others = [address for address in named if not (address.peer_id and address.peer_id == policy.own_peer_id)]
        self._named: dict[NodeAddress, SlotKind] = dict.fromkeys(others, kind)
        self._seeds = list(policy.seed_nodes) if policy.connect is None else []
        self._own_endpoints: dict[Endpoint, None] = {}
        self._idle_us = _IDLE_US
        self._search_at: Micros | None = Micros(0)
        # A search in vain looks at the book many times: not for every address that anybody sends.
        self._search_not_before = Micros(0)

    @property
    def policy(self) -> ConnectionPolicy:
        """How many connections there may be, and of whom."""
        return self._door.policy

    @property
    def bans(self) -> BanList:
        """Who is not to be talked to."""
        return self._door.bans

    # --- dialling ---

    def fill(self, now: Micros, select: SelectAddress) -> list[Effect]:
        """Dial what is missing; to be called when next_deadline() has come."""
        if not self.is_active:
            return []
        effects: list[Effect] = []
        for slot in self._slots if self._slots.count(SlotKind.SEED) else ():
            if _is_passing(slot) and slot.since + SEED_CONNECTION_US <= now:
                slot.is_closing = True
                effects.append(Close(slot.conn, "seed node kept long enough"))
        effects += self._close_unwanted()
        for address, kind in self._named.items():
            if self._may_dial(address, now):
                effects.append(self._dial(address, kind, now))
        while self._seeds and self._slots.dialling_count < DIALS_IN_FLIGHT_MAX:
            address = self._seeds.pop(0)
            if self._may_dial(address, now):
                effects.append(self._dial(address, SlotKind.SEED, now))
        while (wanted := self._overlay.choose(lambda found: self._may_dial(found, now))) is not None:
            effects.append(self._dial(wanted, SlotKind.OVERLAY, now))
        if self.policy.connect is None and self._search_at is not None and self._search_at <= now:
            effects += self._search(now, select)
        return effects

    def _close_unwanted(self) -> list[Close]:
        """What the overlay wants no longer, but for those whom a person wants."""
        conns, self._unwanted = self._unwanted, []
        closes: list[Close] = []
        for conn in conns:
            slot = self._slots.get(conn)
            if slot is None or not slot.is_open or slot.is_closing or _is_of_operator(slot):
                continue
            slot.is_closing = True
            closes.append(Close(conn, "the network model wants it no longer"))
        return closes

    def dial(self, address: NodeAddress, kind: SlotKind, now: Micros) -> Dial:
        """Dial one address at once: a person's single try. Raises MisuseError saying why not."""
        if not self.is_active:
            raise MisuseError("network activity is switched off")
        if endpoint_of(address) in self._own_endpoints:
            raise MisuseError(f"{address} is this node itself")
        if self._slots.is_connected(address):
            raise MisuseError(f"already connected to {address}")
        if not self._door.may_lead_to_admitted(address):
            raise MisuseError(f"{address} is not admitted to this network: its members admit it, no node's operator")
        if self._door.ban_of(address, kind, now) is not None:
            raise MisuseError(f"{address} is banned; the ban is lifted by setban {address.host} remove")
        return self._dial(address, kind, now)

    def _search(self, now: Micros, select: SelectAddress) -> list[Effect]:
        found: list[Effect] = []
        for kind in AUTOMATIC:
            while self._slots.count(kind) < self._targets[kind]:
                if self._slots.dialling_count >= DIALS_IN_FLIGHT_MAX:
                    self._search_at = None
                    return found
                address = self._select(now, select)
                if address is None:
                    # The book knows nobody else: look again later, less and less often.
                    self._search_not_before = Micros(now + _IDLE_US)
                    self._search_at = Micros(now + self._idle_us)
                    self._idle_us = min(2 * self._idle_us, _IDLE_MAX_US)
                    return found
                found.append(self._dial(address, kind, now))
        self._search_at = None
        return found

    def _select(self, now: Micros, select: SelectAddress) -> NodeAddress | None:
        groups: frozenset[bytes] = frozenset()
        if not self.policy.is_private_network:
            groups = self._slots.automatic_groups()
        for _ in range(_SELECT_TRIES):
            address = select(groups)
            if address is None:
                return None
            if self._slots.has_inbound_from(address):
                continue
            if self._may_dial(address, now) and self._group_of(address) not in groups:
                return address
        return None

    def _may_dial(self, address: NodeAddress, now: Micros) -> bool:
        endpoint = endpoint_of(address)
        return (
            endpoint not in self._own_endpoints
            and self._backoff.ready_at(endpoint) <= now
            and not self._slots.is_connected(address)
            and self._door.may_dial(address, self._named.get(address), now)
        )

    def _dial(self, address: NodeAddress, kind: SlotKind, now: Micros) -> Dial:
        conn = ConnId(self._next_conn)
        self._next_conn += 2
        self._slots.put(Slot(conn, kind, address, self._group_of(address), now))
        return Dial(conn, address, self.policy.dial_timeout_us)

    # --- what became of it ---

    def on_opened(self, conn: ConnId, remote: NodeAddress, inbound: bool, now: Micros) -> list[Close]:
        """A channel is up. Where a Close names `conn`, it is refused and no session should start on it."""
        permissions = permissions_of(self.policy.whitelist, remote, is_inbound=inbound)
        kind = SlotKind.INBOUND if inbound else self._slots[conn].kind
        refusal = "" if self.is_active else "network activity is switched off"
        refusal = refusal or self._door.refusal(remote, kind, permissions, now)
        closes: list[Close] = []
        if inbound:
            if not refusal:
                refusal, loser_conn = self._door.find_place(remote, permissions)
                closes = self._give_way(loser_conn)
            if refusal:
                return [_refused(conn, refusal)]
            self._slots.put(Slot(conn, SlotKind.INBOUND, remote, self._group_of(remote), now))
        slot = self._slots[conn]
        if remote.peer_id:
            slot.address = slot.address.of_peer(remote.peer_id)
        slot.since = now
        slot.is_open = True
        slot.permissions = permissions
        if not inbound:
            # A dial ended: those that waited for its place may go on.
            self._search_at = max(now, self._search_not_before)
            self._reconsider()
        if refusal:
            slot.is_closing = True
            return [_refused(conn, refusal)]
        loser = self._door.duplicate(slot)
        if loser is None:
            return closes
        loser.is_closing = True
        if loser.conn == conn and inbound:
            self._slots.pop(conn)
        return [*closes, Close(loser.conn, "already connected to this peer")]

    def _give_way(self, conn: ConnId | None) -> list[Close]:
        if conn is None:
            return []
        self._slots[conn].is_closing = True
        return [Close(conn, "half open for too long: others wait for the place")]

    def on_ready(self, conn: ConnId) -> None:
        """The handshake is done."""
        self._slots[conn].is_ready = True
        self._idle_us = _IDLE_US

    def on_addresses(self, conn: ConnId) -> list[Close]:
        """The peer answered our getaddr: a seed node's connection has served its purpose."""
        slot = self._slots.get(conn)
        if slot is None or not _is_passing(slot):
            return []
        slot.is_closing = True
        return [Close(conn, "addresses fetched")]

    def on_failed(self, conn: ConnId, now: Micros) -> None:
        """A dial ended without a connection."""
        slot = self._slots.pop(conn)
        if slot is not None:
            self._back_off(slot, now)
            self._search_at = max(now, self._search_not_before)
            self._reconsider()

    def on_closed(self, conn: ConnId, now: Micros) -> None:
        """A connection is gone, whoever closed it; refused ones are not known here."""
        slot = self._slots.pop(conn)
        if slot is None:
            return
        if slot.is_inbound:
            if self._overlay:
                # It may have stood for a wanted address.
                self._reconsider()
            return
        # Whom the model let go had been reached, however short that was.
        was_let_go = self._lets_go and slot.is_closing and slot.kind is SlotKind.OVERLAY
        if slot.is_ready and (was_let_go or now - slot.since >= _GOOD_AFTER_US):
            self._backoff.forget(endpoint_of(slot.address))
        self._back_off(slot, now)
        self._search_at = max(now, self._search_not_before)
        self._reconsider()

    def _back_off(self, slot: Slot, now: Micros) -> None:
        policy = self.policy
        base_us, max_us = policy.retry_us, policy.retry_max_us
        if slot.kind in CHOSEN_BY_OPERATOR:
            base_us, max_us = policy.manual_retry_us, policy.manual_retry_max_us
        elif slot.address in self._needed or self._has_answered(slot.address):
            max_us = policy.known_retry_max_us
        self._backoff.fail(endpoint_of(slot.address), now, base_us=base_us, max_us=max_us)

    # --- blame ---

    def misbehaving(self, conn: ConnId, score: int, reason: str, now: Micros) -> list[Effect]:
        """Count a fault. At the ban score the peer is banned and closed; one that a person named is only closed."""
        slot = self._slots.get(conn)
        if slot is None or slot.is_closing or slot.permissions & Permission.NOBAN:
            return []
        slot.score += score
        if slot.score < self.policy.bans.score:
            return []
        slot.is_closing = True
        if slot.kind in CHOSEN_BY_OPERATOR:
            return [Close(conn, reason)]
        subjects = subjects_of(
            slot.address, is_inbound=slot.is_inbound, is_private_network=self.policy.is_private_network
        )
        effects: list[Effect] = [Close(conn, reason)]
        for subject in subjects:
            self.bans.add(Ban(subject, now, Micros(now + self.policy.bans.time_us), reason))
        if subjects:
            effects += self._close_banned(now)
            effects.append(self._save_bans())
        return effects

    def ban(self, subject: str, until: Micros, reason: str, now: Micros) -> list[Effect]:
        """A person bans what parse_subject() returned: its connections close, those that a person asked for too."""
        self.bans.add(Ban(subject, now, until, reason, by_operator=True))
        return [*self._close_banned(now), self._save_bans()]

    def unban(self, subject: str) -> list[Effect]:
        """Lift a ban. Raises MisuseError where there is none."""
        if not self.bans.remove(subject):
            raise MisuseError(f"{subject} is not banned")
        self._reconsider()
        return [self._save_bans()]

    def clear_bans(self) -> list[Effect]:
        self.bans.clear()
        self._reconsider()
        return [self._save_bans()]

    def _close_banned(self, now: Micros) -> list[Close]:
        closes: list[Close] = []
        for slot in self._slots:
            is_open = slot.is_open and not slot.is_closing
            if is_open and self._door.ban_of(slot.address, slot.kind, now) is not None:
                slot.is_closing = True
                closes.append(Close(slot.conn, "banned"))
        return closes

    def _save_bans(self) -> SaveState:
        return SaveState(BANS_KEY, self.bans.to_bytes())

    # --- what a person or an overlay wants ---

    def admit(self, peer_ids: frozenset[bytes]) -> list[Close]:
        """From now on these may connect and no others, the operator's own included: who is not among them is cut off,
        and no dial goes there. Who came to be among them is dialled again at once, as far as anybody wants it."""
        self._door.admitted = peer_ids
        closes: list[Close] = []
        for slot in self._slots:
            door = self._door
            is_welcome = door.is_admitted(slot.peer_id) if slot.is_open else door.may_lead_to_admitted(slot.address)
            if not is_welcome and not slot.is_closing:
                slot.is_closing = True
                closes.append(Close(slot.conn, NOT_ADMITTED, is_gated=True))
        for address in self._named:
            if address.peer_id in peer_ids:
                self._backoff.forget(endpoint_of(address))
        self.wake()
        return closes

    def add_node(self, address: NodeAddress) -> None:
        """Keep a connection to this address, whatever happens. Raises MisuseError where it is on the list."""
        if address in self._named:
            raise MisuseError(f"{address} is on the list already")
        if len(self._named) >= MANUAL_ADDRESSES_MAX:
            raise MisuseError(f"no more than {MANUAL_ADDRESSES_MAX} added nodes")
        self._named[address] = SlotKind.MANUAL
        self._backoff.forget(endpoint_of(address))
        self._reconsider()

    def remove_node(self, address: NodeAddress) -> None:
        """Stop keeping it; an open connection stays. Raises MisuseError where it is not on the list."""
        if self._named.pop(address, None) is None:
            raise MisuseError(f"{address} is not on the list")

    def added_nodes(self) -> tuple[NodeAddress, ...]:
        return tuple(self._named)

    def set_wants(
        self,
        *,
        full_relay: int,
        block_only: int,
        addresses: tuple[NodeAddress, ...] = (),
        needed: tuple[NodeAddress, ...] = (),
        unwanted: tuple[ConnId, ...] = (),
        lets_go: bool = False,
    ) -> None:
        """What the overlay wants, as far as the operator allows it: so many automatic connections, these addresses in
        overlay slots, first those that the node cannot do without, and these connections no longer; where it lets go
        those have not failed. fill() dials and closes."""
        self._needed = dict.fromkeys(needed)
        targets = {
            SlotKind.FULL_RELAY: min(full_relay, self.policy.full_relay_slots),
            SlotKind.BLOCK_ONLY: min(block_only, self.policy.block_only_slots),
        }
        if targets != self._targets:
            self._targets = targets
            self.wake()
        self._unwanted = list(unwanted)
        self._lets_go = lets_go
        if self._overlay.set((*needed, *addresses)) or unwanted:
            self._reconsider()

    def retry(self, addresses: Iterable[NodeAddress]) -> None:
        """These are dialled at once where they are wanted, however often they have failed."""
        for address in addresses:
            self._backoff.forget(endpoint_of(address))
        self._reconsider()

    def set_inbound_slots(self, count: int) -> None:
        """So many inbound connections from now on; those that are there stay."""
        self._door.policy = replace(self._door.policy, inbound_slots=count)

    def set_active(self, active: bool) -> list[Close]:
        """Switch all network activity on or off."""
        self.is_active = active
        self.wake()
        return [] if active else [Close(slot.conn, "network activity is switched off") for slot in self._slots]

    def wake(self) -> None:
        """The address book learned something: search at once."""
        self._idle_us = _IDLE_US
        self._search_at = self._search_not_before
        self._reconsider()

    def _reconsider(self) -> None:
        """Something may be due by now: next_deadline() is asked at the end of the event."""
        self.alarm.by(Micros(0))

    def mark_self(self, conn: ConnId) -> None:
        """The connection turned out to lead to this node: never dial that address again."""
        slot = self._slots.get(conn)
        if slot is not None and not slot.is_inbound:
            self._own_endpoints[endpoint_of(slot.address)] = None
            if len(self._own_endpoints) > _SELF_ADDRESSES_MAX:
                del self._own_endpoints[next(iter(self._own_endpoints))]

    def mark_listening(self, conn: ConnId, address: NodeAddress) -> None:
        """An inbound peer says where it listens: an automatic slot for the same node would be one less for another,
        and two halves of a small network would never find each other again. Who is named is dialled all the same."""
        slot = self._slots.get(conn)
        if slot is not None and slot.is_inbound:
            slot.listens_at = address

    # --- reading ---

    def has_room(self, kind: SlotKind) -> bool:
        """Whether one more connection of this kind has a slot; kinds that pass have no number of their own."""
        target = self._targets.get(kind)
        return target is None or self._slots.count(kind) < target

    def get(self, conn: ConnId) -> Slot | None:
        return self._slots.get(conn)

    def is_connected(self, address: NodeAddress) -> bool:
        """Whether a connection or dial to this endpoint or peer id exists."""
        return self._slots.is_connected(address)

    def next_deadline(self) -> Micros | None:
        """When fill has something to do."""
        if not self.is_active:
            return None
        deadlines: list[Micros] = []
        if self._named:
            is_connected = self._slots.connected()
            deadlines += [
                self._ready_at(name, kind)
                for name, kind in self._named.items()
                if not is_connected(name)
                and endpoint_of(name) not in self._own_endpoints
                and self._door.may_lead_to_admitted(name)
            ]
        if self._slots.count(SlotKind.SEED):
            deadlines += [Micros(slot.since + SEED_CONNECTION_US) for slot in self._slots if _is_passing(slot)]
        deadlines += [
            self._ready_at(address, SlotKind.OVERLAY)
            for address in self._overlay.missing()
            if endpoint_of(address) not in self._own_endpoints
        ]
        if self._unwanted or (self._seeds and self._slots.dialling_count < DIALS_IN_FLIGHT_MAX):
            deadlines.append(Micros(0))
        if self.policy.connect is None and self._search_at is not None:
            deadlines.append(self._search_at)
        return min(deadlines, default=None)

    def _ready_at(self, name: NodeAddress, kind: SlotKind) -> Micros:
        ready_at = self._backoff.ready_at(endpoint_of(name))
        ban = self._door.ban_of(name, kind, ready_at)
        return ready_at if ban is None else max(ban.until, ready_at)

    def snapshot(self) -> tuple[SlotView, ...]:
        """Every slot, in order of its start."""
        return self._slots.views()

    def count_ready(self, *kinds: SlotKind) -> int:
        """Connections of these kinds with a finished handshake."""
        return self._slots.count_ready(kinds)


def _refused(conn: ConnId, reason: str) -> Close:
    return Close(conn, reason, is_gated=reason == NOT_ADMITTED)


def _is_of_operator(slot: Slot) -> bool:
    return slot.kind in CHOSEN_BY_OPERATOR or bool(slot.permissions & Permission.NOBAN)


def _is_passing(slot: Slot) -> bool:
    return slot.kind is SlotKind.SEED and slot.is_open and not slot.is_closing
