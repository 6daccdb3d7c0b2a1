"""What is read of admission."""

from types import SimpleNamespace

from tests.unit.admission.bank import Bank, draft_of, made
from tests.unit.signers.banks import DRAFT, FIRST

from minicoin.core.queries.admission import AdmissionQueries


def test_drafts_come_with_what_they_would_mean() -> None:
    bank = Bank()
    bank.take(draft_of(2))
    report = AdmissionQueries(SimpleNamespace(admission=bank.flow)).report()
    (shown,) = report.drafts
    assert shown.draft.record.hash == DRAFT.hash and shown.draft.quorum == 4
    assert "Bank 0 is left out" in shown.consequences[0]
    assert (report.current, report.history, report.warnings) == (FIRST, (FIRST,), ())
    assert report.split is report.signed is None


def test_a_later_version_and_what_an_operator_should_know() -> None:
    bank = Bank(own=0)
    bank.take(made())
    bank.run()
    queries = AdmissionQueries(SimpleNamespace(admission=bank.flow))
    assert [record.version for record in queries.report().history] == [0, 1]
    assert queries.warnings() == queries.report().warnings != ()


def test_where_anybody_may_connect_there_is_nothing() -> None:
    queries = AdmissionQueries(SimpleNamespace(admission=None))
    assert (queries.report(), queries.warnings()) == (None, ())
