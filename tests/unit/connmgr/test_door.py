"""Who may be connected, and who gives way: each rule alone, on slots as they are."""

import pytest

from minicoin.core.connmgr.bans import Ban, BanList, BanPolicy
from minicoin.core.connmgr.door import NOT_ADMITTED, Door
from minicoin.core.connmgr.slots import ConnectionPolicy, Slot
from minicoin.core.connmgr.table import SlotTable
from minicoin.core.limits import INBOUND_PER_ADDRESS_MAX, INBOUND_PER_GROUP_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import DAY_US, ConnId, Micros

NOW = Micros(1_700_000_000_000_000)
OURS, LESS, MORE = b"m", b"a", b"z"
USUAL = {"full_relay_slots": 8, "block_only_slots": 0, "overlay_slots": 8, "inbound_slots": 115, "bans": BanPolicy()}


def at(host: str, peer_id: bytes = b"", port: int = 8333) -> NodeAddress:
    return NodeAddress(host, port, peer_id)


class Stage:
    def __init__(self, **policy: object) -> None:
        self.slots = SlotTable()
        self.door = Door(ConnectionPolicy(**USUAL | policy), self.slots, self.group_of, BanList())
        self.count = 0

    def group_of(self, address: NodeAddress) -> bytes:
        return address.host.split(".")[0].encode()

    def connect(self, address: NodeAddress, kind: SlotKind = SlotKind.INBOUND, *, is_ready: bool = True) -> Slot:
        self.count += 1
        slot = Slot(ConnId(self.count), kind, address, self.group_of(address), NOW)
        slot.is_open, slot.is_ready = True, is_ready
        self.slots.put(slot)
        return slot

    def ban(self, subject: str, *, by_operator: bool = False) -> None:
        self.door.bans.add(Ban(subject, NOW, Micros(NOW + DAY_US), "was rude", by_operator=by_operator))


def refusal(stage: Stage, remote: NodeAddress, kind: SlotKind, permissions: Permission = Permission.NONE) -> str:
    return stage.door.refusal(remote, kind, permissions, NOW)


def test_whom_the_network_does_not_admit_nobody_lets_in() -> None:
    stage = Stage(allowed_peers=(LESS, MORE))
    stage.door.admitted = frozenset({LESS})
    for kind in (SlotKind.INBOUND, SlotKind.MANUAL):
        assert refusal(stage, at("9.1.2.3", LESS), kind) == ""
        assert refusal(stage, at("9.1.2.3", MORE), kind) == NOT_ADMITTED
        assert refusal(stage, at("9.1.2.3"), kind) == NOT_ADMITTED
    # It may turn out to be one of them.
    assert stage.door.may_dial(at("9.1.2.3"), None, NOW)
    assert not stage.door.may_dial(at("9.1.2.3", MORE), SlotKind.MANUAL, NOW)


@pytest.mark.parametrize(("by_operator", "refuses_named"), [(True, True), (False, False)])
def test_only_a_persons_ban_keeps_out_whom_a_person_named(by_operator: bool, refuses_named: bool) -> None:
    stage = Stage()
    stage.ban("9.1.2.3/32", by_operator=by_operator)
    remote = at("9.1.2.3")
    assert refusal(stage, remote, SlotKind.INBOUND) == "banned: was rude"
    assert refusal(stage, remote, SlotKind.INBOUND, Permission.NOBAN) == ""
    assert (refusal(stage, remote, SlotKind.MANUAL) != "") == refuses_named
    assert stage.door.may_dial(remote, SlotKind.MANUAL, NOW) != refuses_named
    assert not stage.door.may_dial(remote, None, NOW)


def test_who_is_not_on_the_list_is_refused_unless_a_person_named_him() -> None:
    stage = Stage(allowed_peers=(LESS,))
    assert refusal(stage, at("9.1.2.3", MORE), SlotKind.INBOUND) == "not one of the allowed peers"
    assert refusal(stage, at("9.1.2.3", MORE), SlotKind.MANUAL) == ""
    assert stage.door.may_dial(at("9.1.2.3"), None, NOW)
    assert not stage.door.may_dial(at("9.1.2.3", MORE), None, NOW)


def test_places_are_bounded_by_address_and_by_group_where_the_network_is_public() -> None:
    for bound, hosts in (
        (INBOUND_PER_ADDRESS_MAX, ["9.1.2.3"] * INBOUND_PER_ADDRESS_MAX),
        (INBOUND_PER_GROUP_MAX, [f"9.1.2.{place}" for place in range(INBOUND_PER_GROUP_MAX)]),
    ):
        for policy in ({}, {"is_private_network": True}, {"allowed_peers": (LESS,)}):
            stage = Stage(**policy)
            for host in hosts:
                stage.connect(at(host))
            told, loser = stage.door.find_place(at(hosts[0]), Permission.NONE)
            assert told.startswith(f"{bound} inbound connections from one ") == (not policy)
            assert loser is None
            assert stage.door.find_place(at(hosts[0]), Permission.NOBAN) == ("", None)
            assert stage.door.find_place(at("77.1.2.3"), Permission.NONE) == ("", None)


def test_who_has_proved_nothing_gives_way_before_anybody_is_refused() -> None:
    stage = Stage(inbound_slots=3)
    for host in ("9.1.2.3", "10.1.2.3"):
        stage.connect(at(host))
    mute = stage.connect(at("11.1.2.3"), is_ready=False)
    assert stage.door.find_place(at("12.1.2.3"), Permission.NONE) == ("", mute.conn)
    mute.is_ready = True
    assert stage.door.find_place(at("12.1.2.3"), Permission.NONE) == ("all 3 inbound slots are taken", None)


@pytest.mark.parametrize(("peer_id", "keeps_inbound"), [(LESS, True), (MORE, False)])
def test_of_two_that_crossed_the_one_dialled_by_the_greater_id_is_given_up(peer_id: bytes, keeps_inbound: bool) -> None:
    stage = Stage(own_peer_id=OURS)
    dialled = stage.connect(at("9.1.2.3", peer_id), SlotKind.FULL_RELAY)
    assert stage.door.duplicate(dialled) is None
    inbound = stage.connect(at("9.1.2.3", peer_id, 40_000))
    assert stage.door.duplicate(inbound) is (dialled if keeps_inbound else inbound)
    assert stage.door.duplicate(dialled) is (dialled if keeps_inbound else inbound)


def test_of_two_in_one_direction_the_younger_is_given_up_and_of_strangers_none() -> None:
    stage = Stage(own_peer_id=OURS)
    stage.connect(at("9.1.2.3", LESS))
    again = stage.connect(at("9.1.2.4", LESS))
    assert stage.door.duplicate(again) is again
    stage.connect(at("9.1.2.5"))
    assert stage.door.duplicate(stage.connect(at("9.1.2.5"))) is None
