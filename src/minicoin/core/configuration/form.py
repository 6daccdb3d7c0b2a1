"""How the configuration is published, signed and written down."""

from typing import Final

from minicoin.core.drafts.statements import StatementForm, StatementState
from minicoin.core.records.kinds import CONFIGURATION, CONFIGURATION_DRAFT
from minicoin.core.signers.settings import FIRST_CONFIGURATION, SETTINGS_BYTES_MAX, ConfigurationRecord
from minicoin.core.signers.statements import StatementKind

CONFIGURATION_KEY: Final = "configuration"
"""The SaveState key of the document."""

CONFIGURATION_FORM: Final = StatementForm(
    what="the configuration",
    record_kind=CONFIGURATION,
    draft_kind=CONFIGURATION_DRAFT,
    statement=StatementKind.CONFIGURATION,
    decode=ConfigurationRecord.decode,
    decode_body=ConfigurationRecord.decode_body,
    bytes_max=SETTINGS_BYTES_MAX,
    document_key=CONFIGURATION_KEY,
    magic=b"mccf\x01",
)

ConfigurationState = StatementState[ConfigurationRecord]


def new_configuration() -> ConfigurationState:
    """Nothing is set yet."""
    return StatementState(CONFIGURATION_FORM, FIRST_CONFIGURATION)


def read_configuration(raw: bytes, network_id: bytes) -> ConfigurationState:
    """What an earlier run wrote down. Raises DecodeError that says what is wrong."""
    state = new_configuration()
    state.restore(raw, network_id)
    return state
