"""Members that lie: what the others hear of them, and that it does them no harm."""

import pytest
from tests.unit.sim.scenario.test_signers import GOOD

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.consensus.messages import ProposalMessage, VoteMessage
from minicoin.core.limits import SIGNED_RECORDS_PER_SIGNER_MAX
from minicoin.core.units import SECOND_US, ConnId
from minicoin.core.wire.messages import Message
from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.scenario.schema import Scenario
from minicoin.testing.certified_chain import public
from minicoin.world.host import Host


def _simulation(lie: str) -> Simulation:
    liar = f'[[nodes.group]]\nname = "liar"\ncount = 1\nsigns = true\nlies = "{lie}"\n'
    text = GOOD.replace(
        '[[nodes.group]]\nname = "banks"\ncount = 4', f'{liar}[[nodes.group]]\nname = "banks"\ncount = 3'
    )
    return Simulation(Scenario.from_toml(text), 3, ScriptedVerifier())


def _lab(lie: str) -> tuple[Simulation, dict[tuple[int, tuple[int, int, int]], dict[bytes, None]]]:
    """A run, and what the liar (node 1) said of each slot to whom (0: even nodes, 1: odd ones)."""
    simulation = _simulation(lie)
    host = simulation.honest[1]
    said: dict[tuple[int, tuple[int, int, int]], dict[bytes, None]] = {}
    says = host.says
    assert says is not None

    def listen(conn: ConnId, message: Message) -> Message | None:
        heard = says(conn, message)
        if isinstance(heard, VoteMessage | ProposalMessage) and _is_own(host, heard):
            side = host.links[conn].other.host.index % 2
            assert heard.signed.holds(simulation.world.network.network_id)
            said.setdefault((side, heard.signed.vote.slot), {})[heard.signed.vote.block] = None
        return heard

    host.says = listen
    simulation.set_up(lambda progress: None)
    rest = [host for host in simulation.honest if host.index != 1]
    assert simulation.world.wait(600 * SECOND_US, lambda: all(host.height >= 6 for host in rest))
    return simulation, said


def _is_own(host: Host, message: VoteMessage | ProposalMessage) -> bool:
    return host.signer is not None and message.signed.member in host.signer.members


def test_who_equivocates_signs_two_things_for_a_slot_and_the_others_decide() -> None:
    _, said = _lab("equivocates")
    slots = [slot for side, slot in said if side == 0 and (1, slot) in said]
    kinds = {slot[2] for slot in slots if list(said[0, slot]) != list(said[1, slot])}
    assert kinds == {1, 2, 3}


def test_who_equivocates_convicts_itself_before_all_also_before_who_was_away() -> None:
    simulation = _simulation("equivocates")
    world, (away, liar, *rest) = simulation.world, simulation.honest
    simulation.set_up(lambda progress: None)
    world.stop(away, "switched off")
    accused = public(liar.signing_keys[0])
    assert world.wait(600 * SECOND_US, lambda: all(_has_evidence(host, accused) for host in rest))
    world.wait(60 * SECOND_US, lambda: False)
    world.restart(away)
    assert world.wait(600 * SECOND_US, lambda: _has_evidence(away, accused))
    for host in (away, *rest):
        found = host.node.view.evidence.state.all
        assert len(found) <= SIGNED_RECORDS_PER_SIGNER_MAX
        assert {one.accused for one in found} == {accused}
        world.restart(host)
        assert _has_evidence(host, accused) and "evidence" in str(host.node.view.evidence.warnings())


def _has_evidence(host: Host, accused: bytes) -> bool:
    return any(one.accused == accused for one in host.node.view.evidence.state.all)


@pytest.mark.parametrize(("lie", "sides"), [("withholds", {0}), ("silent", set())])
def test_who_says_nothing_is_heard_by_half_or_by_nobody(lie: str, sides: set[int]) -> None:
    _, said = _lab(lie)
    assert {side for side, _ in said} == sides
