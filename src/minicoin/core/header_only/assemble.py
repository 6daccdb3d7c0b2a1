"""Builds a header-only node from network, policy, restored state and seed, of the same parts as a full one's."""

from minicoin.core.header_only.node import HeaderOnlyNode
from minicoin.core.inventory.ledger_view import headers_view
from minicoin.core.libp2p.identity import Identity
from minicoin.core.node.assemble import NodeState, load_tree, make_addressee, make_common, make_model, session_policy
from minicoin.core.overlay.contract import MakeOverlay
from minicoin.core.params.network import Network
from minicoin.core.policy.node import NodePolicy
from minicoin.core.policy.roles import require_role
from minicoin.core.rng import Rng
from minicoin.core.units import Micros


def assemble_header_only(
    network: Network,
    policy: NodePolicy,
    state: NodeState,
    rng: Rng,
    now: Micros,
    *,
    identity: Identity | None = None,
    overlay: MakeOverlay | None = None,
) -> HeaderOnlyNode:
    """A node that follows headers and has done nothing yet. Of `state` it takes headers and documents; `overlay` as in
    assemble_node. Raises DocumentDamaged, and MisuseError for a role that keeps blocks."""
    require_role(policy.role, keeps_blocks=False)
    tree = load_tree(network, state)
    tree.set_tip(tree.best_header.hash)
    common = make_common(network, policy, state.documents, tree, identity, rng=rng, now=now)
    model = make_model(common, state.documents, headers_view(tree), identity, rng=rng, overlay=overlay)
    session = session_policy(network, policy, relays_transactions=False)
    return HeaderOnlyNode(common, model, session, now, make_addressee(network, state.documents, identity))
