"""The certified chain: first the certificate, then its header, one a height."""

from dataclasses import replace

import pytest

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.signers.certificate import KeptCertificate, certificate_of
from minicoin.core.signers.members import member_list
from minicoin.core.signers.votes import Vote, VoteKind, sign_vote
from minicoin.core.units import Micros
from minicoin.testing.certified_chain import CertifiedMaker, public, signer_network, signing_keys

from .five_banks import FOUNDING, KEYS, NETWORK, NEW_KEYS, add_header, maker, tree_of


def refusal(tree: HeaderTree, certified) -> BlockRejected:
    with pytest.raises(BlockRejected) as caught:
        add_header(tree, certified)
    return caught.value


def test_certified_headers_enter_and_are_final() -> None:
    made = maker(4)
    tree = tree_of(made.blocks)
    assert tree.signers is not None
    assert tree.signers.finalized == tree.best_header.height == 4
    assert tree.best_header.chainwork - tree.genesis.chainwork == 4
    for certified in made.blocks:
        assert tree.signers.certificate(certified.block.hash) == certified.certificate
        assert tree.certificates([certified.header]) == (certified.kept,)
    assert tree.signers.certificate(tree.genesis.hash) is None
    assert tree.signers.certificate(BlockHash(bytes(32))) is None


def test_other_networks_have_no_signers() -> None:
    tree = HeaderTree(lookup("regtest"))
    assert tree.signers is None
    assert tree.certificates([tree.genesis.header]) == ()
    with pytest.raises(MisuseError, match="nobody certifies"):
        tree.certify(maker(1).blocks[0].certificate, None)


def test_a_header_without_its_certificate_stays_out() -> None:
    made = maker(2)
    tree = tree_of(made.blocks[:1])
    with pytest.raises(BlockRejected, match="has none") as caught:
        tree.add(made.blocks[1].header, Micros(0))
    assert (caught.value.reason, caught.value.is_permanent) == (BlockReason.CERTIFICATE, False)
    other = maker(1)
    rival = other.certify(other.next_block(time=made.tip.time + 9))
    tree.certify(rival.certificate, None)
    with pytest.raises(BlockRejected, match="has none"):
        tree.add(made.blocks[1].header, Micros(0))


def test_certificates_come_in_order_and_hold() -> None:
    made = maker(3)
    first, second, third = made.blocks
    tree = tree_of(())
    assert "up to 0 there are some" in refusal(tree, second).detail
    forged = first._replace(certificate=replace(first.certificate, signatures=(bytes(64),) * 4))
    assert "does not hold" in refusal(tree, forged).detail
    low = first._replace(certificate=replace(first.certificate, height=0))
    assert "of height 0" in refusal(tree, low).detail
    add_header(tree, first)
    strangers = second._replace(certificate=replace(second.certificate, bitmap=b"\xff"))
    assert refusal(tree, strangers).reason is BlockReason.CERTIFICATE
    add_header(tree, second)
    add_header(tree, third)


def test_another_certificate_for_the_same_block_changes_nothing() -> None:
    made = maker(1)
    first = made.blocks[0]
    tree = tree_of([first])
    tree.certify(replace(first.certificate, signatures=(bytes(64),) * 4), None)
    assert tree.signers is not None
    assert tree.signers.certificate(first.block.hash) == first.certificate
    assert tree.signers.second_certificate is None


def test_a_second_certified_block_of_a_height_is_kept_as_evidence_and_refused() -> None:
    made = maker(1)
    tree = tree_of(made.blocks)
    other = maker(0)
    rival = other.certify(other.next_block(time=other.tip.time + 7), signers=KEYS[1:])
    found = refusal(tree, rival)
    assert (found.reason, found.is_permanent) == (BlockReason.SECOND_CERTIFICATE, False)
    assert tree.signers is not None
    evidence = tree.signers.second_certificate
    assert evidence is not None
    assert (evidence.kept, evidence.other) == (made.blocks[0].certificate, rival.certificate)
    third = other.certify(other.next_block(time=other.tip.time + 8))
    refusal(tree, third)
    assert tree.signers.second_certificate is evidence
    assert tree.best_header.hash == made.blocks[0].block.hash
    made.grow(1)
    add_header(tree, made.blocks[1])


def test_evidence_before_the_header_came() -> None:
    made, other = maker(0), maker(0)
    one = made.certify(made.next_block())
    rival = other.certify(other.next_block(time=other.tip.time + 7))
    tree = tree_of(())
    tree.certify(one.certificate, None)
    with pytest.raises(BlockRejected, match="second-certificate"):
        tree.certify(rival.certificate, None)
    add_header(tree, one)


def test_a_forged_second_certificate_is_no_evidence() -> None:
    made = maker(1)
    tree = tree_of(made.blocks)
    forged = replace(made.blocks[0].certificate, block=BlockHash(b"x" * 32))
    with pytest.raises(BlockRejected, match="does not hold"):
        tree.certify(forged, None)
    assert tree.signers is not None
    assert tree.signers.second_certificate is None


