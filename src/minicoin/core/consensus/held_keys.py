"""The signing keys of a node, each with what keeps it from signing and the document of what it signed.

One is current: the one in the list of the height at hand. Each is asked for by itself at the others (core/consensus/
fitness), so that a new key may sign from the first height that is its own.
"""

from collections.abc import Mapping

from minicoin.core.consensus.desk import SIGN_STATE_KEYS
from minicoin.core.consensus.fitness import FitnessCheck
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.faults import MisuseError
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.recovery import NO_RECOVERY


class HeldKeys:
    """Of a node that signs."""

    def __init__(
        self, keys: OwnKeys, members: MemberList, states: Mapping[str, SignState], epoch: bytes = NO_RECOVERY
    ) -> None:
        """`states` are what the documents say, by their names; `epoch` is the hash of the last recovery that is named.
        Raises MisuseError where a state is of another key."""
        self._epoch = epoch
        self._keys = keys
        self._checks: dict[bytes, FitnessCheck] = {}
        self._documents: dict[bytes, str] = {}
        for document, state in states.items():
            if state.member not in keys:
                raise MisuseError(
                    f"the record of what was signed is of the key {state.member.hex()}, and this node would sign with "
                    f"{' and '.join(key.hex() for key in keys.all)}: start it with the key that belongs to its data "
                    "directory"
                )
            self._documents[state.member] = document
            self._checks[state.member] = FitnessCheck(state.member, members, state, epoch)
        for key in keys.all:
            if key not in self._checks:
                self._add(key, members, None)
        self.current = self._checks[keys.all[0]]
        """Of the key that signs the height at hand."""

    @property
    def all(self) -> tuple[bytes, ...]:
        """The keys, in the order in which they are asked for."""
        return self._keys.all

    def __contains__(self, key: bytes) -> bool:
        return key in self._keys

    def check_of(self, key: bytes) -> FitnessCheck:
        """What keeps it from signing."""
        return self._checks[key]

    @property
    def document(self) -> str:
        """Where the current key's record is kept."""
        return self._documents[self.current.state.member]

    def hold(self, key: bytes, members: MemberList, state: SignState | None) -> None:
        """One key more, under the list at hand. Raises MisuseError."""
        if state is not None and state.member != key:
            raise MisuseError(f"the record beside the key {key.hex()} is that of {state.member.hex()}")
        self._keys.add(key)
        self._add(key, members, state)
        self.choose(members)

    def choose(self, members: MemberList) -> None:
        """The height at hand has this list."""
        key = self._keys.of(members)
        assert key is not None, "who holds no key has no part in the votes"
        self.current = self._checks[key]

    def stand_by(self) -> None:
        """Another node signs with them."""
        for check in self._checks.values():
            check.stand_by()

    def take_over(self, sign_from: int | None) -> None:
        """Sign with them from now on, as soon as that is safe; the operator may answer for a height."""
        for check in self._checks.values():
            check.take_over() if sign_from is None else check.override(sign_from)

    def follow(self, members: MemberList) -> None:
        """The list of the height at hand, whose answers count."""
        for check in self._checks.values():
            check.follow(members)

    def on_certified(self, height: int) -> None:
        """A block was certified since the start."""
        for check in self._checks.values():
            check.on_certified(height)

    def _add(self, key: bytes, members: MemberList, state: SignState | None) -> None:
        taken = self._documents.values()
        self._documents[key] = next(document for document in SIGN_STATE_KEYS if document not in taken)
        self._checks[key] = FitnessCheck(key, members, state, self._epoch)
