"""Scenarios in which members sign the blocks: who they are, and which keys do not go with that."""

from minicoin.core.limits import MEMBERS_MAX
from minicoin.sim.scenario.form import ScenarioForm
from minicoin.sim.scenario.groups import groups_by_node
from minicoin.sim.scenario.problems import KeyProblem

_NEEDS_SIGNERS = "is read with network.proof = 'signers' only"


def member_indices(form: ScenarioForm) -> tuple[int, ...]:
    """The nodes that sign; none where blocks stand on work."""
    groups = groups_by_node(form.nodes)
    return tuple(node for node, group in enumerate(groups) if group is not None and group.signs)


def check_signers(form: ScenarioForm) -> None:
    """Raises KeyProblem for the first thing that does not fit."""
    if form.network.proof == "work":
        for place, group in enumerate(form.nodes.group):
            if group.signs or group.lies is not None:
                raise KeyProblem(f"nodes.group[{place}].{'signs' if group.signs else 'lies'}", _NEEDS_SIGNERS)
        return
    members = len(member_indices(form))
    if not 1 <= members <= MEMBERS_MAX:
        raise KeyProblem("network.proof", f"needs 1 to {MEMBERS_MAX} nodes in groups with signs = true, not {members}")
    for place, group in enumerate(form.nodes.group):
        if group.lies is not None and not group.signs:
            raise KeyProblem(f"nodes.group[{place}].lies", "is about signing: set signs = true")
    if form.links.transport == "plain":
        raise KeyProblem("links.transport", "members know each other by peer id: use 'named' or 'libp2p'")
    if form.mining.model_fields_set - {"duration_s", "settle_s"} or form.mining.duration_s is None:
        raise KeyProblem("mining.duration_s", "nobody mines where members sign: give this, and settle_s at most")
    if form.network.block_bytes:
        raise KeyProblem("network.block_bytes", "is what miners pad blocks to, and nobody mines where members sign")
    if form.attacker:
        raise KeyProblem("attacker", "is for networks that are mined: members that lie are nodes.group.lies")
