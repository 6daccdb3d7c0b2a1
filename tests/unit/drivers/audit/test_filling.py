"""After a crash a log has what the node's documents and the chain have, and says what nobody knows any more."""

from dataclasses import replace
from pathlib import Path

from tests.unit.node.test_virtual_banks import Consortium

from minicoin.core.consensus.desk import SIGN_STATE_KEY
from minicoin.core.consensus.sign_state import RecoveryPromise, SignState
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.limits import AUDIT_HEIGHTS_FILLED_MAX
from minicoin.core.rng import Rng
from minicoin.core.signers.votes import NIL, Vote
from minicoin.core.units import SECOND_US
from minicoin.drivers.audit.entry import AuditDraft, EntryKind
from minicoin.drivers.audit.filling import missing
from minicoin.drivers.audit.standing import LogStanding
from minicoin.drivers.audit.verify import read_entries, verify_log
from minicoin.testing.certified_chain import public

from .audited import NOW, AuditedHost


def told(directory: Path, kind: EntryKind = EntryKind.VOTE) -> list[tuple[int, object, object, object]]:
    return [
        (read.entry.height, read.entry.fields["round"], read.entry.fields["kind"], read.entry.fields["block"])
        for read in read_entries(directory)
        if read.entry.kind is kind
    ]


def as_told(vote: Vote) -> tuple[int, object, object, object]:
    block = None if vote.block == NIL else hash_to_hex(vote.block)
    return vote.height, vote.round, vote.kind.name.lower(), block


def gaps(directory: Path) -> list[range]:
    found = [read.entry.fields for read in read_entries(directory) if read.entry.kind is EntryKind.GAP]
    return [range(int(str(one["from"])), int(str(one["to"])) + 1) for one in found]


def test_own_votes_are_in_each_once_or_their_absence_is_told(tmp_path: Path) -> None:
    """Through kill -9 with what the disk had not kept, again and again."""
    banks, rng = Consortium(4), Rng(b"votes")
    bank = banks.banks[1]
    cast: list[Vote] = []

    def listen(host: object, notice: object, now: int) -> None:
        if host is bank and type(notice).__name__ == "VoteCast":
            cast.append(notice.vote)

    banks.world.readers.append(listen)
    audited = AuditedHost(banks.world, bank, tmp_path)
    audited.start()
    for _ in range(6):
        for _ in range(1 + rng.below(3)):
            banks.pay(banks.banks[0])
            assert banks.reach(bank.height + 1)
        banks.pay(banks.banks[0])
        banks.world.run(banks.world.now + rng.below(2 * SECOND_US))
        banks.kill(bank)
        audited.kill(rng.below(3_000))
        banks.world.restart(bank)
        audited.start()
        banks.world.run(banks.world.now + 2 * SECOND_US)
    audited.stop()
    assert not audited.trouble and verify_log(tmp_path).broken is None
    found = told(tmp_path)
    assert len(set(found)) == len(found) > 20
    absent = [vote for vote in cast if as_told(vote) not in found]
    lost = [vote.height for vote in absent]
    known = [height for gap in gaps(tmp_path) for height in gap]
    assert set(lost) <= set(known)
    # Those precommits that made a block final are in whatever was lost.
    signers = bank.node.view.tree.signers
    member = public(bank.signing_keys[0])
    for height in range(2, bank.height):
        certificate = signers.kept_at(height).certificate
        if member in certificate.signers(signers.members_at(height)):
            assert as_told(certificate.vote) in found


def test_a_node_that_stopped_in_order_has_nothing_to_fill_in(tmp_path: Path) -> None:
    banks = Consortium(4)
    bank = banks.banks[1]
    audited = AuditedHost(banks.world, bank, tmp_path)
    audited.start()
    for _ in range(3):
        banks.pay(banks.banks[0])
        assert banks.reach(bank.height + 1)
    banks.world.run(banks.world.now + 2 * SECOND_US)
    audited.stop()
    before = told(tmp_path)
    audited.start()
    audited.stop()
    assert told(tmp_path) == before and not gaps(tmp_path)


def test_a_log_that_was_not_written_for_long_says_so_and_is_not_filled_for_ever() -> None:
    banks = Consortium(4)
    bank = banks.banks[1]
    state = SignState.decode(bank.disk.documents[SIGN_STATE_KEY])
    high = SignState(state.member, AUDIT_HEIGHTS_FILLED_MAX + 500)
    standing = LogStanding("ab", votes_height=1, is_stopped=True)
    drafts = missing(standing, bank.node.view, (high,), NOW)
    assert drafts[0].kind is EntryKind.GAP
    assert (drafts[0].fields["from"], drafts[0].fields["to"]) == (1, AUDIT_HEIGHTS_FILLED_MAX + 499)
    assert len(drafts) <= 1 + bank.height
    # Who stopped in order and wrote down a vote behind that lacks nothing but it.
    assert not [
        one for one in missing(standing, bank.node.view, (SignState(state.member, 2),), NOW) if one.kind == "gap"
    ]


def test_that_a_recovery_was_signed_is_filled_in_once() -> None:
    banks = Consortium(4)
    bank = banks.banks[1]
    state = SignState.decode(bank.disk.documents[SIGN_STATE_KEY])
    signed = replace(state, promise=RecoveryPromise(7, b"s" * 32))

    def found(standing: LogStanding, state: SignState) -> list[AuditDraft]:
        drafts = missing(standing, bank.node.view, (state,), NOW)
        return [one for one in drafts if one.kind is EntryKind.RECOVERY_SIGNED]

    (draft,) = found(LogStanding("ab"), signed)
    assert draft.height == 7 and draft.fields["filled"] is True
    assert (draft.fields["member"], draft.fields["subject"]) == (state.member.hex(), (b"s" * 32).hex())
    assert found(LogStanding("ab", promised=(7,)), signed) == []
    assert found(LogStanding("ab"), state) == []
