"""The lists that follow from the changes that a chain carried."""

from minicoin.core.chain.change_history import CarriedChange
from minicoin.core.chain.member_history import MemberHistory
from minicoin.core.primitives.block import BlockHash

from .five_banks import FOUNDING, KEYS, maker


def test_heights_have_the_list_of_the_last_change_that_holds() -> None:
    made = maker(2)
    history = MemberHistory(FOUNDING)
    change = made.change(KEYS[1:], from_height=9)
    history.append(CarriedChange(5, BlockHash(b"b" * 32), change))
    assert [len(history.members_at(height)) for height in (1, 8, 9, 99)] == [5, 5, 4, 4]
    assert history.last_hash == change.hash
