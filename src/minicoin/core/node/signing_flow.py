"""Puts a signer together: what an earlier run wrote down, and what of the node it stands on."""

from dataclasses import dataclass

from minicoin.core.admission.state import AdmissionState
from minicoin.core.consensus.fitness import FitnessCheck
from minicoin.core.consensus.flow import Consensus
from minicoin.core.consensus.peers import SignerPeers
from minicoin.core.consensus.ports import Accuser, BlockMaker, LinkKeeper, SignerNode
from minicoin.core.consensus.shelf import Shelf, WrittenBlocks
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.voting import Voting
from minicoin.core.faults import MisuseError
from minicoin.core.signers.admission import AdmittedRole
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import NO_RECOVERY


@dataclass(frozen=True, slots=True)
class SigningRecord:
    """What a signer's documents say; nothing where there are none."""

    state: SignState | None = None
    blocks: WrittenBlocks = WrittenBlocks()


def make_signer(
    node: SignerNode,
    record: SigningRecord,
    links: LinkKeeper,
    maker: BlockMaker,
    admission: AdmissionState | None,
    accuser: Accuser | None,
) -> Consensus | None:
    """For the node of a member; None for any other. Where there is an admission, only those that it names as signers
    may speak for members. Raises MisuseError where nobody signs on this network, and where
    the record is another key's."""
    key, signers, state = node.policy.signing_key, node.tree.signers, record.state
    if key is None:
        return None
    if signers is None or accuser is None:
        raise MisuseError(f"nobody signs the blocks of {node.network.name}: start this node without a signing key")
    if state is not None and state.member != key:
        raise MisuseError(
            f"the record of what was signed is of the key {state.member.hex()}, and this node would sign with "
            f"{key.hex()}: start it with the key that belongs to its data directory"
        )
    sign_from = node.policy.sign_from
    if sign_from is not None and state is not None:
        raise MisuseError(
            f"the record of what {key.hex()} signed is here, up to height {state.height}: start without --sign-from, "
            "which is for a key whose record is lost"
        )
    shelf = Shelf(record.blocks.decided)
    shelf.restore(0 if state is None else state.height, record.blocks.blocks)
    named = signers.recoveries.named
    epoch = named[-1].hash if named else NO_RECOVERY
    for recovery, block in ((one, two) for one in named for two in node.policy.bound_blocks):
        if recovery.bound is not None and recovery.bound.block == block.hash:
            shelf.restore(recovery.height + 1, (block,))

    def may_sign(peer_id: bytes) -> bool:
        return admission is None or admission.role_of(peer_id) is AdmittedRole.SIGNER

    def admitted(members: MemberList) -> tuple[bytes, ...]:
        return () if admission is None else admission.signers_of(members)

    peers = SignerPeers(node.network.network_id, node.policy.peer_id, may_sign, epoch)
    members = signers.members_at(node.tree.tip.height + 1)
    fitness = FitnessCheck(key, members, state, epoch)
    if sign_from is not None:
        fitness.override(sign_from)
    return Consensus(node, links, Voting(node, maker, fitness, shelf, peers, accuser), peers, admitted)
