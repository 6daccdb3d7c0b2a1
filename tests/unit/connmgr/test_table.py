"""The slots in use: what the table answers about them."""

from minicoin.core.connmgr.slots import Slot
from minicoin.core.connmgr.table import SlotTable, source_of
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import AUTOMATIC, SlotKind
from minicoin.core.units import ConnId, Micros

INBOUND, FULL = SlotKind.INBOUND, SlotKind.FULL_RELAY


def slot(conn: int, kind: SlotKind, host: str, *, port: int = 1, peer_id: bytes = b"", is_open: bool = True) -> Slot:
    address = NodeAddress(host, port, peer_id)
    return Slot(ConnId(conn), kind, address, host.rpartition(".")[0].encode(), Micros(0), is_open=is_open)


def table(*slots: Slot) -> SlotTable:
    made = SlotTable()
    for one in slots:
        made.put(one)
    return made


def test_a_source_is_an_address_or_what_one_subscriber_has() -> None:
    assert source_of(NodeAddress("1.2.3.4", 1)) != source_of(NodeAddress("1.2.3.5", 1))
    assert source_of(NodeAddress("2001:db8::1", 1)) == source_of(NodeAddress("2001:db8::ffff:1", 2))
    assert source_of(NodeAddress("2001:db8::1", 1)) != source_of(NodeAddress("2001:db8:0:1::1", 1))
    assert source_of(NodeAddress("node.example", 1)) == b"node.example"


def test_an_inbound_port_says_nothing_about_where_somebody_listens() -> None:
    found = table(slot(1, INBOUND, "1.1.1.1"), slot(2, FULL, "2.2.2.2", is_open=False))
    assert not found.is_connected(NodeAddress("1.1.1.1", 1))
    assert found.is_connected(NodeAddress("2.2.2.2", 1))
    listener = found[ConnId(1)]
    listener.listens_at = NodeAddress("1.1.1.1", 8333)
    assert found.has_inbound_from(NodeAddress("1.1.1.1", 8333))
    assert not found.has_inbound_from(NodeAddress("1.1.1.1", 8334))


def test_a_proven_peer_id_is_the_peer_wherever_it_calls_from() -> None:
    first = slot(1, INBOUND, "1.1.1.1", peer_id=b"alice")
    fresh = slot(2, FULL, "2.2.2.2", peer_id=b"alice")
    found = table(first, fresh)
    assert found.same_peer(fresh) is first
    assert found.is_connected(NodeAddress("9.9.9.9", 9, b"alice"))
    # What a dial hopes to find is proven only when it is open.
    fresh.is_open = False
    assert found.same_peer(fresh) is None


def test_who_is_on_his_way_out_holds_no_inbound_place() -> None:
    leaving = slot(1, INBOUND, "1.1.1.1")
    leaving.is_closing = True
    ready = slot(2, INBOUND, "1.1.1.1")
    ready.is_ready = True
    found = table(leaving, ready, slot(3, INBOUND, "1.1.1.2"))
    assert found.count_inbound() == 2
    assert found.count_inbound_from(source_of(NodeAddress("1.1.1.1", 1))) == 1
    assert found.count_inbound_in(b"1.1.1") == 2
    assert [one.conn for one in found.half_open(uses_groups=True)] == [3]
    assert [one.group for one in found.half_open(uses_groups=False)] == [b""]


def test_counts_by_kind_and_the_groups_of_automatic_ones() -> None:
    found = table(slot(1, FULL, "1.1.1.1"), slot(2, FULL, "2.2.2.2", is_open=False), slot(3, INBOUND, "3.3.3.3"))
    found[ConnId(1)].is_ready = True
    assert (found.count(FULL), found.count(INBOUND)) == (2, 1)
    assert found.count_ready(AUTOMATIC) == 1
    assert found.dialling_count == 1
    assert found.automatic_groups() == {b"1.1.1", b"2.2.2"}
    assert [view.conn for view in found.views()] == [1, 2, 3]
    assert found.pop(ConnId(1)) is not None and found.pop(ConnId(1)) is None
    assert found.get(ConnId(1)) is None
