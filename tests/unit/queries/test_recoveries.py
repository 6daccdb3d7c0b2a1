"""What outside reads of recoveries while there are none; what there is then, `members/test_recovering` asks."""

from tests.unit.members.test_recovering import Halted

from minicoin.core.params.recovery_file import recovery_to_toml
from minicoin.core.queries.recoveries import RecoveryQueries


def test_nothing_is_drafted_and_a_file_is_read() -> None:
    halted = Halted()
    queries = RecoveryQueries(halted.left[0].node.view)
    report = queries.report()
    assert not isinstance(report, str)
    assert (report.named, report.unnamed, report.drafts, report.needed, report.members) == ((), (), (), 3, 5)
    assert "no recoveries could be meant" in str(queries.combined(()))
    file = halted.sign()
    assert queries.text(file) == recovery_to_toml(file, halted.banks.network)
    assert "network_id" in str(queries.read({}))
