"""The signing keys of one node, public halves: mostly one, two while a member's key is rolled.

Each height has its list, and of a list the node signs for one member: the first of its keys that stands there. So who
holds the old key and the new one signs on, and nobody restarts at the height from which the new one holds.
"""

from minicoin.core.faults import MisuseError
from minicoin.core.limits import SIGNING_KEYS_MAX
from minicoin.core.signers.members import MemberList


class OwnKeys:
    """In the order of their places in the data directory."""

    def __init__(self, keys: tuple[bytes, ...] = ()) -> None:
        self._keys = keys

    def __contains__(self, key: bytes) -> bool:
        return key in self._keys

    @property
    def all(self) -> tuple[bytes, ...]:
        return self._keys

    def of(self, members: MemberList) -> bytes | None:
        """The one that signs under this list; the first where none does, None where there is none."""
        return next((key for key in self._keys if key in members), next(iter(self._keys), None))

    def add(self, key: bytes) -> None:
        """One more. Raises MisuseError."""
        if key in self._keys:
            raise MisuseError(f"the node holds the key {key.hex()} already")
        if len(self._keys) >= SIGNING_KEYS_MAX:
            raise MisuseError(
                f"a node holds {SIGNING_KEYS_MAX} signing keys at the most: retire one that signs no more"
            )
        self._keys = (*self._keys, key)
