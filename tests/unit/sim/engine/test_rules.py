"""A scenario's rules in the words of the node: network, policy and costs of work."""

from tests.unit.sim.engine.runs import SMALL, scenario_of

from minicoin.core.params.builtin import REGTEST
from minicoin.sim.engine.rules import SEED_NAME, costs_of, network_of, policy_of
from minicoin.world.costs import WorkCosts
from minicoin.world.world import host_address

OWN, *PEERS = (host_address(index) for index in range(3))


def test_the_network_has_the_scenarios_times_and_money() -> None:
    network = network_of(
        scenario_of(SMALL, "network.spacing_s=15.0", "network.coinbase_maturity=7", "network.subsidy_sat=1000")
    )
    assert (network.spacing_s, network.coinbase_maturity, network.subsidy_sat) == (15, 7, 1_000)
    assert network.pow_limit == REGTEST.pow_limit
    assert network.dns_seeds == ()


def test_a_spacing_below_a_second_is_one_to_the_rules() -> None:
    assert network_of(scenario_of(SMALL, "network.spacing_s=0.2")).spacing_s == 1


def test_nodes_of_a_drawn_topology_dial_their_peers_and_nobody_else() -> None:
    policy = policy_of(scenario_of(), OWN, tuple(PEERS), 3)
    assert policy.connect == tuple(PEERS)
    assert (policy.outbound_slots, policy.use_dns_seeds, policy.listens) == (0, False, False)
    assert policy.inbound_slots >= 3


def test_nodes_that_find_each_other_ask_the_seed() -> None:
    scenario = scenario_of(SMALL.replace("outbound = 2", 'source = "addrman"\noutbound = 5'))
    assert network_of(scenario).dns_seeds == (SEED_NAME,)
    policy = policy_of(scenario, OWN, (), 0)
    assert (policy.outbound_slots, policy.use_dns_seeds, policy.listens) == (5, True, True)


def test_who_tells_no_addresses_knows_its_own() -> None:
    scenario = scenario_of(SMALL.replace("outbound = 2", 'source = "addrman"'), "topology.tells_addresses=false")
    policy = policy_of(scenario, OWN, (), 0)
    assert (policy.gossips, policy.external_address) == (False, OWN)
    assert policy_of(scenario.override("topology.tells_addresses=true"), OWN, (), 0).external_address is None


def test_costs_are_by_block_by_byte_and_by_payment() -> None:
    costs = costs_of(
        scenario_of(
            SMALL, "verification.block_base_ms=3.0", "verification.block_us_per_kb=250.0", "verification.tx_us=7.0"
        )
    )
    assert costs == WorkCosts(block_base_us=3_000, block_us_per_mb=250_000, transaction_us=7)
    assert costs.block(1_000_000) == 3_000 + 250_000
    assert costs.block(0) == 3_000
