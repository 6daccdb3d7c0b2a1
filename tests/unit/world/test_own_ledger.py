"""A node's own engine answers as the shared one does, and starts anew on what its store kept."""

from tests.unit.chain.five_banks import KEYS, maker
from tests.unit.chain.five_banks import NETWORK as BANKS
from tests.unit.world.mined import NETWORK, mined

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.effects import Activate, ReadBlock, StoreBlock
from minicoin.core.events import BlockRead, BlockStored, ChainMoved, WorkFailed
from minicoin.core.node.assemble import load_tree
from minicoin.core.primitives.block import RawBlock
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId
from minicoin.sim.attackers import forge
from minicoin.world.ledger import BlockBook, Ledger, SharedLedger
from minicoin.world.own_ledger import OwnLedger

_GENESIS = NETWORK.genesis.hash


def _own(chain: list[RawBlock] | None = None) -> OwnLedger:
    return OwnLedger(NETWORK, ScriptedVerifier(), enumerate(chain or [], 1))


def test_it_answers_as_the_shared_ledger_does() -> None:
    blocks = mined(3)
    ledgers: list[Ledger] = [_own(), SharedLedger(BlockBook(NETWORK, ScriptedVerifier()))]
    effects = [
        *(StoreBlock(block, height) for height, block in enumerate(blocks, 1)),
        StoreBlock(forge.misrooted(blocks[2], bytes(32)), 3),
        Activate(_GENESIS, tuple(block.hash for block in blocks)),
        ReadBlock(ConnId(1), blocks[1].hash, stripped=True),
        Activate(blocks[1].hash, ()),
    ]
    for effect in effects:
        own, shared = (ledger.perform(effect) for ledger in ledgers)
        assert own == shared
    assert ledgers[0].state({}).tip == blocks[1].hash


def test_it_starts_with_amined() -> None:
    blocks = mined(4)
    state = _own(blocks).state({"peers": b"x"})
    assert state.tip == blocks[3].hash
    assert [header.hash for header in state.headers] == [block.hash for block in blocks]
    assert set(state.stored) == {_GENESIS, *(block.hash for block in blocks)}
    assert state.documents == {"peers": b"x"}


def test_a_crash_leaves_what_was_acknowledged_to_be_connected_again() -> None:
    blocks = mined(4)
    ledger = _own(blocks[:2])
    for height in (3, 4):
        assert isinstance(ledger.perform(StoreBlock(blocks[height - 1], height)), BlockStored)
    moved = ledger.perform(Activate(blocks[1].hash, (blocks[2].hash,)))
    assert isinstance(moved, ChainMoved)
    ledger.crash(Rng(b"x"))
    state = ledger.state({})
    assert state.tip == blocks[1].hash
    assert blocks[2].hash in state.stored
    again = ledger.perform(Activate(blocks[1].hash, (blocks[2].hash,)))
    assert again == moved


def test_a_failed_write_is_an_answer() -> None:
    blocks = mined(1)
    ledger = _own()
    ledger.store.is_full = True
    answer = ledger.perform(StoreBlock(blocks[0], 1))
    assert answer == WorkFailed("StoreBlock", "no space left on device")
    ledger.store.is_full = False
    assert isinstance(ledger.perform(StoreBlock(blocks[0], 1)), BlockStored)


def test_a_torn_write_says_so_once() -> None:
    blocks = mined(2)
    ledger = _own()
    crashes: list[str] = []
    ledger.on_torn = lambda: crashes.append("now")
    ledger.store.tear_next("torn")
    for height in (1, 2):
        assert isinstance(ledger.perform(StoreBlock(blocks[height - 1], height)), WorkFailed)
    assert crashes == ["now"]
    ledger.crash(Rng(b""))
    assert ledger.perform(ReadBlock(ConnId(1), blocks[0].hash)) == BlockRead(ConnId(1), blocks[0].hash, None)
    assert isinstance(ledger.perform(StoreBlock(blocks[0], 1)), BlockStored)


def test_a_certified_tip_that_was_acknowledged_has_its_certificate_after_a_crash() -> None:
    made = maker(3)
    made.extend(change=made.change(KEYS[1:]))
    made.grow(2)
    ledger = OwnLedger(BANKS, ScriptedVerifier())
    for height, certified in enumerate(made.blocks, 1):
        job = StoreBlock(certified.raw, height, connects=True, certificate=certified.kept)
        assert isinstance(ledger.perform(job), ChainMoved)
    following = made.certify(made.next_block())
    # Nobody is told of this one but that it is stored.
    assert isinstance(ledger.perform(StoreBlock(following.raw, 7, certificate=following.kept)), BlockStored)
    ledger.crash(Rng(b"x"))
    state = ledger.state({})
    tree = load_tree(BANKS, state)
    assert [header.hash for header in state.headers] == [certified.block.hash for certified in made.blocks]
    assert tuple(state.certificates) == tuple(certified.kept for certified in made.blocks)
    assert tree.signers is not None and tree.signers.finalized == 6
    assert state.tip == BANKS.genesis.hash
    assert isinstance(
        ledger.perform(Activate(BANKS.genesis.hash, tuple(one.block.hash for one in made.blocks))), ChainMoved
    )
    ledger.flush()
    ledger.crash(Rng(b"y"))
    tree = load_tree(BANKS, ledger.state({}))
    assert tree.signers is not None
    assert [carried.height for carried in tree.signers.carried.all()] == [4]
    assert isinstance(
        ledger.perform(StoreBlock(following.raw, 7, connects=True, certificate=following.kept)), ChainMoved
    )
    assert ledger.engine.height == 7


def test_a_certificate_that_finds_no_room_is_not_acknowledged() -> None:
    made = maker(1)
    ledger = OwnLedger(BANKS, ScriptedVerifier())
    assert isinstance(ledger.perform(StoreBlock(made.blocks[0].raw, 1, certificate=made.blocks[0].kept)), BlockStored)
    ledger.store.is_full = True
    answer = ledger.perform(Activate(BANKS.genesis.hash, (made.blocks[0].block.hash,)))
    assert isinstance(answer, WorkFailed)
