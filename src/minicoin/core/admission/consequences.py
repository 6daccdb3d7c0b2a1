"""What a draft of an admission would mean, in sentences, for whoever is to sign it."""

from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.members import MemberList


def consequences(current: AdmissionRecord, draft: AdmissionRecord, members: MemberList) -> tuple[str, ...]:
    """With the members as they are now. None of it makes a draft invalid."""
    names = {row.key: row.name for row in current.rows if row.key is not None}
    signing = {row.key: row.name for row in draft.rows if row.key is not None}
    found = [
        f"{names[key]} is left out and stays a member: it counts in the {len(members)} until the height from which a "
        "change of members takes it out"
        for key in members.keys
        if key in names and key not in signing
    ]
    rest = sum(key in signing for key in members.keys)
    was = sum(key in names for key in members.keys)
    if rest < members.quorum and rest < was:
        found.append(
            f"only {rest} of {len(members)} members could connect, and a block needs {members.quorum}: none would come"
        )
    elif rest == members.quorum and rest < was:
        found.append(f"the {rest} members that could connect are exactly a quorum: one more failure halts the chain")
    found += [
        f"{name} is let in as a signer, and its key is no member's yet: its votes count once a change of members has it"
        for key, name in signing.items()
        if key not in members and key not in names
    ]
    return tuple(found)


def changed_names(current: AdmissionRecord, later: AdmissionRecord) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the banks that are let in, those that are left out) by a later version."""
    before, after = _names(current), _names(later)
    return tuple(name for name in after if name not in before), tuple(name for name in before if name not in after)


def _names(record: AdmissionRecord) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.name for row in record.rows))
