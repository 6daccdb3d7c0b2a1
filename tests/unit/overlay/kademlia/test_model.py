"""The model put together: who enters its table, what it wants, how items go on, and what it does not take."""

import pytest
from tests.unit.overlay.kademlia.circle import T0, Circle, Member, circle_of
from tests.unit.overlay.kademlia.contacts import peer_id_of, peer_view

from minicoin.core.effects import Send
from minicoin.core.faults import DecodeError
from minicoin.core.limits import KAD_LINGER_US, KAD_NEAREST, KAD_QUESTIONS_BURST
from minicoin.core.overlay.contract import Item, ItemKind, LedgerView, NetworkView, PoolPage, SpreadBy
from minicoin.core.overlay.kademlia.dht_message import DhtMessage, DhtType
from minicoin.core.overlay.kademlia.keyspace import bucket_of
from minicoin.core.overlay.kademlia.messages import KadAnswer, KadAsk, KadCast, KadHello, KadRole
from minicoin.core.overlay.repair.messages import Pull, Pulled
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import MINUTE_US, SECOND_US, Micros
from minicoin.core.wire.messages import Inv, InventoryVector, InvType

BLOCK = Item(ItemKind.BLOCK, b"b" * 32)


def table_of(member: Member):
    return member.overlay.table


def met(*members: Member) -> Circle:
    """All connected to the first."""
    circle = Circle(*members)
    for other in members[1:]:
        circle.connect(members[0], other)
    circle.settle()
    return circle


# --- who stands in the table ---


def test_servers_enter_each_others_tables_and_clients_nobodys():
    one, two, client, deaf = Member(1), Member(2), Member(3, role="client"), Member(4, listens=False)
    circle = Circle(one, two, client, deaf)
    for other in (two, client, deaf):
        circle.connect(other, one)
    circle.settle()
    assert list(table_of(one)) == [two.contact] and one.contact in table_of(two)
    # A client knows servers; who takes no connections is a client, whatever its role.
    assert one.contact in table_of(client) and one.contact in table_of(deaf)
    roles = {near.conn: near.role for near in one.overlay.about((), T0).neighbours}
    assert roles == {}


def test_where_an_inbound_peer_listens_is_its_host_and_the_port_that_it_says():
    member = Member(1)
    view = peer_view(2, 7, is_inbound=True)
    member.overlay.on_offer(view, member.speaks, T0)
    member.overlay.take_hello(view, KadHello(KadRole.SERVER, 1234), T0)
    assert [each.address for each in table_of(member)] == [NodeAddress(view.address.host, 1234, peer_id_of(2))]


def test_a_server_that_becomes_a_client_leaves_the_table():
    one, two = Member(1), Member(2)
    circle = met(one, two)
    two.listens = False
    circle.let_pass(MINUTE_US)
    assert len(table_of(one)) == 0 and two.contact.peer_id not in one.overlay.neighbours
    two.listens = True
    circle.let_pass(MINUTE_US)
    assert two.contact in table_of(one)


def test_a_peer_without_a_proven_id_or_of_another_model_is_none_of_ours():
    member = Member(1)
    plain = PeerView(1, NodeAddress("10.0.0.2", 8333), is_inbound=False)
    assert list(member.overlay.on_offer(plain, member.speaks, T0)) == []
    assert list(member.overlay.on_offer(peer_view(3, 3), (), T0)) == []
    for message, take in (
        (KadHello(KadRole.SERVER, 1), member.overlay.take_hello),
        (KadAsk(1, DhtMessage(DhtType.PING)), member.overlay.take_ask),
        (KadAnswer(1, DhtMessage(DhtType.PING)), member.overlay.take_answer),
        (KadCast(bytes(32), 1), member.overlay.take_cast),
        (Pull(1, bytes(32), 0), member.overlay.take_pull),
        (Pulled(1, False, 0), member.overlay.take_pulled),
    ):
        assert list(take(plain, message, T0)) == []
    assert len(table_of(member)) == 0


def test_addresses_that_nobody_may_dial_are_not_believed():
    member = Member(1)
    for host in ("0.0.0.0", "224.0.0.1", "localhost"):
        view = PeerView(5, NodeAddress(host, 1, peer_id_of(5)), is_inbound=True)
        member.overlay.on_offer(view, member.speaks, T0)
        member.overlay.take_hello(view, KadHello(KadRole.SERVER, 8333), T0)
    assert len(table_of(member)) == 0


