"""How the members of a consortium get on. Minicoin's own method."""

from minicoin.core.consensus.status import ConsensusStatus
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.params.rules import SignersKind
from minicoin.core.queries.consensus import ConsensusView
from minicoin.core.units import SECOND_US
from minicoin.rpc.errors import MISC_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Call, Category, Method
from minicoin.rpc.shapes import JsonObject

_NOBODY_SIGNS = "no members sign the blocks of this network: it has miners"


async def get_consensus_info(call: Call) -> Json:
    proof = call.port.network.proof
    view = await call.port.query(lambda node: node.consensus.view())
    if view is None or not isinstance(proof, SignersKind):
        raise RpcError(MISC_ERROR, _NOBODY_SIGNS)
    names = dict(zip(view.members.keys, view.names, strict=True))
    evidence = await call.port.query(lambda node: node.evidence.listing())
    shape = _members(view, names) | {"evidence": len(evidence or ()), "audit": _audit(call)}
    return shape if view.status is None else shape | _rounds(view.status, names)


def _audit(call: Call) -> Json:
    audit = call.port.audit()
    if audit is None:
        return None
    return {
        "directory": audit.directory,
        "entries": audit.entries,
        "head": audit.head.hex(),
        "trouble": audit.trouble or None,
    }


def _members(view: ConsensusView, names: dict[bytes, str]) -> JsonObject:
    members = view.members
    return {
        "height": view.height,
        "members": [{"name": names.get(key, ""), "key": key.hex()} for key in members.keys],
        "quorum": members.quorum,
        "faults_tolerated": members.faults,
        "signs": view.status is not None and not view.status.abstains_because,
    }


def _rounds(status: ConsensusStatus, names: dict[bytes, str]) -> JsonObject:
    members: list[Json] = [
        {
            "name": names.get(member.key, ""),
            "key": member.key.hex(),
            "here": member.is_connected,
            "own": member.is_own,
            "last_heard": None if member.heard_at is None else member.heard_at // SECOND_US,
            "round": member.round,
        }
        for member in status.presence
    ]
    lock: Json = None
    if status.lock is not None:
        lock = {"round": status.lock[0], "block": hash_to_hex(status.lock[1])}
    return {
        "round": status.round,
        "step": status.step.name.lower(),
        "proposer": {"name": names.get(status.proposer, ""), "key": status.proposer.hex()},
        "members": members,
        "here": status.present,
        "has_quorum": status.has_quorum,
        "one_more_failure_halts": status.one_more_halts,
        "lock": lock,
        "abstains": status.abstains_because or None,
        "warnings": list(status.warnings()),
    }


METHODS = (
    Method(
        "getconsensusinfo",
        Category.NETWORK,
        "Where members sign the blocks: who signs the next one, which round they are in, who is here, and what keeps a "
        "block from being made.",
        "An object: height, quorum, faults_tolerated, signs, evidence (pieces of it: getevidence), "
        "audit (the log: directory, entries, head (hash of the last), trouble), "
        "members (name, key; at a member's node also here, own, "
        "last_heard, and the round it reached), and at a member's node round, step, proposer, here, has_quorum, "
        "one_more_failure_halts, lock, abstains (why), warnings.",
        get_consensus_info,
    ),
)
