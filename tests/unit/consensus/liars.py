"""Signers that lie, each in its own way. None can sign for another."""

from tests.unit.consensus.network import Signer

from minicoin.core.consensus.sign_state import SignState
from minicoin.core.signers.recovery import NO_RECOVERY
from minicoin.core.signers.votes import NIL, Vote, VoteKind


class Silent(Signer):
    """Never says anything."""

    is_honest = False

    def start(self):
        pass

    def receive(self, *message):
        pass


class Liar(Signer):
    """Signs what it likes: no sign state holds it."""

    is_honest = False

    def start(self):
        super().start()
        self.fitness.override(0)
        self.begin()

    def sign_freely(self, vote):
        epoch = self.recovered if self.is_behind(vote.height) else NO_RECOVERY
        return self.network.sign(self.key, vote, is_honest=False, epoch=epoch)

    def next_cast(self):
        while self.casts:
            signed = self.sign_freely(self.casts.pop(0).vote)
            self.emit(signed)

    def decide(self, certificate):
        self.disk.chain.append(certificate)
        self.decided_at = self.now
        self.later(1_000, self.begin)

    def others(self):
        return [number for number in range(len(self.network.nodes)) if number != self.number]


class Withholding(Liar):
    """Says each thing to some only, and answers no question."""

    def emit(self, signed):
        for other in self.others():
            if self.network.rng.below(2):
                self.send_vote(other, signed)

    def on_want(self, sender, wanted):
        pass


class Equivocating(Liar):
    """Says one thing to some and another to the rest, whatever the kind; sometimes of rounds far ahead."""

    def emit(self, signed):
        vote = signed.vote
        if vote.kind is VoteKind.PROPOSAL:
            body = self.disk.bodies[vote.block]
            twin = self.network.body(
                body.height, body.time_s - 1, self.number, self.now, bool(self.network.rng.below(4))
            )
            self.disk.bodies[twin.hash] = twin
            other = Vote(vote.kind, vote.height, vote.round, twin.hash, vote.next_members, vote.valid_round)
        elif vote.block == NIL:
            seen = [body for body in self.disk.bodies.values() if body.height == vote.height] or [None]
            body = self.network.rng.choice(seen)
            other = vote
            if body is not None:
                other = Vote(vote.kind, vote.height, vote.round, body.hash, self.members.hash)
        else:
            other = Vote(vote.kind, vote.height, vote.round, NIL, NIL)
        for number in self.others():
            one = vote if self.network.rng.below(2) else other
            if self.network.rng.below(8) == 0 and one.kind is not VoteKind.PROPOSAL:
                one = Vote(one.kind, one.height, one.round + self.network.rng.below(1_000), one.block, one.next_members)
            self.send_vote(number, self.sign_freely(one))


class Forgetful(Liar):
    """Follows the rounds, but for its lock, which it forgets after each vote."""

    def next_cast(self):
        super().next_cast()
        self.heights.rounds.lock = None

    def begin(self):
        self.fitness.state = SignState(self.key)
        super().begin()


class Invalid(Liar):
    """Proposes nothing but blocks that are not valid."""

    def propose(self, rounds, round_):
        body = self.network.body(rounds.height, rounds.pause.parent_time_s, self.number, self.now, is_valid=False)
        self.disk.bodies[body.hash] = body
        self.perform(rounds.propose(body.hash, self.members.hash, self.now))


LIARS = (Silent, Withholding, Equivocating, Forgetful, Invalid)
