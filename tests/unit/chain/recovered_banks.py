"""Five banks of which two are lost: the recovery that the three others sign, and the chain that goes on behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from coincurve import PrivateKey

from minicoin.core.crypto.hashing import tagged_hash
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.signers.members import MemberList, member_list
from minicoin.core.signers.recovery import (
    NO_RECOVERY,
    RECOVERY_TAG,
    Recovery,
    SignerLock,
    combine,
    domain_of,
)
from minicoin.core.signers.votes import sign_vote
from minicoin.testing.certified_chain import CertifiedMaker, public

from .five_banks import FOUNDING, KEYS, NETWORK, NEW_KEYS

LEFT = KEYS[:3]
LOST = KEYS[3:]
NEW_LIST = member_list(map(public, LEFT))


def lock_on(block: BlockHash, round_: int = 0, next_members: MemberList = FOUNDING) -> SignerLock:
    return SignerLock(round_, block, next_members.hash)


def prevotes_for(
    lock: SignerLock, height: int, keys: Iterable[PrivateKey] = KEYS[:4], previous: bytes = NO_RECOVERY
) -> tuple[tuple[bytes, bytes], ...]:
    """What a quorum said at `height` before somebody locked."""
    domain = domain_of(NETWORK.network_id, previous)
    votes = (sign_vote(lock.prevote(height), key, domain) for key in keys)
    return tuple(sorted((vote.member, vote.signature) for vote in votes))


def draft(height: int, block: BlockHash, keys: Iterable[PrivateKey] = LEFT, previous: bytes = NO_RECOVERY) -> Recovery:
    members = member_list(map(public, keys))
    names = tuple(f"Bank {key[:2].hex()}" for key in members.keys)
    return Recovery(previous, height, block, members, names)


def statement(bare: Recovery, key: PrivateKey, lock: SignerLock | None = None, network: Network = NETWORK) -> Recovery:
    digest = tagged_hash(RECOVERY_TAG, network.network_id + bare.statement(lock))
    prevotes = () if lock is None else prevotes_for(lock, bare.height + 1, previous=bare.previous)
    return bare.stated(public(key), lock, prevotes, key.sign_schnorr(digest, bytes(32)))


def recovery(
    made: CertifiedMaker,
    keys: Iterable[PrivateKey] = LEFT,
    *,
    signers: Sequence[PrivateKey] = LEFT,
    lock: SignerLock | None = None,
    previous: bytes = NO_RECOVERY,
) -> Recovery:
    """Behind the maker's tip, to the list of `keys`; the first signer says that it is locked."""
    bare = draft(made.height, made.tip.hash, keys, previous)
    return combine(statement(bare, key, lock if key is signers[0] else None) for key in signers)


def naming(*named: Recovery) -> Network:
    """The network, for whoever names these."""
    assert isinstance(NETWORK.proof, SignersKind)
    return replace(NETWORK, proof=replace(NETWORK.proof, recoveries=named))


def behind(made: CertifiedMaker, *named: Recovery) -> CertifiedMaker:
    """The same chain, as it goes on behind the last of them."""
    after = CertifiedMaker(naming(*named), (*KEYS, *NEW_KEYS))
    for certified in made.blocks:
        after.append(certified)
    return after


def other_block(made: CertifiedMaker) -> Block:
    """Another block on the tip than `next_block` makes."""
    return made.next_block(time=made.tip.time + 7)
