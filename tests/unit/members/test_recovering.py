"""A consortium that lost two of five banks for good goes on, as the operators of the three others do it."""

from dataclasses import replace

import pytest
from tests.unit.node.consortium import Consortium, peers_of

from minicoin.core.answers import CommandRefused
from minicoin.core.commands import ProposeRecovery, SignRecovery
from minicoin.core.consensus.desk import SIGN_STATE_KEY
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.faults import MisuseError
from minicoin.core.notices import Notice, RecoveryNamed, RecoverySigned, RecoveryUnnamed
from minicoin.core.params.recovery_file import RecoveryFile
from minicoin.core.params.rules import SignersKind
from minicoin.core.queries.recoveries import RecoveryQueries
from minicoin.core.units import SECOND_US
from minicoin.testing.certified_chain import public
from minicoin.world.host import Host


class Halted:
    """Five banks, of which the last two are lost `after_ms` a payment was made."""

    def __init__(self, after_ms: int = 0) -> None:
        self.banks = Consortium(5, b"halted %d" % after_ms)
        self.world = self.banks.world
        self.pass_time(2)
        if after_ms:
            self.banks.pay(self.banks.banks[0])
            self.world.run(self.world.now + after_ms * 1_000)
        self.said: list[tuple[Host, Notice]] = []
        self.world.readers.append(lambda host, notice, now: self.said.append((host, notice)))
        self.left, self.lost = self.banks.banks[:3], self.banks.banks[3:]
        for bank in self.lost:
            self.banks.kill(bank)
        # Nobody was heard in the last minute but those that are left.
        self.pass_time(62)

    def pass_time(self, seconds: float) -> None:
        self.world.run(self.world.now + round(seconds * SECOND_US))

    def lost_names(self) -> tuple[str, ...]:
        proof = self.banks.network.proof
        assert isinstance(proof, SignersKind)
        names = dict(zip(proof.members, proof.names, strict=True))
        return tuple(names[public(bank.signing_keys[0])] for bank in self.lost)

    def told(self, bank: Host, kind: type[Notice]) -> list[Notice]:
        return [notice for host, notice in self.said if host is bank and isinstance(notice, kind)]

    def sign(self, signs: bool = True) -> RecoveryFile:
        """As their operators do it: one by its own words, one by its file, one by what the network brought it."""
        first, second, third = self.left
        drafted = self.world.ask(first, ProposeRecovery((), self.lost_names(), signs))
        assert drafted.is_signed == signs
        by_file = self.world.ask(second, SignRecovery(drafted.file, signs))
        self.pass_time(5)
        (draft,) = third.node.view.recovering.open()
        assert draft.missing == 1
        last = self.world.ask(third, SignRecovery(RecoveryFile(draft.recovery), signs))
        assert (by_file.missing, last.missing) == (1, 0)
        combined = RecoveryQueries(first.node.view).combined([by_file.file, last.file])
        assert isinstance(combined, RecoveryFile), combined
        return combined

    def name(self, bank: Host, file: RecoveryFile) -> None:
        """Its operator names the recovery and starts the node anew."""
        if bank.is_up:
            self.world.stop(bank, "stopped")
        before = self.world.network
        proof = before.proof
        assert isinstance(proof, SignersKind)
        self.world.network = replace(before, proof=replace(proof, recoveries=(file.recovery,)))
        bank.disk.ledger.configure(self.world.network)
        blocks = () if file.block is None else (file.block,)
        try:
            self.world.start(bank, replace(bank.policy, bound_blocks=blocks))
        finally:
            self.world.network = before


def state_of(bank: Host) -> SignState:
    return SignState.decode(bank.disk.documents[SIGN_STATE_KEY])


@pytest.mark.parametrize("after_ms", [0, 60, 90, 100, 110])
def test_two_of_five_are_lost_and_the_three_others_go_on(after_ms: int) -> None:
    halted = Halted(after_ms)
    height = max(bank.height for bank in halted.left)
    file = halted.sign()
    assert file.recovery.height == height
    # Locked on a block that nobody decided: it comes first.
    assert (file.recovery.bound is not None) == (file.block is not None) == (after_ms in (90, 100))
    for bank in halted.left:
        assert state_of(bank).promise is not None
        halted.name(bank, file)
    assert halted.banks.reach(height + 1, 120)
    if file.block is not None:
        assert halted.banks.final[height + 1] == file.block.hash
    halted.banks.pay(halted.left[1])
    assert halted.banks.reach(height + 2)
    certified = halted.left[0].node.view.tree.signers
    assert len(certified.members_at(height + 1)) == 3
    # Those that were lost come back, and what they have is what the others have: `reach` compares.
    for bank in halted.lost:
        halted.world.restart(bank)
    halted.pass_time(20)
    for bank in halted.lost:
        assert height <= bank.height <= height + 1
        (unnamed,) = bank.node.view.tree.signers.unnamed
        assert unnamed.hash == file.recovery.hash
        assert peers_of(bank), "who names no recovery is nobody's enemy"
        halted.name(bank, file)
    halted.banks.pay(halted.left[2])
    assert halted.banks.reach(height + 3, 60)


