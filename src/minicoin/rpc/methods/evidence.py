"""Evidence against members. Minicoin's own methods."""

from minicoin.core.answers import NO_MEMBERS
from minicoin.core.commands import AcknowledgeEvidence
from minicoin.core.limits import EVIDENCE_MAX
from minicoin.core.queries.evidence import EvidenceReport
from minicoin.core.signers.evidence import Evidence, TwoAdmissions, TwoCertificates, TwoConfigurations, TwoVotes
from minicoin.rpc.errors import MISC_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method
from minicoin.rpc.shapes import JsonObject


async def get_evidence(call: Call) -> Json:
    found = await call.port.query(lambda node: node.evidence.listing())
    if found is None:
        raise RpcError(MISC_ERROR, NO_MEMBERS)
    shown: list[Json] = [_shape(one) for one in found]
    return shown


async def acknowledge_evidence(call: Call) -> Json:
    await call.port.command(AcknowledgeEvidence(call.positive("count", 1, EVIDENCE_MAX)))
    return None


def _shape(report: EvidenceReport) -> JsonObject:
    evidence = report.evidence
    member: Json = {"name": report.name, "key": evidence.accused.hex()} if evidence.accused else None
    return {
        "kind": _kind(evidence),
        "member": member,
        "height": evidence.height,
        "says": evidence.text,
        "seen": report.is_seen,
        "hex": evidence.encode().hex(),
    }


def _kind(evidence: Evidence) -> str:
    names = {
        TwoVotes: "votes",
        TwoCertificates: "certificates",
        TwoAdmissions: "admissions",
        TwoConfigurations: "configurations",
    }
    return names[type(evidence)]


METHODS = (
    Method(
        "getevidence",
        Category.MEMBERS,
        "What proves that members lied, or that a key is used in two places, as this node came to know it. Anybody who "
        "knows the member lists can check `hex`.",
        "An array of objects: kind (votes, certificates, admissions, configurations), member (name, key; null for two "
        "certificates), height, says, seen, hex.",
        get_evidence,
        (),
    ),
    Method(
        "acknowledgeevidence",
        Category.MEMBERS,
        "Say that an operator has seen the first so many pieces of evidence: they stay, and the node warns no more.",
        "Null, once that is on disk.",
        acknowledge_evidence,
        (Argument("count", Kind.INTEGER, "As many as getevidence showed."),),
    ),
)
