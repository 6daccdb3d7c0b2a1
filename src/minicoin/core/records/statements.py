"""Records that members sign: their value is a statement, which says its own version and the height whose list signs it.

A member's signature covers the statement and the network, and nothing else of the record. So the rest may not be
anybody's to choose: the record's version is the statement's, its key is empty, and it does not expire.
"""

from typing import Protocol, assert_never

from minicoin.core.records.kinds import KindRow
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.settings import ConfigurationRecord
from minicoin.core.signers.statements import StatementKind


class MemberLists(Protocol):
    """Who signs, by height."""

    def __call__(self, height: int, /) -> MemberList | None:
        """The list of a height; None where it is not known yet, or there is none."""


class Statement(Protocol):
    """What a member signs."""

    @property
    def version(self) -> int: ...
    @property
    def height(self) -> int:
        """Whose list signs it."""


def read_statement(kind: KindRow, value: bytes) -> Statement | None:
    """What the value of a record of this kind states; None where members do not sign it. Raises DecodeError."""
    match kind.statement:
        # The record of a change or a recovery is its publisher's: the members' signatures stand within its value.
        case None | StatementKind.MEMBER_CHANGE | StatementKind.SETTINGS_CHANGE | StatementKind.RECOVERY:
            return None
        case StatementKind.ADMISSION:
            return AdmissionRecord.decode_body(value)
        case StatementKind.CONFIGURATION:
            return ConfigurationRecord.decode_body(value)
        case _:
            assert_never(kind.statement)
