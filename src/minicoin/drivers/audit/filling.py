"""What of a node's life is not in its log: what a crash took from the end, or came while the log was not written.

The chain, the documents and the sign state have it. What cannot be known any more is told to be so.
"""

from collections.abc import Iterable, Sequence

from minicoin.core.consensus.sign_state import SignState
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.limits import AUDIT_HEIGHTS_FILLED_MAX
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.signers.votes import NIL, Vote, VoteKind
from minicoin.core.units import Micros
from minicoin.core.view import NodeView
from minicoin.drivers.audit.entry import AuditDraft, EntryKind, Fields
from minicoin.drivers.audit.standing import LogStanding
from minicoin.drivers.audit.telling import (
    admission_fields,
    configuration_fields,
    evidence_fields,
    members_draft,
    settings_fields,
    vote_fields,
)


def founding_fields(network: Network) -> Fields:
    """What the first entry of a log says: all that later ones change."""
    kind = network.proof
    assert isinstance(kind, SignersKind)
    return {
        "admission": kind.admission.hex(),
        "id": network.network_id.hex(),
        "members": [[name, key.hex()] for name, key in zip(kind.names, kind.members, strict=True)],
        "name": network.name,
        "settings": {
            "empty_after_s": str(kind.empty_after_s),
            "min_interval_s": str(kind.min_interval_s),
            "precommit_timeout_ms": str(kind.precommit_timeout_ms),
            "prevote_timeout_ms": str(kind.prevote_timeout_ms),
            "propose_timeout_ms": str(kind.propose_timeout_ms),
            "timeout_step_ms": str(kind.timeout_step_ms),
        },
    }


def missing(standing: LogStanding, view: NodeView, states: Sequence[SignState], now: Micros) -> list[AuditDraft]:
    """What is to be filled in behind an entry with this standing, lowest height first for each kind."""
    found = [
        *_changes(standing, view, now),
        *_records(standing, view, now),
        *_promises(standing, states, now),
        *([] if not states else _votes(standing, view, states, now)),
    ]
    return [AuditDraft(one.time, one.height, one.kind, {**one.fields, "filled": True}) for one in found]


def _changes(standing: LogStanding, view: NodeView, now: Micros) -> Iterable[AuditDraft]:
    signers = view.tree.signers
    assert signers is not None
    for carried in signers.carried.members.carried():
        draft = members_draft(now, carried.height, carried.block, carried.change)
        if not standing.has(draft):
            yield draft
    for one in signers.carried.settings.carried():
        change = one.change
        if change.version > standing.settings:
            keys = tuple(key for key, _ in change.signatures)
            fields = settings_fields(change.version, change.from_height, change.settings, keys)
            yield AuditDraft(now, one.height, EntryKind.SETTINGS, fields)


def _records(standing: LogStanding, view: NodeView, now: Micros) -> Iterable[AuditDraft]:
    if view.admission is not None:
        for record in view.admission.state.history:
            if record.version > standing.admission:
                # When this node took it up is not known: its signers did at this height, or a little later.
                yield AuditDraft(now, record.height, EntryKind.ADMISSION, admission_fields(record))
    if view.configuration is not None:
        for one in view.configuration.state.history:
            if one.version > standing.configuration:
                keys = tuple(key for key, _ in one.signatures)
                fields = configuration_fields(one.version, one.height, one.settings, keys)
                yield AuditDraft(now, one.height, EntryKind.CONFIGURATION, fields)
    if view.evidence is not None:
        for evidence in view.evidence.state.all[standing.evidence :]:
            yield AuditDraft(now, evidence.height, EntryKind.EVIDENCE, evidence_fields(evidence))


def _promises(standing: LogStanding, states: Sequence[SignState], now: Micros) -> Iterable[AuditDraft]:
    """That our member signed a recovery stands in its sign state before the signature leaves."""
    for state in states:
        promise = state.promise
        if promise is not None and promise.height not in standing.promised:
            fields = {"member": state.member.hex(), "subject": promise.subject.hex()}
            yield AuditDraft(now, promise.height, EntryKind.RECOVERY_SIGNED, fields)


def _votes(standing: LogStanding, view: NodeView, states: Sequence[SignState], now: Micros) -> Iterable[AuditDraft]:
    height = max(state.height for state in states)
    # Who stopped in order may have written down a vote that was not signed any more.
    if standing.network and height > standing.votes_height + standing.is_stopped:
        yield from _between(standing, view, states, height, now)
    for state in sorted(states, key=lambda one: one.height):
        for vote in state.votes:
            if not _is_in(vote, standing):
                yield AuditDraft(now, vote.height, EntryKind.VOTE, vote_fields(state.member, vote))


def _between(
    standing: LogStanding, view: NodeView, states: Sequence[SignState], height: int, now: Micros
) -> Iterable[AuditDraft]:
    """Heights that are over: of our votes only those precommits can be shown that stand in certificates."""
    signers = view.tree.signers
    assert signers is not None
    first = max(standing.votes_height, 1)
    yield AuditDraft(now, height, EntryKind.GAP, {"from": first, "to": height - 1})
    last = min(height - 1, signers.finalized)
    for one in range(max(first, last + 1 - AUDIT_HEIGHTS_FILLED_MAX), last + 1):
        certificate = signers.kept_at(one).certificate
        signed = certificate.signers(signers.members_at(one))
        for state in states:
            if state.member in signed and not _is_in(certificate.vote, standing):
                yield AuditDraft(now, one, EntryKind.VOTE, vote_fields(state.member, certificate.vote))


def _is_in(vote: Vote, standing: LogStanding) -> bool:
    told = vote.round, VoteKind(vote.kind).name.lower(), "" if vote.block == NIL else hash_to_hex(vote.block)
    return vote.height < standing.votes_height or (vote.height == standing.votes_height and told in standing.votes)
