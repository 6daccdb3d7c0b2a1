"""A chain that banks signed: five found it, a sixth joins, the first leaves, and one signs with another key."""

from collections.abc import Iterable
from functools import cache

from coincurve import PrivateKey

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.netsync.certified import CertifiedHeader
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.certificate import Certificate, certificate_of
from minicoin.core.signers.members import MemberList, member_list
from minicoin.core.signers.votes import Vote, VoteKind, sign_vote
from minicoin.core.units import SECOND_US, Micros
from minicoin.testing.certified_chain import (
    CertifiedBlock,
    CertifiedMaker,
    allocation_of,
    public,
    signer_network,
    signing_keys,
)

Keys = tuple[PrivateKey, ...]

FOUNDERS: Keys = signing_keys(5)
SIXTH, ROLLED = signing_keys(2, start=10)
JOINED: Keys = (*FOUNDERS, SIXTH)
LEFT: Keys = JOINED[1:]
RENEWED: Keys = (*LEFT[:-1], ROLLED)
"""The newcomer's key is another."""
NETWORK = signer_network(FOUNDERS, allocation=allocation_of(3))
LISTS: tuple[tuple[int, Keys], ...] = ((1, FOUNDERS), (10, JOINED), (20, LEFT), (30, RENEWED))
"""Who signs, and from which height on."""
LATER = Micros((NETWORK.genesis.header.time + 3_600) * SECOND_US)


def listed(keys: Keys) -> MemberList:
    return member_list(map(public, keys))


def keys_at(height: int) -> Keys:
    return [keys for start, keys in LISTS if start <= height][-1]


def maker_at(chain: Iterable[CertifiedBlock] = ()) -> CertifiedMaker:
    """Who grows a chain further; all keys are at hand."""
    maker = CertifiedMaker(NETWORK, (*JOINED, ROLLED))
    for one in chain:
        maker.append(one)
    return maker


@cache
def _maker(length: int) -> CertifiedMaker:
    maker = maker_at()
    changes = dict(LISTS)
    while maker.height < length:
        members = changes.get(maker.height + 3) if maker.height else None
        maker.extend(change=None if members is None else maker.change(members))
    return maker


@cache
def blocks(length: int, shared: int | None = None) -> tuple[CertifiedBlock, ...]:
    """The chain; with `shared` another one that its members signed as well, which has so many blocks in common."""
    if shared is None:
        return tuple(_maker(length).blocks)
    maker = maker_at(blocks(shared))
    while maker.height < length:
        # A second later than it should be, or it would be the same.
        maker.append(maker.certify(maker.next_block(time=maker.tip.time + 2)))
    return tuple(maker.blocks)


def items(length: int, shared: int | None = None) -> tuple[CertifiedHeader, ...]:
    """Its headers as they travel."""
    return tuple(map(item_of, blocks(length, shared)))


def item_of(one: CertifiedBlock) -> CertifiedHeader:
    return CertifiedHeader(one.header, one.certificate, one.next_members)


def certify(
    block: BlockHash, height: int, *, signers: Keys | None = None, following: MemberList | None = None
) -> Certificate:
    """A block's certificate at this height: by its quorum, and with the list behind it, unless others are named."""
    members = listed(keys_at(height))
    signers = keys_at(height)[: members.quorum] if signers is None else signers
    following = following or listed(keys_at(height + 1))
    vote = Vote(VoteKind.PRECOMMIT, height, 0, block, following.hash)
    votes = [sign_vote(vote, key, NETWORK.network_id) for key in signers]
    # Whoever could not certify it makes up a list of their own: what is signed knows nothing of lists.
    is_able = len(votes) >= members.quorum and all(vote.member in members for vote in votes)
    return certificate_of(votes, members if is_able else listed(signers))


def tree_of(chain: tuple[CertifiedHeader, ...]) -> HeaderTree:
    """A tree that has all of it, as a node does that serves it."""
    tree = HeaderTree(NETWORK)
    for item in chain:
        tree.certify(item.certificate, item.next_members)
        tree.set_tip(tree.add(item.header, LATER).hash)
    return tree