def test_first_a_look_then_a_signature_that_binds() -> None:
    halted = Halted()
    first, second, _ = halted.left
    look = halted.world.ask(first, ProposeRecovery((), halted.lost_names()))
    assert (look.is_signed, look.needed, look.missing) == (False, 3, 3)
    assert any("signs no more block" in one for one in look.warnings)
    assert any("tolerates no member that lies" in one for one in look.warnings)
    with pytest.raises(CommandRefused, match="is no public key"):
        halted.world.ask(first, ProposeRecovery((("New", b"\xff" * 32),), halted.lost_names()))
    assert state_of(first).promise is None
    assert first.node.view.recovering.open() == ()
    assert RecoveryQueries(first.node.view).combined([look.file]) == "0 members signed it, and it takes 3 of 5"
    signed = halted.world.ask(first, ProposeRecovery((), halted.lost_names(), signs=True))
    assert halted.world.ask(first, SignRecovery(signed.file, signs=True)).missing == 2
    status = first.node.view.consensus()
    assert "signed a recovery" in status.abstains_because
    with pytest.raises(CommandRefused, match="has signed another recovery"):
        halted.world.ask(first, ProposeRecovery((), halted.lost_names()[:1], signs=True))
    moved = replace(signed.file.recovery, height=7)
    with pytest.raises(CommandRefused, match="another height"):
        halted.world.ask(second, SignRecovery(RecoveryFile(moved), signs=True))
    forged = replace(signed.file.recovery, members=signed.file.recovery.members, names=("A", "B", "C"))
    with pytest.raises(CommandRefused, match="does not hold"):
        halted.world.ask(second, SignRecovery(RecoveryFile(forged), signs=True))
    halted.pass_time(5)
    report = RecoveryQueries(second.node.view).report()
    assert not isinstance(report, str)
    assert [draft.missing for draft in report.drafts] == [2]


def test_a_network_that_is_not_halted_is_not_recovered_by_mistake() -> None:
    banks = Consortium(5)
    banks.world.run(banks.world.now + 2 * SECOND_US)
    bank = banks.banks[0]
    with pytest.raises(CommandRefused, match="5 of 5 members were heard in the last minute"):
        banks.world.ask(bank, ProposeRecovery((), ("Bank E",), signs=True))
    with pytest.raises(CommandRefused, match="changes nothing"):
        banks.world.ask(bank, ProposeRecovery((), (), signs=True))
    look = banks.world.ask(bank, ProposeRecovery((), ("Bank E",)))
    assert any("Bank E was heard" in one for one in look.warnings)


def test_the_notices_of_a_recovery() -> None:
    halted = Halted()
    file = halted.sign()
    assert len(halted.told(halted.left[0], RecoverySigned)) == 1
    for bank in halted.left:
        halted.name(bank, file)
    assert halted.banks.reach(2, 120)
    (named,) = halted.told(halted.left[0], RecoveryNamed)
    assert named.recovery == file.recovery.hash
    halted.world.restart(halted.lost[0])
    halted.pass_time(20)
    assert halted.told(halted.lost[0], RecoveryUnnamed) == [RecoveryUnnamed(file.recovery.hash, 1)]


def test_a_node_whose_chain_does_not_go_with_the_recovery_does_not_start() -> None:
    halted = Halted()
    file = halted.sign()
    other = replace(file.recovery, block=halted.banks.network.genesis.hash)
    with pytest.raises(MisuseError, match="move the node's data directory away"):
        halted.name(halted.left[0], RecoveryFile(other))
    few = replace(file.recovery, signatures=file.recovery.signatures[:2])
    with pytest.raises(MisuseError, match="2 members signed it, and it takes 3 of 5"):
        halted.name(halted.left[0], RecoveryFile(few))
    for bank in halted.left:
        halted.name(bank, file)
    assert halted.banks.reach(2, 120)
    halted.left[0].disk.ledger.configure(halted.banks.network)
    with pytest.raises(MisuseError, match="name that recovery"):
        halted.world.restart(halted.left[0])
