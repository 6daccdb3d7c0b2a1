"""What the disk keeps of the configuration."""

import pytest
from tests.unit.configuration.bank import NETWORK_ID, configuration
from tests.unit.signers.banks import KEYS

from minicoin.core.configuration.form import new_configuration, read_configuration
from minicoin.core.faults import DecodeError


def test_the_disk_brings_it_back():
    state = new_configuration()
    record = configuration(2, 4, mempool_mb=50, later="unknown")
    for key in KEYS[:4]:
        record = record.signed_by(key, NETWORK_ID)
    assert state.take(record)
    state.signed = configuration(3, 4)
    again = read_configuration(state.to_bytes(NETWORK_ID), NETWORK_ID)
    assert (again.current, again.signed) == (record, configuration(3, 4))
    assert read_configuration(new_configuration().to_bytes(NETWORK_ID), NETWORK_ID).current.version == 0


def test_damage_is_seen():
    raw = new_configuration().to_bytes(NETWORK_ID)
    for broken in (b"", raw[:-1], raw[:20], b"\0" + raw[1:]):
        with pytest.raises(DecodeError, match="the configuration"):
            read_configuration(broken, NETWORK_ID)
    with pytest.raises(DecodeError, match="another network"):
        read_configuration(raw, b"o" * 32)