# --- questions ---


def test_a_client_answers_nobody():
    client, one = Member(1, role="client"), Member(2)
    circle = met(client, one)
    (conn,) = client.ends
    asked = KadAsk(1, DhtMessage(DhtType.PING))
    assert list(client.overlay.take_ask(peer_view(2, conn), asked, circle.now)) == []
    (conn,) = one.ends
    assert list(one.overlay.take_ask(peer_view(1, conn), asked, circle.now)) == [
        Send(conn, KadAnswer(1, DhtMessage(DhtType.PING)))
    ]


def test_one_question_too_many_is_not_answered():
    one, two = Member(1), Member(2)
    circle = met(one, two)
    (conn,) = one.ends
    asked = KadAsk(1, DhtMessage(DhtType.FIND_NODE, peer_id_of(9)))
    answers = [list(one.overlay.take_ask(peer_view(2, conn), asked, circle.now)) for _ in range(200)]
    assert 0 < sum(map(bool, answers)) <= KAD_QUESTIONS_BURST and not answers[-1]


def test_an_answer_to_nothing_teaches_nothing():
    one, two = Member(1), Member(2)
    circle = met(one, two)
    (conn,) = one.ends
    before = one.overlay.snapshot(circle.now)
    answer = KadAnswer(77, DhtMessage(DhtType.FIND_NODE))
    assert list(one.overlay.take_answer(peer_view(2, conn), answer, circle.now)) == []
    assert one.overlay.snapshot(circle.now) == before


def test_whoever_asks_beside_the_wire_is_answered_from_the_same_table():
    circle = circle_of(12)
    member, *others = circle.members.values()
    stranger, target = peer_id_of(900), others[3]
    question = DhtMessage(DhtType.FIND_NODE, target.contact.peer_id)
    answer = DhtMessage.decode(member.overlay.answer(stranger, question.encode(), circle.now))
    assert answer.closer[0].id == target.contact.peer_id
    assert answer.closer[0].dialable() == (target.contact.address,) and len(answer.closer) == 11
    itself = DhtMessage(DhtType.FIND_NODE, member.contact.peer_id)
    answer = DhtMessage.decode(member.overlay.answer(stranger, itself.encode(), circle.now))
    assert answer.closer[0].dialable() == (member.contact.address,) and len(answer.closer) == 12
    # It asks only, and stands in no table.
    assert len(table_of(member)) == 11
    assert member.overlay.answer(stranger, DhtMessage(DhtType.PING).encode(), circle.now) == b"\x08\x05"
    provides = DhtMessage(DhtType.ADD_PROVIDER, b"key")
    assert member.overlay.answer(stranger, provides.encode(), circle.now) == b""
    for refused in (DhtMessage(DhtType.PUT_VALUE, b"key", b"value").encode(), b"\x08\x09", b"\xff"):
        assert member.overlay.answer(stranger, refused, circle.now) is None
    client = Member(50, role="client")
    assert client.overlay.answer(stranger, question.encode(), circle.now) is None


# --- connections ---


def test_a_node_joins_through_one_and_knows_all_that_are_near():
    circle = circle_of(30)
    members = list(circle.members.values())
    for member in members:
        others = sorted(
            (other.contact for other in members if other is not member), key=lambda each: each.key ^ member.contact.key
        )
        assert set(others[:5]) <= set(table_of(member))
        addresses = member.overlay.wants(NetworkView(), circle.now).addresses
        assert {each.address for each in others[:5]} <= set(addresses) and len(addresses) < 20


def test_who_was_asked_is_let_go_again():
    circle = circle_of(40, k=4)
    member = next(iter(circle.members.values()))
    circle.let_pass(2 * KAD_LINGER_US)
    circle.settle()
    wants = member.overlay.wants(NetworkView(), circle.now)
    # None of those has failed.
    assert wants.lets_go
    wanted = {address.peer_id for address in wants.addresses}
    ours = {link.peer_id for link in member.peers if link.is_ours}
    assert ours <= wanted


