"""Votes on request: a signer that waits says what it has of a round, and is answered with the rest, whoever signed it.

One lost message would halt a height otherwise, since nobody says a thing twice by himself. An answer has at most what
is held of two rounds, of the one asked for, and of ours where that is further, so that the asker finds f + 1 members
there and follows; and the prevotes behind our valid choice where the asker knows of none so late, so that a lock which
few could see taken binds no honest proposer in vain. A question that shows votes which we have not is worth one back.
"""

from minicoin.core.consensus.rounds import Rounds
from minicoin.core.consensus.tally import Holding, has_more
from minicoin.core.signers.votes import SignedVote


def answer(rounds: Rounds, wanted: Holding) -> tuple[SignedVote, ...]:
    """What the sender of a question for this height lacks."""
    votes = rounds.tally.beyond(wanted)
    if rounds.valid is not None and wanted.valid_round < rounds.valid.round < wanted.round:
        votes += rounds.valid.prevotes
    if wanted.round < rounds.round:
        votes += rounds.tally.votes(rounds.round)
    return tuple(votes)


def lacks(rounds: Rounds, theirs: Holding) -> bool:
    """Whether the sender of a question for this height has of its round what we have not."""
    if not rounds.open_rounds() or theirs.round < rounds.round:
        return False
    ours = rounds.holding(theirs.round)
    return (
        theirs.round > rounds.round
        or (theirs.has_proposal and not ours.has_proposal)
        or has_more(theirs.prevotes, ours.prevotes)
        or has_more(theirs.precommits, ours.precommits)
    )
