"""The versions a node went by, and what of them the disk brings back; admission and configuration stand on it."""

import pytest
from tests.unit.configuration.bank import NETWORK_ID, configuration
from tests.unit.signers.banks import KEYS

from minicoin.core.configuration.form import CONFIGURATION_FORM, new_configuration
from minicoin.core.faults import DecodeError
from minicoin.core.limits import STATEMENT_DOCUMENT_BYTES_MAX, STATEMENT_HISTORY_MAX


def signed(record):
    for key in KEYS[:4]:
        record = record.signed_by(key, NETWORK_ID)
    return record


def test_versions_and_heights_never_fall() -> None:
    state = new_configuration()
    assert state.take(configuration(3, 9, mempool_mb=50))
    assert not state.take(configuration(3, 9, mempool_mb=60))
    assert not state.take(configuration(2, 9)) and not state.take(configuration(4, 8))
    assert state.take(configuration(4, 9))
    assert [one.version for one in state.history] == [0, 3, 4]


def test_of_many_versions_the_last_are_remembered() -> None:
    state = new_configuration()
    for version in range(1, STATEMENT_HISTORY_MAX + 5):
        state.take(configuration(version, 3))
    assert len(state.history) == STATEMENT_HISTORY_MAX and state.history[-1] is state.current


def test_a_second_content_is_news_once() -> None:
    state = new_configuration()
    state.take(signed(configuration(1, 3, mempool_mb=50)))
    other = signed(configuration(1, 3, mempool_mb=60))
    assert not state.note_split(signed(configuration(1, 3, mempool_mb=50)))
    assert state.note_split(other) and not state.note_split(other)
    assert not state.note_split(configuration(7, 3))


def test_a_form_reads_back_what_it_makes_a_record_of() -> None:
    record = signed(configuration(1, 3, mempool_mb=50))
    assert CONFIGURATION_FORM.read(CONFIGURATION_FORM.record(record)) == record
    one = configuration(1, 3).signed_by(KEYS[0], NETWORK_ID)
    assert CONFIGURATION_FORM.read(CONFIGURATION_FORM.draft(one)) == one


def test_a_document_is_read_whole_or_not_at_all() -> None:
    state = new_configuration()
    state.take(signed(configuration(1, 3, mempool_mb=50)))
    before = state.to_bytes(NETWORK_ID)
    for broken in (before[:-1], bytes(STATEMENT_DOCUMENT_BYTES_MAX + 1), before[:40] + b"x" + before[41:]):
        with pytest.raises(DecodeError):
            state.restore(broken, NETWORK_ID)
        assert state.to_bytes(NETWORK_ID) == before
