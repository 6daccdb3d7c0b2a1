"""What a chain's coinbases changed, of either kind."""

from minicoin.core.chain.carried import Carried, StoredChange
from minicoin.core.chain.coinbase_tags import CoinbaseTags
from minicoin.core.chain.recoveries import Recoveries
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.block import BlockHash

from .five_banks import KEYS, NETWORK, maker

assert isinstance(NETWORK.proof, SignersKind)
FOUNDING = NETWORK.proof
MADE = maker(2)
TAGS = CoinbaseTags(None, MADE.change(KEYS[1:]), MADE.change_settings(("min_interval_s", "7")))
BLOCK = BlockHash(b"b" * 32)


def filled() -> Carried:
    carried = Carried(FOUNDING, Recoveries(bytes(32), ()))
    carried.check(TAGS, 3)
    for change in TAGS.changes():
        carried.append(StoredChange(3, BLOCK, change))
    return carried


def test_members_and_settings_change_apart_from_each_other() -> None:
    carried = filled()
    assert len(carried.members.members_at(5)) == 4
    assert carried.settings.min_interval_s(5) == 7
    assert len(carried.all()) == 2


def test_a_restart_knows_both() -> None:
    again = filled()
    again.load(filled().all(), 99)
    assert again.all() == filled().all()


def test_a_block_that_leaves_takes_both_along() -> None:
    carried = filled()
    carried.leave(BLOCK)
    assert carried.all() == ()
