"""A network of signers around the pure rounds: virtual time, one seeded order of events, disks that survive kills.

A signature is a stand-in, a hash of key and vote: nobody here can make one for another, since each signer only ever
calls `Network.sign` with its own key, and the network knows what was signed by whom. What is real are the rounds, the
sign state with its bytes, the check at a start, the answers to questions, and the order of disk, signature and sending.
"""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256

from minicoin.core.consensus.fitness import Fitness, FitnessCheck
from minicoin.core.consensus.forwarding import answer, lacks
from minicoin.core.consensus.heights import Heights
from minicoin.core.consensus.outputs import Ask, Cast, Decided, ForeignVote, NeedProposal, NeedVerdict
from minicoin.core.consensus.round_state import RoundStep
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.tally import Holding
from minicoin.core.consensus.timeouts import Pause, RoundTimes
from minicoin.core.primitives.block import BlockHash
from minicoin.core.rng import Rng
from minicoin.core.signers.evidence import TwoVotes
from minicoin.core.signers.members import member_list
from minicoin.core.signers.recovery import NO_RECOVERY
from minicoin.core.signers.votes import SignedVote, VoteKind
from minicoin.core.units import SECOND_US, Micros, seconds

START = 1_900_000_000 * SECOND_US
SAVE_US, SIGN_US, VERIFY_US, BUILD_US = 2_000, 500, 3_000, 2_000


def key_of(number):
    return sha256(b"member %d" % number).digest()


@dataclass(frozen=True)
class Body:
    """A block of this model."""

    height: int
    time_s: int
    is_valid: bool
    hash: BlockHash


@dataclass
class Disk:
    """What a kill leaves."""

    state: bytes | None = None
    bodies: dict = field(default_factory=dict)
    chain: list = field(default_factory=list)


@dataclass
class Weather:
    """How bad the network is. `cut` maps a signer to its side."""

    loss: float = 0.0
    precommit_loss: float = 0.0
    deaf: tuple = ()
    """Whom no prevote reaches: it sees others lock, and cannot see on what."""
    isolates_deciders: bool = False
    """Whoever decides is cut off at once: the others have to go on without what it knows."""
    delay_us: tuple = (5_000, 40_000)
    cut: dict = field(default_factory=dict)


