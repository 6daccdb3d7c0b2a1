"""Settings as members sign them: changes that blocks carry, and configurations that records do."""

from dataclasses import replace

import pytest
from tests.unit.signers.banks import BANKS, KEYS, NETWORK_ID

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.signers.settings import (
    CONFIGURATION_TAG,
    FIRST_CONFIGURATION,
    NONE_BEFORE,
    SETTINGS_CHANGE_TAG,
    ConfigurationRecord,
    SettingsChange,
    configuration_record,
    settings_change,
)

CHANGE = settings_change(1, 20, NONE_BEFORE, [("min_interval_s", "5"), ("later", "is unknown here")])
RECORD = configuration_record(3, 19, b"p" * 32, [("alert", "Wartung um 18 Uhr – bitte"), ("mempool_mb", "50")])


def signed(change, count):
    for key in KEYS[:count]:
        change = change.signed_by(key, NETWORK_ID)
    return change


def test_they_read_back():
    assert SettingsChange.decode(signed(CHANGE, 4).encode()) == signed(CHANGE, 4)
    assert SettingsChange.decode_body(CHANGE.body()) == CHANGE
    assert ConfigurationRecord.decode(signed(RECORD, 4).encode()) == signed(RECORD, 4)
    assert ConfigurationRecord.decode_body(FIRST_CONFIGURATION.body()) == FIRST_CONFIGURATION
    assert settings_change(2, 9, b"p" * 32, []).settings == ()


def test_names_come_in_order_whatever_order_they_were_given_in():
    assert [name for name, _ in CHANGE.settings] == ["later", "min_interval_s"]


def test_a_quorum_changes_settings_and_too_few_do_not():
    assert signed(CHANGE, 4).problem(BANKS, NETWORK_ID) is None
    assert signed(CHANGE, 3).problem(BANKS, NETWORK_ID) == "3 members signed it, and the quorum is 4"
    assert "no member's" in str(signed(CHANGE, 4).problem(BANKS, b"m" * 32))
    assert len(signed(CHANGE, 4).signers(BANKS, NETWORK_ID)) == 4


def test_what_is_signed_for_a_block_is_not_signed_for_a_record():
    assert SETTINGS_CHANGE_TAG != CONFIGURATION_TAG
    same = ConfigurationRecord(CHANGE.version, CHANGE.from_height, CHANGE.previous, CHANGE.settings)
    assert same.body() == CHANGE.body()
    assert same.digest(NETWORK_ID) != CHANGE.digest(NETWORK_ID)
    assert same.hash != CHANGE.hash


def test_signatures_are_no_part_of_the_hash():
    assert signed(CHANGE, 4).hash == CHANGE.hash
    assert replace(CHANGE, from_height=21).hash != CHANGE.hash


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "1"),
        ("Alert", "1"),
        ("a b", "1"),
        ("x" * 33, "1"),
        ("ä", "1"),
        ("a", "x" * 513),
        ("a", "\n"),
        ("a", "\x1b[2J"),
    ],
)
def test_a_setting_that_cannot_be_shown_is_refused(name, value):
    with pytest.raises((MisuseError, UnicodeEncodeError)):
        settings_change(1, 9, NONE_BEFORE, [(name, value)])


def test_too_many_are_refused():
    many = [(f"name_{number}", "v" * 100) for number in range(60)]
    with pytest.raises(MisuseError, match="at most 4096"):
        configuration_record(1, 1, NONE_BEFORE, many)
    with pytest.raises(MisuseError, match="each once"):
        configuration_record(1, 1, NONE_BEFORE, [("a", "1"), ("a", "2")])


def test_broken_bytes_are_refused():
    raw = signed(CHANGE, 4).encode()
    for broken in (b"", raw[:-1], raw + b"\0", raw[:30], raw[:50], b"\xff" * len(raw), bytes(20_000)):
        with pytest.raises(DecodeError):
            SettingsChange.decode(broken)
        with pytest.raises(DecodeError):
            ConfigurationRecord.decode(broken)
    swapped = replace(CHANGE, settings=CHANGE.settings[::-1])
    with pytest.raises(DecodeError, match="in order"):
        SettingsChange.decode(swapped.encode())


def test_version_0_sets_nothing_and_is_signed_by_nobody():
    with pytest.raises(DecodeError, match="version 0"):
        SettingsChange.decode(replace(CHANGE, version=0).encode())
    for wrong in (replace(RECORD, version=0), signed(FIRST_CONFIGURATION, 1), replace(FIRST_CONFIGURATION, height=1)):
        with pytest.raises(DecodeError, match="version 0"):
            ConfigurationRecord.decode(wrong.encode())
    with pytest.raises(DecodeError, match="genesis"):
        ConfigurationRecord.decode(replace(RECORD, height=0).encode())