def test_lists_change_where_certificates_say() -> None:
    made = maker(2)
    new = (*KEYS[1:], *NEW_KEYS)
    made.extend(change=made.change(new))
    made.grow(4)
    tree = tree_of(made.blocks)
    signers = tree.signers
    assert signers is not None
    joined = member_list(map(public, new))
    assert [signers.members_at(height) == joined for height in range(1, 9)] == [False] * 4 + [True] * 4
    assert signers.lists() == ((1, FOUNDING), (5, joined))
    assert [certified.next_members for certified in made.blocks] == [None] * 3 + [joined] + [None] * 3
    with pytest.raises(MisuseError, match="not known"):
        signers.members_at(9)


def test_a_list_must_come_along_and_be_the_one_that_is_named() -> None:
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]))
    made.grow(2)
    tree = tree_of(made.blocks[:3])
    changing = made.blocks[3]
    for given in (None, FOUNDING):
        assert "did not come along" in refusal(tree, changing._replace(next_members=given)).detail
    add_header(tree, changing)
    # Where the list stays, one that comes along is passed over.
    add_header(tree, made.blocks[4]._replace(next_members=FOUNDING))
    assert tree.signers is not None
    assert tree.signers.kept(made.blocks[4].block.hash) == made.blocks[4].kept


def test_old_members_do_not_certify_behind_a_change() -> None:
    made = maker(2)
    made.extend(change=made.change((*KEYS[1:], *NEW_KEYS)))
    made.grow(1)
    tree = tree_of(made.blocks)
    block = made.next_block()
    assert tree.signers is not None
    vote = Vote(VoteKind.PRECOMMIT, 5, 0, block.hash, tree.signers.members_at(5).hash)
    founders = certificate_of([sign_vote(vote, key, NETWORK.network_id) for key in KEYS], FOUNDING)
    with pytest.raises(BlockRejected, match="does not hold"):
        tree.certify(founders, None)
    add_header(tree, made.certify(block))


def test_block_one_cannot_name_another_list() -> None:
    made = maker(0)
    other = member_list(map(public, KEYS[1:]))
    first = made.certify(made.next_block(), next_members=other)
    assert "founding" in refusal(tree_of(()), first).detail


def test_headers_keep_their_distance_and_their_bits() -> None:
    made = maker(1)
    tree = tree_of(made.blocks)
    early = made.certify(made.next_block(time=made.tip.time))
    assert refusal(tree, early).reason is BlockReason.TIME_TOO_OLD
    tree = tree_of(made.blocks)
    block = made.next_block()
    bent = made.certify(replace(block, header=replace(block.header, bits=0x207FFFFE)))
    assert refusal(tree, bent).reason in (BlockReason.BAD_BITS, BlockReason.BAD_PROOF)


def test_no_clock_is_asked() -> None:
    made = maker(0)
    far = made.certify(made.next_block(time=(1 << 32) - 2))
    tree = tree_of(())
    add_header(tree, far)
    assert tree.best_header.header == far.header


def test_a_tree_is_loaded_with_what_another_kept() -> None:
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]))
    made.grow(3)
    tree = tree_of(made.blocks)
    headers = [certified.header for certified in made.blocks]
    again = HeaderTree(NETWORK)
    again.load(headers, tree.certificates(headers))
    again.load(headers, tree.certificates(headers))
    assert again.best_header.hash == tree.best_header.hash
    assert again.signers is not None and tree.signers is not None
    assert again.signers.lists() == tree.signers.lists()
    assert again.certificates(headers) == tree.certificates(headers)
    with pytest.raises(ValueError, match="shorter"):
        HeaderTree(NETWORK).load(headers)
    with pytest.raises(MisuseError, match="no stored certificate"):
        HeaderTree(NETWORK).load(headers[:1], tree.certificates(headers[1:2]))


def test_what_is_kept_survives_its_encoding() -> None:
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]))
    made.grow(1)
    for certified in made.blocks:
        kept = certified.kept
        assert KeptCertificate.decode(kept.encode()) == kept
        assert (kept.certificate, kept.members) == (certified.certificate, certified.next_members)


def test_a_hundred_members_sign() -> None:
    keys = signing_keys(100)
    made = CertifiedMaker(signer_network(keys), keys)
    made.grow(2)
    tree = HeaderTree(made.network)
    for certified in made.blocks:
        add_header(tree, certified)
    assert tree.best_header.height == 2
    assert len(made.blocks[0].certificate.signatures) == 67


@pytest.mark.parametrize("stored", [0, 2, 3, 5])
def test_headers_whose_blocks_are_not_here_can_be_forgotten_with_their_lists(stored) -> None:
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]))
    made.extend()
    made.extend()
    tree = tree_of(made.blocks)
    assert tree.signers is not None
    for certified in made.blocks[:stored]:
        tree.mark_stored(certified.block.hash)
    tree.forget_unstored()
    assert len(tree) == stored + 1
    assert tree.signers.finalized == tree.best_header.height == stored
    assert [leaf.height for leaf in tree.leaves()] == [stored]
    # The list of height 5 comes with the certificate of height 4.
    assert len(tree.signers.lists()) == (2 if stored == 5 else 1)
    for certified in made.blocks[stored:]:
        add_header(tree, certified)
    assert tree.signers.finalized == 5
    assert tree.signers.members_at(5) == member_list(map(public, KEYS[1:]))


def test_of_other_networks_no_headers_are_forgotten_so() -> None:
    with pytest.raises(MisuseError, match="many branches"):
        HeaderTree(lookup("regtest")).forget_unstored()