class Network:
    """n signers, of which some may be replaced by liars."""

    def __init__(self, count, seed, payments=True):
        self.rng = Rng(b"rounds", str(seed))
        self.times = RoundTimes()
        self.payments = payments
        self.keys = sorted(key_of(number) for number in range(count))
        """Of all nodes, by number."""
        self.members = member_list(self.keys)
        self.now = Micros(START)
        self.weather = Weather()
        self.sent = Counter()
        self.signed = {}  # (member, slot) -> vote: of honest ones never two
        self.signatures = set()
        self.certified = {}  # height -> block
        self.bodies_time = {}
        self.decided_in = {}  # height -> the rounds in which honest signers saw it decided
        self.evidence = []
        self.steps = 0  # saves and signatures so far: the moments at which a kill matters
        self.on_step = None
        self.drops = lambda sender, receiver, message: False
        self._events, self._sequence = [], 0
        self.nodes = [Signer(self, number) for number in range(count)]

    def replace(self, number, kind):
        self.nodes[number] = kind(self, number)
        return self.nodes[number]

    def honest(self):
        return [node for node in self.nodes if type(node) is Signer]

    # --- time ---

    def after(self, delay_us, call):
        self._sequence += 1
        heapq.heappush(self._events, (self.now + delay_us, self._sequence, call))

    def run(self, until_us, done=lambda: False):
        """Until that moment, or `done`; says whether it is done."""
        while not done():
            if not self._events or self._events[0][0] > until_us:
                self.now = Micros(until_us)
                return done()
            at, _, call = heapq.heappop(self._events)
            self.now = Micros(at)
            call()
        return True

    # --- messages ---

    def send(self, sender, receiver, *message):
        self.sent[message[0]] += 1
        weather = self.weather
        loss = weather.loss
        if message[0] == "vote" and message[1].vote.kind is VoteKind.PRECOMMIT:
            loss = max(loss, weather.precommit_loss)
        if message[0] == "vote" and message[1].vote.kind is VoteKind.PREVOTE and receiver in weather.deaf:
            return
        is_cut = weather.cut.get(sender, 0) != weather.cut.get(receiver, 0)
        if is_cut or self.drops(sender, receiver, message) or (loss and self.rng.uniform() < loss):
            return
        low, high = weather.delay_us
        target = self.nodes[receiver]
        self.after(low + self.rng.below(high - low + 1), lambda: target.receive(sender, *message))

    # --- what must never be ---

    def step(self):
        """A save or a signature is done."""
        self.steps += 1
        if self.on_step is not None:
            self.on_step(self.steps)

    def sign(self, member, vote, is_honest, epoch=NO_RECOVERY):
        if is_honest:
            before = self.signed.setdefault((member, epoch, vote.slot), vote)
            assert before == vote, f"two signatures for one slot: {before} and {vote}"
        signature = sha256(member + epoch + vote.encode()).digest() * 2
        self.signatures.add((member, signature))
        return SignedVote(vote, member, signature)

    def check_certificate(self, certificate, members):
        """It is of a quorum of true signatures, and the only block of its height."""
        keys = certificate.signers(members)
        assert len(keys) >= members.quorum
        for pair in zip(keys, certificate.signatures, strict=True):
            assert pair in self.signatures
        known = self.certified.setdefault(certificate.height, certificate.block)
        assert known == certificate.block, f"two blocks certified at height {certificate.height}"

    def body(self, height, parent_time_s, number, now, is_valid=True):
        """A new block, unlike all others."""
        time_s = max(seconds(now), parent_time_s + self.times.min_interval_s)
        block = BlockHash(sha256(repr((height, number, len(self.bodies_time))).encode()).digest())
        self.bodies_time[block] = time_s
        return Body(height, time_s, is_valid, block)

    def height(self):
        """The lowest height that an honest signer has decided."""
        return min(len(node.disk.chain) for node in self.honest())


