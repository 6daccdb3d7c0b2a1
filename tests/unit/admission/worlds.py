"""Two banks with nodes in a simulated world, of which both must sign, and one bank that looks on."""

from dataclasses import replace

from minicoin.core.consensus.desk import SIGN_STATE_KEY
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.params.rules import SignersKind
from minicoin.core.policy.node import NodePolicy
from minicoin.core.signers.admission import AdmissionRow, AdmittedRole, first_admission
from minicoin.core.units import SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.testing.certified_chain import public, signer_network, signing_keys
from minicoin.world.host import Host
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World

KEYS = signing_keys(2)


def banks_world(seed: bytes, *, makes_blocks: bool = False) -> tuple[World, list[Host]]:
    """Connected."""
    settings = WorldSettings(seed, encodes=True, has_peer_ids=True)
    plain = signer_network(KEYS)
    known = World(plain, KernelVerifier(1), uniform(20_000), settings)
    ids = [known.add_host().address.peer_id for _ in range(3)]
    rows = [
        AdmissionRow(f"Bank {number}", AdmittedRole.SIGNER, public(key), (ids[number],))
        for number, key in enumerate(KEYS)
    ]
    rows.append(AdmissionRow("Auditor", AdmittedRole.OBSERVER, None, (ids[2],)))
    assert isinstance(plain.proof, SignersKind)
    network = replace(plain, proof=replace(plain.proof, admission=first_admission(rows).encode()))
    world = World(network, KernelVerifier(1), uniform(20_000), settings)

    def give_key(host: Host) -> None:
        host.signing_keys = KEYS[host.index : host.index + 1]
        if makes_blocks and host.signing_keys:
            host.disk.documents.setdefault(SIGN_STATE_KEY, SignState(public(host.signing_keys[0])).encode())

    world.start_hooks.append(give_key)
    one = world.add_node("one")
    other = world.add_node("other", NodePolicy(add_nodes=(one.address,)))
    assert world.wait(30 * SECOND_US, lambda: any(session.is_ready for session in one.node.view.sessions.values()))
    world.wait(5 * SECOND_US, lambda: False)
    return world, [one, other]
