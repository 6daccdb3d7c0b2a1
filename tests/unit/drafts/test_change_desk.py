"""A node's member signs changes; the proposing of members and of settings stands on it."""

import pytest
from tests.unit.members.board import HEIGHT, NETWORK, NOW, Board
from tests.unit.signers.banks import BANKS, KEYS, public

from minicoin.core.answers import MembersDrafted, Reason, Refused
from minicoin.core.drafts.change_desk import ChangeDesk
from minicoin.core.drafts.changes import MEMBER_CHANGES, Drafts
from minicoin.core.effects import Reply, SignStatement
from minicoin.core.events import StatementSigned
from minicoin.core.faults import MisuseError
from minicoin.core.limits import CHANGES_WAITING_MAX
from minicoin.core.signers.changes import member_change
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.statements import StatementKind

NAMED = tuple((key, f"Bank {place}") for place, key in enumerate(BANKS.keys[1:]))


class Fixture:
    def __init__(self, member=BANKS.keys[0]):
        self.bank = Board().banks[0]
        self.desk = ChangeDesk(
            Drafts(MEMBER_CHANGES, self.bank.store, NETWORK.network_id),
            self.bank.records,
            lambda: self.bank.board.standing,
            OwnKeys(() if member is None else (member,)),
            self.bank,
            lambda draft, now: MembersDrafted(draft.change, 4, draft.missing),
        )


def change_of(number=0):
    return member_change(1, HEIGHT + 10 + number, BANKS.hash, NAMED)


def test_who_asks_twice_is_signed_for_once():
    made = Fixture()
    for request in (1, 2):
        made.desk.ask(request, change_of())
    (asked,) = made.bank.effects
    assert asked == SignStatement(BANKS.keys[0], StatementKind.MEMBER_CHANGE, change_of().body())


def test_a_key_that_does_not_sign_is_told_to_all_who_asked():
    made = Fixture()
    for request in (1, 2):
        made.desk.ask(request, change_of())
    made.bank.effects.clear()
    made.desk.on_signed(
        StatementSigned(BANKS.keys[0], StatementKind.MEMBER_CHANGE, change_of().body(), None, "no key"), NOW
    )
    assert made.bank.effects == [Reply(one, Refused(Reason.UNABLE, "it is not signed: no key")) for one in (1, 2)]


def test_not_everything_waits():
    made = Fixture()
    for number in range(CHANGES_WAITING_MAX + 1):
        made.desk.ask(number, change_of(number))
    assert isinstance(made.bank.effects[-1], Reply)
    assert made.bank.effects[-1].answer.reason is Reason.CROWDED


def test_who_signs_for_nobody_signs_nothing():
    with pytest.raises(MisuseError, match="signs for no member"):
        Fixture(None).desk.require()
    with pytest.raises(MisuseError, match="is no member's"):
        Fixture(b"x" * 32).desk.require()


def test_a_draft_is_named_by_the_beginning_of_its_hash():
    made = Fixture()
    signed = change_of().signed_by(KEYS[0], NETWORK.network_id)
    made.bank.records.publish("change", "1", signed.encode(), NOW)
    assert made.desk.find(signed.hash.hex()[:8].upper()) == signed
    assert Fixture(public(KEYS[0])).desk.is_own(signed) and not Fixture(b"x" * 32).desk.is_own(signed)
    with pytest.raises(MisuseError, match="first 8 or more"):
        made.desk.find(signed.hash.hex()[:7])
    with pytest.raises(MisuseError, match="no open changes"):
        made.desk.find("00000000")
