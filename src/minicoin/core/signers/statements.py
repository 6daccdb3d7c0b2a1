"""What members sign beside votes: statements, each kind under a tag of its own, so that none is taken for another."""

from enum import StrEnum

from minicoin.core.crypto.hashing import tagged_hash
from minicoin.core.signers.admission import ADMISSION_TAG
from minicoin.core.signers.changes import MEMBER_CHANGE_TAG
from minicoin.core.signers.recovery import RECOVERY_TAG
from minicoin.core.signers.settings import CONFIGURATION_TAG, SETTINGS_CHANGE_TAG


class StatementKind(StrEnum):
    """By its tag."""

    ADMISSION = ADMISSION_TAG
    MEMBER_CHANGE = MEMBER_CHANGE_TAG
    RECOVERY = RECOVERY_TAG
    SETTINGS_CHANGE = SETTINGS_CHANGE_TAG
    CONFIGURATION = CONFIGURATION_TAG

    def digest(self, network_id: bytes, body: bytes) -> bytes:
        """What a signature of a member is made over."""
        return tagged_hash(self.value, network_id + body)
