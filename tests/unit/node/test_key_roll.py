"""A member's key is rolled while everybody runs: its node holds both, and signs with the one in each height's list.

In virtual time, with whole nodes over libp2p; killed before, at and behind the height from which the new key holds.
"""

import pytest
from coincurve import PrivateKey

from minicoin.core.answers import CommandRefused
from minicoin.core.commands import ApproveMembers, HoldSigningKey, ProposeMembers
from minicoin.core.consensus.desk import SIGN_STATE_KEYS
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.faults import MisuseError
from minicoin.core.notices import EvidenceFound, SigningStopped
from minicoin.core.queries.members import MemberQueries
from minicoin.core.units import SECOND_US
from minicoin.testing.certified_chain import public
from minicoin.world.host import Host

from .consortium import Consortium

NEW = PrivateKey(b"roll" * 8)
FIRST, SECOND = SIGN_STATE_KEYS


class Roll:
    """Five banks, of which one rolls its key; it holds the new one from a moment on."""

    def __init__(self, *, holds: bool = True) -> None:
        self.banks = Consortium(5)
        self.world = self.banks.world
        self.told: list[object] = []
        self.world.readers.append(lambda host, notice, now: self.told.append(notice))
        self.roller = self.banks.banks[2]
        self.old = public(self.roller.signing_keys[0])
        if holds:
            self.hold()

    def hold(self) -> None:
        """As the operator does while the node runs: key and record are made beside the first, then the node is told."""
        state = SignState(public(NEW)).encode()
        self.roller.disk.documents[SECOND] = state
        self.roller.signing_keys = (*self.roller.signing_keys, NEW)
        assert self.roller.signer is not None
        self.roller.signer.add(NEW)
        self.world.ask(self.roller, HoldSigningKey(public(NEW), state))

    def draft(self, *, forced: bool = False) -> int:
        """A quorum signs that the new key follows; from which height."""
        name = next(row.name for row in MemberQueries(self.roller.node.view).report().members if row.is_own)
        height = self.roller.height + 5
        drafted = self.world.ask(self.roller, ProposeMembers(((name, public(NEW)),), (name,), height, forced))
        signed = 1
        for bank in self.banks.up:
            if bank is not self.roller and signed < drafted.quorum:
                self.world.wait(5 * SECOND_US, lambda bank=bank: bool(bank.node.view.member_changes.open()))
                self.world.ask(bank, ApproveMembers(drafted.change.hash.hex(), forced))
                signed += 1
        return height

    def grow(self, count: int = 1) -> None:
        """Blocks, each with a payment."""
        for _ in range(count):
            height = max(bank.height for bank in self.banks.up)
            self.banks.pay(self.banks.up[0])
            assert self.banks.reach(height + 1)
            self.world.wait(2 * SECOND_US, lambda: False)

    def signed(self, height: int) -> tuple[bytes, ...]:
        """Who signed a block, as its certificate has it."""
        signers = self.banks.up[0].node.view.tree.signers
        return signers.kept_at(height).certificate.signers(signers.members_at(height))

    def check(self) -> None:
        """No key signed twice, and nobody stopped."""
        assert not [notice for notice in self.told if isinstance(notice, EvidenceFound | SigningStopped)]


def votes_of(host: Host, document: str) -> int:
    """The height up to which a key of a host signed."""
    raw = host.disk.documents.get(document)
    return 0 if raw is None else SignState.decode(raw).height


def test_nobody_restarts_and_no_height_lacks_the_member() -> None:
    roll = Roll()
    restarts = [bank.restarts for bank in roll.banks.banks]
    height = roll.draft()
    assert public(NEW) not in roll.roller.node.view.tree.signers.members_at(roll.roller.height + 1)
    # One of the others is down, so that each block needs the member that rolls its key.
    roll.banks.kill(roll.banks.banks[4])
    roll.grow(height - roll.roller.height + 1)
    for one in range(height - 3, height + 2):
        assert (public(NEW) if one >= height else roll.old) in roll.signed(one)
        assert len(roll.signed(one)) == 4
    assert votes_of(roll.roller, FIRST) == height - 1
    assert votes_of(roll.roller, SECOND) >= height
    assert [bank.restarts for bank in roll.banks.banks[:4]] == restarts[:4]
    (own,) = [row for row in MemberQueries(roll.roller.node.view).report().members if row.is_own]
    assert own.key == public(NEW)
    roll.check()


@pytest.mark.parametrize("behind", [-2, -1, 0, 1])
def test_a_kill_around_the_height_changes_nothing(behind: int) -> None:
    roll = Roll()
    height = roll.draft()
    roll.banks.kill(roll.banks.banks[4])
    roll.grow(height + behind - 1 - roll.roller.height)
    # In the middle of the block that comes next, whose votes are under way.
    roll.banks.pay(roll.banks.up[0])
    roll.world.wait(
        30 * SECOND_US, lambda: max(votes_of(roll.roller, one) for one in SIGN_STATE_KEYS) == height + behind
    )
    roll.banks.kill(roll.roller)
    roll.world.wait(SECOND_US, lambda: False)
    roll.world.restart(roll.roller)
    assert roll.banks.reach(height + behind)
    roll.world.wait(5 * SECOND_US, lambda: False)
    roll.grow(height + 2 - roll.roller.height)
    assert public(NEW) in roll.signed(height + 2)
    roll.check()


def test_a_key_that_the_node_does_not_hold_is_missed_until_it_does() -> None:
    roll = Roll(holds=False)
    # Nobody has heard of the new key, so it takes the operators' force.
    height = roll.draft(forced=True)
    roll.grow(height - roll.roller.height)
    status = roll.roller.node.view.consensus()
    assert status is not None
    assert status.abstains_because == "its key is none of the members'"
    roll.hold()
    roll.world.wait(2 * SECOND_US, lambda: False)
    assert roll.roller.node.view.consensus().abstains_because == ""
    roll.banks.kill(roll.banks.banks[4])
    roll.grow(1)
    assert public(NEW) in roll.signed(height + 1)
    roll.check()


def test_what_cannot_be_held_is_refused() -> None:
    roll = Roll()
    for member, state, expected in (
        (roll.old, None, "holds the key"),
        (b"x" * 32, SignState(b"y" * 32).encode(), "is that of"),
        (b"x" * 32, None, "2 signing keys at the most"),
    ):
        with pytest.raises((CommandRefused, MisuseError), match=expected):
            roll.world.ask(roll.roller, HoldSigningKey(member, state))
    roll.check()