def test_who_cannot_be_dialled_is_replaced_at_once_and_what_it_was_asked_is_not_answered():
    circle = circle_of(40, k=4)
    member = next(iter(circle.members.values()))

    def is_beside(contact, other):
        return bucket_of(member.contact.key, contact.key) == bucket_of(member.contact.key, other.key)

    near = {each.peer_id for each in table_of(member).closest(member.contact.key, KAD_NEAREST)}
    gone = next(each for each in member.overlay.neighbours.contacts() if each.peer_id not in near)
    # While it is connected, a dial to it says nothing.
    assert member.overlay.on_unreachable(gone.address, circle.now) == ()
    circle.members[gone.address].is_dead = True
    circle.close(member, next(link.conn for link in member.peers if link.peer_id == gone.peer_id))
    circle.do(member, member.overlay.find(7, gone.peer_id, NetworkView(), circle.now))
    circle.settle()
    # Others told where it is; that it is there, it must say itself.
    assert 7 not in member.replies
    circle.do(member, member.overlay.on_unreachable(gone.address, circle.now))
    assert member.replies[7].addresses == (gone.address,) and not member.replies[7].is_certain
    addresses = member.overlay.wants(NetworkView(), circle.now).addresses
    assert gone.address not in addresses
    assert any(is_beside(circle.members[address].contact, gone) for address in addresses)
    # An address that names nobody is nobody's.
    assert member.overlay.on_unreachable(NodeAddress("10.0.0.9", 1), circle.now) == ()


def test_the_table_is_kept_over_a_stop():
    circle = circle_of(12)
    member = next(iter(circle.members.values()))
    assert member.saved is not None
    again = Member(1, saved=member.saved)
    assert set(table_of(again)) <= set(table_of(member)) and len(table_of(again)) > 0
    # Its first contacts are those it knew.
    assert again.overlay.wants(NetworkView(), circle.now).addresses
    with pytest.raises(DecodeError):
        Member(1, saved=member.saved[:-1])


# --- items ---


def peers_of(member: Member) -> tuple[PeerView, ...]:
    return tuple(link.peer for link in member.peers)


def test_our_own_item_goes_to_one_of_each_bucket_whole():
    circle = circle_of(20)
    member = next(iter(circle.members.values()))
    spread = member.overlay.spread(BLOCK, peers_of(member), circle.now)
    heights = [one.ahead.height for one in spread]
    assert heights == sorted({bucket_of(member.contact.key, link.key) for link in member.peers}, reverse=True)
    for one in spread:
        assert one.by is SpreadBy.PUSH and one.ahead.item == BLOCK.hash
        other, _ = member.ends[one.conn]
        assert bucket_of(member.contact.key, other.contact.key) == one.ahead.height


def test_an_item_goes_on_below_the_height_that_its_bringer_said():
    circle = circle_of(20)
    member = next(iter(circle.members.values()))
    origin = next(iter(member.ends))
    view = next(link.peer for link in member.peers if link.conn == origin)
    member.overlay.take_cast(view, KadCast(BLOCK.hash, 254), circle.now)
    spread = member.overlay.spread(Item(ItemKind.BLOCK, BLOCK.hash, origin), peers_of(member), circle.now)
    assert spread and all(one.ahead.height < 254 and one.by is SpreadBy.PUSH for one in spread)
    assert origin not in [one.conn for one in spread]
    # Of another item it said nothing: then all are told by hash.
    told = member.overlay.spread(Item(ItemKind.BLOCK, b"c" * 32, origin), peers_of(member), circle.now)
    assert told and all(one.by is SpreadBy.ANNOUNCE for one in told)
    assert max(one.ahead.height for one in told) == 255


def test_with_more_than_one_a_bucket_all_is_announced():
    circle = circle_of(20, beta=3)
    member = next(iter(circle.members.values()))
    spread = member.overlay.spread(BLOCK, peers_of(member), circle.now)
    assert {one.by for one in spread} == {SpreadBy.ANNOUNCE}
    heights = [one.ahead.height for one in spread]
    assert 1 < max(heights.count(height) for height in heights) <= 3


def test_clients_and_foreign_peers_are_told_and_clients_pass_on_their_own_only():
    server, client, other = Member(1), Member(2, role="client"), Member(3)
    circle = met(server, client, other)
    foreign = PeerView(99, NodeAddress("10.9.9.9", 1), is_inbound=True, kind=SlotKind.INBOUND)
    told = server.overlay.spread(BLOCK, (*peers_of(server), foreign), circle.now)
    ways = {one.conn: (one.by, one.ahead) for one in told}
    to_client = next(conn for conn, (peer, _) in server.ends.items() if peer is client)
    assert ways[to_client] == ways[99] == (SpreadBy.ANNOUNCE, None) and len(ways) == 3
    (conn,) = client.ends
    assert [one.conn for one in client.overlay.spread(BLOCK, peers_of(client), circle.now)] == [conn]
    assert client.overlay.spread(Item(ItemKind.BLOCK, BLOCK.hash, 77), (*peers_of(client), foreign), circle.now) == ()


