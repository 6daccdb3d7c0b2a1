"""The members of a scenario: their keys, and the records of what these signed, on their hosts' disks."""

from coincurve import PrivateKey

from minicoin.core.consensus.desk import SIGN_STATE_KEY
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.rng import Rng
from minicoin.sim.attackers.lying_signer import LyingSigner
from minicoin.sim.scenario.groups import groups_by_node
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.signers import member_indices
from minicoin.world.world import World

_SECRET_BYTES = 32


class Signers:
    """Of one run; nobody where blocks are mined."""

    def __init__(self, scenario: Scenario, rng: Rng) -> None:
        self._groups = groups_by_node(scenario.nodes)
        indices = member_indices(scenario)
        self._keys = {index: PrivateKey(rng.stream(f"signing key {index}").bytes(_SECRET_BYTES)) for index in indices}

    @property
    def members(self) -> tuple[bytes, ...]:
        """Their public keys, by node."""
        return tuple(key.public_key_xonly.format() for key in self._keys.values())

    def settle(self, world: World) -> None:
        """Give each host its key, with the empty record that is made together with a key."""
        for index, key in self._keys.items():
            host, group = world.hosts[index], self._groups[index]
            host.signing_keys = (key,)
            host.disk.documents[SIGN_STATE_KEY] = SignState(key.public_key_xonly.format()).encode()
            if group is not None and group.lies is not None:
                host.says = LyingSigner(group.lies, host, key, world.network.network_id).say
