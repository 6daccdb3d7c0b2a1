"""The queue in front of the verifier: ours first, peers in their turns, children behind their parents."""

from minicoin.core.limits import VERIFICATIONS_IN_FLIGHT_MAX, VERIFICATIONS_WAITING_MAX
from minicoin.core.mempool.verification import UnverifiedTx, VerificationQueue
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.units import ConnId, Micros

NOW = Micros(0)


def tx(number: int, parent: Transaction | None = None) -> Transaction:
    spent = make_outpoint(number.to_bytes(32, "big"), 0) if parent is None else make_outpoint(parent.txid, 0)
    return Transaction(2, (TxIn(spent),), (TxOut(number, b"\x51"),))


def add(queue: VerificationQueue, transaction: Transaction, source: int | None = None, **kind: bool) -> Transaction:
    queue.add(UnverifiedTx(transaction, None if source is None else ConnId(source), NOW, **kind))
    return transaction


def send_all(queue: VerificationQueue) -> list[Transaction]:
    sent: list[Transaction] = []
    while (candidate := queue.send_next()) is not None:
        sent.append(candidate.transaction)
    return sent


def of_peers(*connections: int) -> VerificationQueue:
    queue = VerificationQueue()
    for conn in connections:
        queue.introduce(ConnId(conn), bytes((conn,)))
    return queue


def test_ours_go_first_and_strangers_take_none_of_their_places() -> None:
    queue = of_peers(*range(1, 40))
    for conn in range(1, 40):
        add(queue, tx(conn), conn)
    assert len(send_all(queue)) == VERIFICATIONS_IN_FLIGHT_MAX
    ours = add(queue, tx(100), is_own=True)
    assert send_all(queue) == [ours]


def test_what_returns_takes_turns_with_peers() -> None:
    queue = of_peers(1, 2)
    theirs = [add(queue, tx(conn), conn) for conn in (1, 2)]
    back = [add(queue, tx(10 + number), is_returning=True) for number in range(2)]
    assert send_all(queue) == [theirs[0], back[0], theirs[1], back[1]]


def test_a_child_waits_for_its_parents_verdict_and_goes_next_then() -> None:
    queue = of_peers(1, 2)
    parent = add(queue, tx(1), 1)
    child = add(queue, tx(2, parent), 2)
    assert send_all(queue) == [parent]
    later = add(queue, tx(3), 2)
    queue.finish(parent.wtxid, 5)
    sent = send_all(queue)
    queue.finish(child.wtxid, 5)
    assert sent + send_all(queue) == [child, later]


def test_a_verdict_that_nobody_asked_for_finishes_nothing() -> None:
    queue = of_peers(1)
    waiting = add(queue, tx(1), 1)
    assert queue.finish(waiting.wtxid) is None
    assert waiting.wtxid in queue and waiting.txid in queue
    send_all(queue)
    assert queue.finish(waiting.wtxid).transaction == waiting
    assert queue.finish(waiting.wtxid) is None
    assert len(queue) == 0 and not queue.has_from(ConnId(1))


def test_a_full_queue_makes_room_at_the_cost_of_whose_group_has_most() -> None:
    queue = of_peers(1, 2)
    flood = [add(queue, tx(number), 1) for number in range(VERIFICATIONS_WAITING_MAX)]
    assert not queue.make_room(ConnId(1), 400)
    assert queue.make_room(ConnId(2), 400)
    assert flood[-1].wtxid not in queue and flood[-2].wtxid in queue
    assert len(queue) == VERIFICATIONS_WAITING_MAX - 1


def test_what_a_peer_brought_and_we_want_too_leaves_the_peers_line() -> None:
    queue = of_peers(1)
    first, second = (add(queue, tx(number), 1) for number in (1, 2))
    queue.make_own(second.wtxid)
    assert send_all(queue) == [second, first]
    assert queue.has_from(ConnId(1))


def test_restored_ones_are_told_until_they_are_judged() -> None:
    queue = VerificationQueue()
    kept = add(queue, tx(1), is_restored=True)
    assert [candidate.transaction for candidate in queue.restored()] == [kept]
    send_all(queue)
    queue.finish(kept.wtxid)
    assert list(queue.restored()) == []