def test_who_takes_no_transactions_is_told_of_none():
    member = Member(1)
    view = peer_view(2, 2, takes_transactions=False)
    member.overlay.on_offer(view, member.speaks, T0)
    member.overlay.take_hello(view, KadHello(KadRole.SERVER, 8333), T0)
    assert member.overlay.spread(Item(ItemKind.TRANSACTION, bytes(32)), (view,), T0) == ()
    assert len(member.overlay.spread(BLOCK, (view,), T0)) == 1


# --- the repair ---


def ledger(*blocks: bytes, pool=()) -> LedgerView:
    def page(peer, since, count):
        vectors = tuple(InventoryVector(InvType.TX, txid) for txid in pool[since : since + count])
        return PoolPage(vectors, len(pool))

    return LedgerView(lambda: len(blocks), lambda count: blocks[:count], page)


def test_what_was_missed_is_pulled():
    old, new, txid = b"o" * 32, b"n" * 32, b"t" * 32
    behind, ahead = Member(1, ledger=ledger(old)), Member(2, ledger=ledger(new, old, pool=(txid,)))
    circle = met(behind, ahead)
    circle.let_pass(20 * SECOND_US)
    told = (InventoryVector(InvType.BLOCK, new), InventoryVector(InvType.TX, txid))
    # Whoever asks again is told of the block again, which this ledger never takes.
    assert behind.got[0] == Inv(told) and set(behind.got[1:]) <= {Inv(told[:1])}
    # The other way only a block can be told of that is had already: whoever is asked does not know that.
    assert set(ahead.got) <= {Inv((InventoryVector(InvType.BLOCK, old),))}


def test_what_servers_of_another_half_have_is_pulled_of_a_client():
    old, new, txid = b"o" * 32, b"n" * 32, b"t" * 32
    told = Inv((InventoryVector(InvType.BLOCK, new), InventoryVector(InvType.TX, txid)))
    # One that is connected to nobody else, and one whose other neighbours know no more than it does.
    for others in ((), (Member(3, ledger=ledger(old)), Member(4, ledger=ledger(old)))):
        behind = Member(1, ledger=ledger(old))
        client = Member(2, role="client", ledger=ledger(new, old, pool=(txid,)))
        circle = Circle(behind, client, *others)
        for other in (client, *others):
            circle.connect(other, behind)
        circle.let_pass(40 * SECOND_US)
        assert behind.got[0] == told


def test_a_client_has_a_place_for_peers_of_the_book_until_the_next_look_around():
    one, other, *clients = Member(1, refresh_period=600), Member(2), *(Member(n, role="client") for n in range(3, 6))
    circle = met(one, other)
    circle.let_pass(SECOND_US)
    for client in clients:
        circle.connect(one, client, kind=SlotKind.FULL_RELAY)
    circle.let_pass(20 * SECOND_US)
    assert len(one.ends) == 4
    circle.let_pass(800 * SECOND_US)
    assert clients[0] not in [peer for peer, _ in one.ends.values()], "it makes room for who is not heard of here"


def test_who_has_all_costs_two_messages_a_period():
    same = ledger(b"b" * 32)
    one, two = Member(1, ledger=same, pull_period=10), Member(2, ledger=same, pull_period=10)
    circle = met(one, two)
    circle.let_pass(30 * SECOND_US)
    before = circle.messages
    circle.let_pass(100 * SECOND_US)
    assert 4 * 8 <= circle.messages - before <= 4 * 14 and one.got == two.got == []


def test_what_it_shows_of_itself():
    circle = circle_of(8)
    member = next(iter(circle.members.values()))
    about = member.overlay.about((*peers_of(member), PeerView(99, NodeAddress("10.9.9.9", 1), False)), Micros(T0))
    figures = dict(about.figures)
    sizes = dict(table_of(member).sizes())
    assert about.role == "server" and figures["contacts"] == sum(sizes.values()) == 7
    assert {name: count for name, count in figures.items() if name.startswith("bucket")} == {
        f"bucket {index}": size for index, size in sizes.items()
    }
    assert about.neighbours[-1].role == "" and about.neighbours[0].role.startswith("bucket ")
