"""Modified fees: relatives' sums stay those of a fresh count, and every choice the pool makes follows them."""

import pytest
from tests.unit.mempool.conftest import POLICY, World

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.mempool import priorities
from minicoin.core.mempool.outcomes import Accepted, Rejected
from minicoin.core.mempool.priorities import FeeDeltas
from minicoin.core.mempool.table import ancestors, descendants
from minicoin.core.primitives.transaction import make_outpoint
from minicoin.core.primitives.verdicts import TxReason


def check_sums(world: World) -> None:
    for entry in world.pool:
        above, below = [entry, *ancestors(entry).values()], [entry, *descendants(entry).values()]
        assert entry.ancestor_fees_sat == sum(one.modified_fee_sat for one in above)
        assert entry.descendant_fees_sat == sum(one.modified_fee_sat for one in below)


def chosen(world: World) -> list[bytes]:
    return [entry.txid for entry in world.pool.select_for_block(4_000_000, 80_000)]


def test_sums_of_relatives_follow(world: World) -> None:
    parent = world.spend([world.coin()], outputs=2)
    world.accept(parent)
    left, right = (world.spend([make_outpoint(parent.txid, index)]) for index in (0, 1))
    world.accept(left)
    world.accept(right)
    last = world.spend([make_outpoint(left.txid, 0), make_outpoint(right.txid, 0)])
    world.accept(last)
    for transaction, delta in ((left, 9_999), (right, -1_234), (right, 8_888), (parent, -5), (last, 1)):
        world.pool.prioritise(transaction.txid, delta)
        check_sums(world)
    assert world.pool.get(right.txid).modified_fee_sat == 1_000 - 1_234 + 8_888
    # What a block earns and what the pool holds stays what is paid.
    assert world.pool.snapshot(world.now).fees_sat == 4_000


def test_the_choice_for_a_block_follows(world: World) -> None:
    rich, poor = world.spend([world.coin()], fee=5_000), world.spend([world.coin()], fee=1_000)
    world.accept(rich)
    world.accept(poor)
    assert chosen(world) == [rich.txid, poor.txid]
    world.pool.prioritise(poor.txid, 10_000)
    assert chosen(world) == [poor.txid, rich.txid]


def test_what_is_too_cheap_enters_when_it_is_wanted(world: World) -> None:
    cheap = world.spend([world.coin()], fee=1)
    assert isinstance(world.offer(cheap), Rejected)
    world.pool.prioritise(cheap.txid, 1_000)
    assert isinstance(world.offer(cheap, None), Accepted)
    assert world.pool.get(cheap.txid).fee_sat == 1
    unwanted = world.spend([world.coin()], fee=1_000)
    world.pool.prioritise(unwanted.txid, -1_000)
    assert isinstance(world.offer(unwanted), Rejected)


def test_replacement_compares_modified_fees(world: World) -> None:
    coin = world.coin()
    first, second = world.spend([coin], fee=5_000), world.spend([coin], fee=10_000)
    world.accept(first)
    world.pool.prioritise(first.txid, 50_000)
    assert isinstance(world.offer(second), Rejected)
    world.pool.prioritise(second.txid, 60_000)
    outcome = world.offer(second, None)
    assert isinstance(outcome, Accepted)
    # The change of what was replaced waits for it, should it come again.
    assert dict(world.pool.deltas)[first.txid] == 50_000


def test_dust_is_never_worth_more(world: World) -> None:
    dusty = world.spend([world.coin()], fee=0, dust=100, version=3)
    parent = world.offer(dusty)
    assert isinstance(parent, Rejected)
    world.pool.prioritise(dusty.txid, 5_000)
    outcome = world.offer(dusty, None)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is TxReason.DUST


def test_a_block_ends_it(world: World) -> None:
    transaction = world.spend([world.coin()])
    world.pool.prioritise(transaction.txid, 7)
    world.accept(transaction)
    world.connect(transaction)
    assert dict(world.pool.deltas) == {}
    assert world.pool.deltas.take_unsaved() == FeeDeltas().to_bytes()
    assert world.pool.deltas.take_unsaved() is None


def test_changes_survive_their_bytes() -> None:
    deltas = FeeDeltas()
    deltas.add(b"\x01" * 32, 86 * 100_000_000)
    deltas.add(b"\x02" * 32, -5)
    deltas.add(b"\x03" * 32, 4)
    deltas.add(b"\x03" * 32, -4)
    unsaved = deltas.take_unsaved()
    assert unsaved == deltas.to_bytes()
    again = FeeDeltas.from_bytes(unsaved)
    assert dict(again) == {b"\x01" * 32: 8_600_000_000, b"\x02" * 32: -5}
    assert deltas.take_unsaved() is again.take_unsaved() is None
    for raw in (b"", deltas.to_bytes()[:-1], b"mcpr\x02"):
        with pytest.raises(DecodeError):
            FeeDeltas.from_bytes(raw)


def test_sums_end_at_the_edges_of_64_bits() -> None:
    deltas = FeeDeltas()
    most = (1 << 63) - 1
    assert deltas.add(b"\x01" * 32, most) == most
    assert deltas.add(b"\x01" * 32, most) == 0
    assert deltas.get(b"\x01" * 32) == most


def test_there_is_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priorities, "PRIORITISED_TRANSACTIONS_MAX", 2)
    deltas = FeeDeltas()
    for number in (1, 2):
        deltas.add(bytes([number]) * 32, 1)
    with pytest.raises(MisuseError, match="2 transactions are prioritised"):
        deltas.add(b"\x03" * 32, 1)
    deltas.add(b"\x01" * 32, -1)
    deltas.add(b"\x03" * 32, 1)


def test_eviction_spares_what_is_wanted() -> None:
    world = World(POLICY)
    low, high = world.spend([world.coin()], fee=1_000), world.spend([world.coin()], fee=2_000)
    world.accept(low)
    world.accept(high)
    world.pool.prioritise(low.txid, 10_000)
    assert world.pool.first_to_go == high.txid
