"""Puts a signer together: what an earlier run wrote down, and what of the node it stands on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from minicoin.core.admission.state import AdmissionState
from minicoin.core.consensus.flow import Consensus
from minicoin.core.consensus.held_keys import HeldKeys
from minicoin.core.consensus.peers import SignerPeers
from minicoin.core.consensus.ports import Accuser, BlockMaker, LinkKeeper, SignerNode
from minicoin.core.consensus.shelf import Shelf, WrittenBlocks
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.voting import Voting
from minicoin.core.faults import MisuseError
from minicoin.core.signers.admission import AdmittedRole
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.recovery import NO_RECOVERY


@dataclass(frozen=True, slots=True)
class SigningRecord:
    """What a signer's documents say; nothing where there are none."""

    states: Mapping[str, SignState] = field(default_factory=dict)
    """By document."""
    blocks: WrittenBlocks = WrittenBlocks()


def make_signer(
    node: SignerNode,
    keys: OwnKeys,
    record: SigningRecord,
    links: LinkKeeper,
    maker: BlockMaker,
    admission: AdmissionState | None,
    accuser: Accuser | None,
) -> Consensus | None:
    """For the node of a member; None for any other. Where there is an admission, only those that it names as signers
    may speak for members. Raises MisuseError where nobody signs on this network, and where
    the record is another key's."""
    signers = node.tree.signers
    if not keys.all:
        return None
    if signers is None or accuser is None:
        raise MisuseError(f"nobody signs the blocks of {node.network.name}: start this node without a signing key")
    named = signers.recoveries.named
    epoch = named[-1].hash if named else NO_RECOVERY
    held = HeldKeys(keys, signers.members_at(node.tree.tip.height + 1), record.states, epoch)
    _answer_for(held, node.policy.sign_from, record.states)
    if node.policy.stands_by:
        held.stand_by()
    shelf = Shelf(record.blocks.decided)
    shelf.restore(max((state.height for state in record.states.values()), default=0), record.blocks.blocks)
    for recovery, block in ((one, two) for one in named for two in node.policy.bound_blocks):
        if recovery.bound is not None and recovery.bound.block == block.hash:
            shelf.restore(recovery.height + 1, (block,))

    def may_sign(peer_id: bytes) -> bool:
        return admission is None or admission.role_of(peer_id) is AdmittedRole.SIGNER

    def admitted(members: MemberList) -> tuple[bytes, ...]:
        return () if admission is None else admission.signers_of(members)

    peers = SignerPeers(node.network.network_id, node.policy.peer_id, may_sign, epoch)
    return Consensus(node, links, Voting(node, maker, held, shelf, peers, accuser), peers, admitted)


def _answer_for(held: HeldKeys, sign_from: int | None, states: Mapping[str, SignState]) -> None:
    """The operator's word for the keys whose record is lost. Raises MisuseError where none is."""
    if sign_from is None:
        return
    known = {state.member: state for state in states.values()}
    lost = [key for key in held.all if key not in known]
    if not lost:
        last = max(known.values(), key=lambda state: state.height)
        raise MisuseError(
            f"the record of what {last.member.hex()} signed is here, up to height {last.height}: start without "
            "--sign-from, which is for a key whose record is lost"
        )
    for key in lost:
        held.check_of(key).override(sign_from)