class Signer:
    """One honest signer: what a node does around the rounds, in short."""

    is_honest = True

    def __init__(self, network, number):
        self.network, self.number = network, number
        self.key = network.keys[number]
        self.skew_us = 0
        self.recovery = None
        """What its operator named."""
        self.disk = Disk(state=SignState(self.key).encode())
        self.epoch = 0
        self.is_up = False
        self.alarms = []

    @property
    def now(self):
        return Micros(self.network.now + self.skew_us)

    # --- recovery ---

    @property
    def recovered(self):
        return NO_RECOVERY if self.recovery is None else self.recovery.hash

    def is_behind(self, height):
        """Whether the recovery holds there."""
        return self.recovery is not None and height > self.recovery.height

    def members_at(self, height):
        return self.recovery.members if self.is_behind(height) else self.network.members

    @property
    def members(self):
        return self.members_at(len(self.disk.chain) + 1)

    @property
    def bound(self):
        is_first = self.recovery is not None and len(self.disk.chain) == self.recovery.height
        return self.recovery.bound.block if is_first and self.recovery.bound is not None else None

    def state_here(self):
        """The record, for the height at hand; None where the key may not sign there."""
        state, behind = self.fitness.state, self.is_behind(len(self.disk.chain) + 1)
        if behind and state.epoch != self.recovered:
            state = self.fitness.state = state.entered(self.recovery)
        may = state.promise is None and (state.epoch == self.recovered if behind else state.epoch == NO_RECOVERY)
        return state if may else None

    # --- life ---

    def start(self):
        self.is_up = True
        self.heights = Heights(self.network.times)
        raw = self.disk.state
        state = None if raw is None else SignState.decode(raw)
        self.fitness = FitnessCheck(self.key, self.members, state, self.recovered)
        self.casts = []
        self.is_signing = False
        self.waiting_verdicts = {}
        self.asked_at = {}
        self.wake_at = None
        self.decided_at = self.now
        self.begin()
        self.ask_fitness()

    def kill(self):
        self.epoch += 1
        self.is_up = False

    def later(self, delay_us, call):
        epoch = self.epoch
        self.network.after(delay_us, lambda: call() if epoch == self.epoch and self.is_up else None)

    def ask_fitness(self):
        if self.fitness.fitness in (Fitness.ASKING, Fitness.RECORD_LOST):
            self.broadcast("greet")
            self.later(SECOND_US, self.ask_fitness)

    def begin(self):
        height = len(self.disk.chain) + 1
        parent_s = self.body_time(height - 1)
        pause = Pause(height, parent_s, self.decided_at)
        self.fitness.follow(self.members)
        self.fit = self.fitness.fitness is Fitness.FIT
        here = self.state_here()
        self.state = self.fitness.state
        self.casts = []
        self.waiting_verdicts = {}
        out = self.heights.begin(pause, self.members, here if self.fit else None, self.now)
        self.perform(out)
        if self.heights.height == height:
            self.perform(self.heights.rounds.set_payment_waits(self.network.payments, self.now))

    def body_time(self, height):
        return START // SECOND_US if height == 0 else self.network.bodies_time[self.disk.chain[height - 1].block]

    # --- outputs ---

    def perform(self, outputs):
        rounds = self.heights.rounds
        for output in outputs:
            match output:
                case Cast():
                    self.casts.append(output)
                case NeedProposal(round_):
                    self.later(BUILD_US, lambda r=rounds, n=round_: self.propose(r, n))
                case NeedVerdict(block):
                    self.waiting_verdicts[block] = None
                    self.judge(block)
                case Ask(holdings):
                    for holding in holdings:
                        self.broadcast("want", holding)
                case Decided(certificate):
                    self.decide(certificate)
                case TwoVotes():
                    self.network.evidence.append(output)
                case ForeignVote(signed):
                    self.alarms.append(signed)
                    self.fitness.check(signed)
        self.next_cast()
        self.set_timer()

    def set_timer(self):
        deadline = self.heights.rounds.next_deadline()
        if deadline is not None and deadline != self.wake_at:
            self.wake_at = deadline
            self.later(max(deadline - self.now, 0), lambda: self.wake(deadline))

    def wake(self, deadline):
        if deadline == self.wake_at:
            self.wake_at = None
            self.perform(self.heights.rounds.on_deadline(self.now))

    def next_cast(self):
        if self.is_signing or not self.casts:
            return
        self.is_signing = True
        cast = self.casts.pop(0)
        recorded = self.state.recorded(cast.vote, cast.lock, cast.valid)
        self.later(0 if recorded == self.state else SAVE_US, lambda: self.saved(cast.vote, recorded))

    def saved(self, vote, recorded):
        self.disk.state = recorded.encode()
        self.state = self.fitness.state = recorded
        self.later(SIGN_US, lambda: self.sign(vote))
        self.network.step()

    def sign(self, vote):
        signed = self.network.sign(self.key, vote, is_honest=True, epoch=self.state.epoch)
        epoch = self.epoch
        self.network.step()
        if epoch != self.epoch:
            return  # killed between the signature and its leaving
        self.is_signing = False
        self.emit(signed)
        self.perform(self.heights.take(signed, self.now))

    def emit(self, signed):
        for other in range(len(self.network.nodes)):
            if other != self.number:
                self.send_vote(other, signed)

    def send_vote(self, other, signed):
        if signed.vote.kind is VoteKind.PROPOSAL:
            self.network.send(self.number, other, "proposal", signed, self.disk.bodies[signed.vote.block])
        else:
            self.network.send(self.number, other, "vote", signed)

    def broadcast(self, *message):
        for other in range(len(self.network.nodes)):
            if other != self.number:
                self.network.send(self.number, other, *message)

    def propose(self, rounds, round_):
        if rounds is self.heights.rounds and rounds.round == round_ and self.bound is not None:
            if self.bound in self.disk.bodies:
                self.perform(rounds.propose(self.bound, self.members.hash, self.now))
        elif rounds is self.heights.rounds and rounds.round == round_:
            body = self.network.body(rounds.height, rounds.pause.parent_time_s, self.number, self.now)
            self.disk.bodies[body.hash] = body
            self.perform(rounds.propose(body.hash, self.members.hash, self.now))

    def judge(self, block):
        if block in self.waiting_verdicts and block in self.disk.bodies:
            del self.waiting_verdicts[block]
            self.later(VERIFY_US, lambda rounds=self.heights.rounds: self.verdict(rounds, self.disk.bodies[block]))

    def verdict(self, rounds, body):
        if rounds is not self.heights.rounds:
            return
        is_valid = (
            body.is_valid
            and self.bound in (None, body.hash)
            and body.height == rounds.height
            and body.time_s >= rounds.pause.parent_time_s + self.network.times.min_interval_s
            and body.time_s * SECOND_US <= self.now + 10 * SECOND_US
        )
        self.perform(rounds.take_block(body.hash, self.members.hash if is_valid else None, self.now))

    def decide(self, certificate):
        self.network.check_certificate(certificate, self.members)
        self.network.decided_in.setdefault(certificate.height, []).append(certificate.round)
        if self.network.weather.isolates_deciders:
            # A side of its own.
            self.network.weather.cut[self.number] = -1 - self.number
        self.disk.chain.append(certificate)
        self.fitness.on_certified(certificate.height)
        self.decided_at = self.now
        self.later(1_000, self.begin)

    # --- messages ---

    def receive(self, sender, kind, *content):
        # Signers that name different recoveries have not met.
        if not self.is_up or self.network.nodes[sender].recovered != self.recovered:
            return
        match kind, *content:
            case "vote", signed:
                self.take(sender, signed)
            case "proposal", signed, body:
                if signed.vote.height == self.heights.height or signed.vote.height == self.heights.height + 1:
                    self.disk.bodies.setdefault(body.hash, body)
                self.take(sender, signed)
                self.judge(body.hash)
            case "want", holding:
                self.on_want(sender, holding)
            case "decided", certificates:
                self.on_decided(certificates)
            case ("greet",):
                self.network.send(
                    self.number, sender, "held", self.heights.height, self.heights.held_of(key_at(self.network, sender))
                )
            case "held", height, votes:
                was = self.fitness.fitness
                self.fitness.take(key_at(self.network, sender), height, votes)
                if was is not Fitness.FIT and self.fitness.fitness is Fitness.FIT:
                    self.begin()

    def take(self, sender, signed):
        if signed.vote.height > self.heights.height:
            self.ask_rarely(sender)
        if signed.member == self.key and self.fitness.fitness is Fitness.ASKING:
            self.fitness.check(signed)
        self.perform(self.heights.take(signed, self.now))

    def ask_rarely(self, sender):
        if self.now - self.asked_at.get(sender, 0) >= SECOND_US // 4:
            self.asked_at[sender] = self.now
            rounds = self.heights.rounds
            for round_ in rounds.open_rounds() or (0,):
                self.network.send(self.number, sender, "want", rounds.holding(round_))

    def on_want(self, sender, wanted: Holding):
        rounds = self.heights.rounds
        if wanted.height <= len(self.disk.chain):
            self.network.send(self.number, sender, "decided", self.disk.chain[wanted.height - 1 :][:10])
        elif wanted.height > rounds.height:
            self.ask_rarely(sender)
        elif rounds.step is not RoundStep.DECIDED:
            for signed in answer(rounds, wanted):
                if signed.vote.kind is not VoteKind.PROPOSAL or signed.vote.block in self.disk.bodies:
                    self.send_vote(sender, signed)
            if lacks(rounds, wanted):
                self.ask_rarely(sender)

    def on_decided(self, certificates):
        before = len(self.disk.chain)
        for certificate in certificates:
            if certificate.height == len(self.disk.chain) + 1 and self.heights.rounds.step is not RoundStep.DECIDED:
                self.network.check_certificate(certificate, self.members)
                self.disk.chain.append(certificate)
                self.fitness.on_certified(certificate.height)
        if len(self.disk.chain) > before:
            self.decided_at = self.now
            self.begin()


def key_at(network, number):
    return network.keys[number]
