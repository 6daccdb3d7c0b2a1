"""What is read of records: pages, places, and that an unknown kind says which there are."""

from types import SimpleNamespace

import pytest
from tests.unit.records.world import ALICE, BOB, DAVE, GROUP, NOW, record_of, signer_of, store_of

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.queries import records
from minicoin.core.queries.records import RecordQueries, is_signed_together, parse_signer, read_report, signer_text


@pytest.fixture
def queries() -> RecordQueries:
    store = store_of(DAVE)
    for number in range(5):
        store.take(record_of(ALICE, key=str(number), version=NOW + number), GROUP, NOW)
    store.take(record_of(ALICE, BOB, kind="config", key="x", value=b"y"), GROUP, NOW)
    return RecordQueries(SimpleNamespace(records=store))


def test_all_kinds_one_kind_and_pages(queries) -> None:
    assert queries.is_on
    assert (queries.count(), queries.count("status"), queries.count("alert")) == (6, 5, 0)
    assert [one.key for one in queries.listing("status", 2, 1)] == ["1", "2"]
    assert [one.kind for one in queries.listing("", 100, 4)] == ["status", "config"]


def test_a_page_has_an_end(queries, monkeypatch) -> None:
    monkeypatch.setattr(records, "QUERY_PAGE_RECORDS_MAX", 3)
    assert len(queries.listing("", 100)) == 3


def test_one_place(queries) -> None:
    found = queries.find("status", signer_of(ALICE), "3")
    assert (found.version, found.value, found.signers) == (NOW + 3, b"here", (signer_of(ALICE),))
    assert queries.find("status", signer_of(BOB), "3") is None
    assert queries.find("config", b"", "x").value == b"y"


def test_an_unknown_kind_says_which_there_are(queries) -> None:
    for ask in (
        lambda: queries.count("news"),
        lambda: queries.listing("news", 1),
        lambda: is_signed_together("news"),
        # All kinds at once have no signer.
        lambda: is_signed_together(""),
    ):
        with pytest.raises(
            MisuseError, match="there are status, super, alert, change, settings-change, config, admission"
        ):
            ask()
    assert is_signed_together("config")
    assert not is_signed_together("alert")


def test_signers_are_told_as_what_they_are(queries) -> None:
    member = bytes(range(32))
    for kind, signer, text in (
        ("admission-draft", member, member.hex()),
        ("status", signer_of(ALICE), str(ALICE.peer_id)),
    ):
        assert signer_text(kind, signer) == text
        assert parse_signer(kind, text) == signer
        with pytest.raises(DecodeError):
            parse_signer(kind, "nonsense")
    assert parse_signer("admission", "") == b""


def test_where_no_records_are_exchanged_there_are_none() -> None:
    queries = RecordQueries(SimpleNamespace(records=None))
    assert (queries.is_on, queries.count(), queries.listing("", 10)) == (False, 0, ())
    assert queries.find("status", signer_of(ALICE), "") is None


def test_bytes_of_a_record_are_read_or_refused() -> None:
    assert read_report(record_of(ALICE).encode()).signers == (signer_of(ALICE),)
    with pytest.raises(DecodeError):
        read_report(b"nonsense")
