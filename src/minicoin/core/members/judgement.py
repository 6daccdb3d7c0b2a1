"""What a change of members would come to, for those who are asked to approve it. Policy: it makes no block invalid.

The list after the change must keep a quorum among members that were heard a short while ago, or the chain would stand
still from its height on. A key that is new has not been heard: it counts as silent, for nobody knows whether its node
runs.
"""

from collections.abc import Callable, Iterable

from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.votes import is_public_key


def key_problem(members: MemberList, names: Iterable[str], before: MemberList) -> str | None:
    """Which new member could never sign, for what it is to sign with is no key; None where each could."""
    for key, name in zip(members.keys, names, strict=True):
        if key not in before and not is_public_key(key):
            return f"{key.hex()} is no public key, and nobody could sign with it: have {name} tell its key again"
    return None


def halting_problem(change: MemberChange, is_heard: Callable[[bytes], bool]) -> str | None:
    """Why the chain would stand still under the new list; None where it would not."""
    heard = sum(map(is_heard, change.members.keys))
    quorum = change.members.quorum
    if heard >= quorum:
        return None
    return (
        f"from height {change.from_height} on {quorum} of {len(change.members)} members must sign, "
        f"and only {heard} of them were heard in the last minute: the chain would stand still"
    )


def warnings(change: MemberChange, before: MemberList, is_heard: Callable[[bytes], bool]) -> tuple[str, ...]:
    """What whoever signs should know."""
    told: list[str] = []
    gone = [key for key in before.keys if key not in change.members]
    if gone:
        told.append(f"whoever is removed signs and counts until height {change.from_height}")
        staying = sum(1 for key in before.keys if key not in gone and is_heard(key))
        if staying == before.quorum:
            told.append(f"without whoever is removed the rest is exactly a quorum of {before.quorum} until then")
        elif staying < before.quorum:
            told.append(
                f"until then a block takes {before.quorum}, and of those who stay {staying} were heard in the last "
                "minute: without whoever is removed the chain would stand still"
            )
    heard = sum(map(is_heard, change.members.keys))
    if heard == change.members.quorum:
        told.append(f"of the new list {heard} members were heard, exactly a quorum: one more failure would halt it")
    if not change.members.faults:
        told.append(f"a list of {len(change.members)} tolerates no member that lies")
    if not change.members.spare:
        told.append(f"a list of {len(change.members)} makes no block while one of them is down")
    return tuple(told)
