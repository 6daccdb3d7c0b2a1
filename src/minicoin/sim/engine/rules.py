"""The network of a scenario: minicoin's regtest rules with the scenario's times and money."""

from dataclasses import replace

from minicoin.core.limits import BOOK_SAVE_EVERY_US
from minicoin.core.overlay.forms import find_form
from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.network import Network
from minicoin.core.params.rules import Retarget, RetargetKind, SignersKind
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.sim.scenario.schema import Scenario
from minicoin.world.costs import WorkCosts

Allocation = tuple[tuple[bytes, int], ...]
"""(script, satoshi)."""

_US_PER_MS = 1_000
SEED_NAME = "seed.sim"


def network_of(scenario: Scenario, members: tuple[bytes, ...] = (), granted: Allocation = ()) -> Network:
    """Every node of the scenario follows these rules; work is trivial, since time is the simulator's. `members` are the
    keys that sign the blocks, none where they are mined; block 1 pays them what is granted."""
    rules = scenario.network
    model = find_form(rules.overlay)
    network = replace(
        REGTEST,
        name="simulation",
        spacing_s=max(1, round(rules.spacing_s)),
        coinbase_maturity=rules.coinbase_maturity,
        subsidy_sat=rules.subsidy_sat,
        ping_after_s=max(1, round(rules.ping_after_s)),
        drop_after_s=max(1, round(rules.drop_after_s)),
        overlay=rules.overlay,
        overlay_settings=model.check(rules.overlay_settings),
        own_messages=rules.own_messages or model.needs_messages,
        dns_seeds=(SEED_NAME,) if scenario.topology.source == "addrman" else (),
    )
    return _signed(network, scenario, members, granted) if members else network


def _signed(network: Network, scenario: Scenario, members: tuple[bytes, ...], granted: Allocation) -> Network:
    names = tuple(f"Member {place}" for place in range(len(members)))
    empty_after_s = max(1, round(scenario.network.spacing_s))
    proof = SignersKind(tuple(sorted(members)), names, allocation=granted, empty_after_s=empty_after_s)
    retarget = Retarget(RetargetKind.NONE)
    signed = replace(network, proof=proof, retarget=retarget, subsidy_sat=0, own_messages=True)
    # What is final can be spent at once.
    return replace(signed, coinbase_maturity=1) if granted else signed


def policy_of(
    scenario: Scenario, own: NodeAddress, peers: tuple[NodeAddress, ...], inbound: int, role: str = ""
) -> NodePolicy:
    """How the node at `own` behaves that dials `peers` and is dialled by `inbound` others, or looks for peers by
    itself; `role` is what it is in the network model."""
    rules, topology = scenario.network, scenario.topology
    searches = topology.source == "addrman"
    return NodePolicy(
        overlay_role=role,
        connect=peers or None,
        use_dns_seeds=searches,
        # Nodes of a given topology need no addresses, so they tell none.
        listens=searches,
        gossips=searches and topology.tells_addresses,
        # Who hears no addresses would not hear of its own either.
        external_address=own if searches and not topology.tells_addresses else None,
        outbound_slots=topology.outbound if searches else 0,
        # A drawn topology is what the scenario asks for, so its links always have room.
        inbound_slots=max(topology.max_inbound, inbound),
        inbound_trickle_us=round((rules.inbound_trickle_ms or 0) * _US_PER_MS),
        outbound_trickle_us=round((rules.outbound_trickle_ms or 0) * _US_PER_MS),
        # What a crash leaves of a book is what it left in every result so far.
        book_save_after_us=BOOK_SAVE_EVERY_US,
    )


def costs_of(scenario: Scenario) -> WorkCosts:
    """What verification costs."""
    verification = scenario.verification
    return WorkCosts(
        block_base_us=round(verification.block_base_ms * _US_PER_MS),
        block_us_per_mb=round(verification.block_us_per_kb * 1_000),
        transaction_us=round(verification.tx_us),
    )
