"""Banks of which one signs through a keyholder in another process: whichever of the two is killed, at whatever step,
each slot has one vote, and the chain goes on."""

import pytest
from tests.unit.consensus.bank_world import Bank, BankWorld
from tests.unit.consensus.test_flow import STEPS, up

from minicoin.core.consensus.sign_state import SignState
from minicoin.core.effects import Effect, SignGreeting, SignStatement, SignVote
from minicoin.core.events import Event, GreetingSigned, VoteSigned
from minicoin.core.signers.votes import SignedVote
from minicoin.core.units import SECOND_US
from minicoin.drivers.signer.keyholder import HeldKey, Keyholder
from minicoin.drivers.signer.protocol import GreetingAsked, SignatureGiven, SignatureRefused, VoteAsked
from minicoin.testing.certified_chain import public


class Died(Exception):
    """The process is gone."""


class FarSigner:
    """A keyholder with its disk, and the node's end of the socket."""

    def __init__(self, bank: Bank, world: BankWorld) -> None:
        self.bank = bank
        self.world = world
        self.refused: list[str] = []
        self.dies_in: int | None = None
        """After so many steps of it: a record that is about to be written, a signature that is about to leave."""
        self.disk = SignState(public(bank.key)).encode()
        self.start()
        bank.holder = self

    def start(self) -> None:
        """The process, on what its disk has."""
        self.is_up = True
        held = HeldKey(self.bank.key, SignState.decode(self.disk), self)
        self.holder = Keyholder(self.world.network.network_id, [held], self.refused.append)

    def save(self, state: bytes) -> None:
        self.step()
        self.disk = state

    def step(self) -> None:
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0:
                self.dies_in, self.is_up = None, False
                self.world.at_time(self.bank, 1_500_000, self.start)
                raise Died

    def answer(self, effect: SignVote | SignGreeting | SignStatement) -> Event:
        assert not isinstance(effect, SignStatement)
        try:
            signature = self.ask(effect)
        except Died:
            signature = None
        if isinstance(effect, SignGreeting):
            return GreetingSigned(effect.member, effect.conn, signature, "gone")
        signed = None if signature is None else SignedVote(effect.vote, effect.member, signature)
        return VoteSigned(effect.vote, signed, "gone")

    def ask(self, effect: SignVote | SignGreeting) -> bytes | None:
        if not self.is_up:
            raise Died
        if isinstance(effect, SignVote):
            answered = self.holder.answer(VoteAsked(1, effect.member, effect.vote, effect.epoch))
        else:
            own = self.bank.policy.peer_id
            answered = self.holder.answer(GreetingAsked(1, effect.member, own, effect.peer_id, effect.epoch))
        self.step()
        if isinstance(answered, SignatureRefused):
            return None
        assert isinstance(answered, SignatureGiven)
        return answered.signature


def far(world: BankWorld) -> FarSigner:
    """The leader's key moves out, with its record."""
    leader = world.leader()
    signer = FarSigner(leader, world)
    signer.disk = leader.documents["sign-state"]
    signer.start()
    return signer


@pytest.mark.parametrize("step", range(8))
def test_the_signer_is_killed_at_any_step(step: int) -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    signer = far(world)
    # One of the others is down, so that each block needs this one.
    next(bank for bank in world.banks if bank is not signer.bank).stop()
    signer.dies_in = step
    for _ in range(3):
        height = max(world.heights())
        world.pay()
        assert world.wait(20 * SECOND_US, lambda height=height: min(world.heights()) > height)
        world.wait(2 * SECOND_US)
    assert signer.dies_in is None and signer.is_up
    assert signer.refused == []
    world.check()


@pytest.mark.parametrize("step", STEPS[::2])
def test_its_node_is_killed_at_any_step(step: int) -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    signer = far(world)
    left = [step]

    def stops(bank: Bank, effect: Effect) -> bool:
        left[0] -= bank is signer.bank
        return bank is signer.bank and left[0] == -1

    world.stops = stops
    world.pay()
    world.wait(3 * SECOND_US, lambda: signer.bank.part is None)
    if signer.bank.part is None:
        world.wait(SECOND_US)
        signer.bank.start()
    world.pay()
    assert world.wait(70 * SECOND_US, lambda: min(world.heights()) >= 3)
    assert signer.refused == []
    world.check()
