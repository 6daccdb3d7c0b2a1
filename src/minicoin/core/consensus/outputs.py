"""What the rounds ask of the node around them, and tell it, as values."""

from dataclasses import dataclass

from minicoin.core.consensus.choice import Justified
from minicoin.core.consensus.tally import Holding
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.certificate import Certificate
from minicoin.core.signers.evidence import TwoVotes
from minicoin.core.signers.votes import SignedVote, Vote


@dataclass(frozen=True, slots=True)
class Cast:
    """Record the vote in the sign state together with lock and valid choice, have that on disk, then sign, feed the
    signed vote back through `take`, and send it to all members. Casts are performed in the order given."""

    vote: Vote
    lock: Justified | None
    valid: Justified | None


@dataclass(frozen=True, slots=True)
class NeedProposal:
    """It is our turn and no block binds us: build one and hand it to `propose`."""

    round: int


@dataclass(frozen=True, slots=True)
class NeedVerdict:
    """Whether this block may follow the tip, and which list follows from it: hand both to `take_block`. The body came
    with the proposal, or has to be asked for."""

    block: BlockHash


@dataclass(frozen=True, slots=True)
class Decided:
    """The block of this height is final. Its body may still be missing, and is then to be had from its signers."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class ForeignVote:
    """Signed with our own key, and unknown to our sign state: it is of a stale copy, or the key is used elsewhere. From
    now on nothing is cast at this height; the node has to raise the alarm and stop signing."""

    signed: SignedVote


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask all other members for what these lack; who is asked answers by core/consensus/forwarding."""

    holdings: tuple[Holding, ...]


RoundOutput = Ask | Cast | NeedProposal | NeedVerdict | Decided | TwoVotes | ForeignVote
