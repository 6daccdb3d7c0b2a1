"""What is read of the configuration."""

from types import SimpleNamespace

from tests.unit.chain.five_banks import FOUNDING, KEYS, maker, tree_of
from tests.unit.configuration.bank import Bank, configuration, draft_of, made
from tests.unit.records.world import ALICE, BOB, GROUP, NOW, record_of, store_of

from minicoin.core.configuration.chain_settings import settings_standing_of
from minicoin.core.configuration.founders import FounderSettings
from minicoin.core.queries.configuration import ConfigurationQueries
from minicoin.testing.certified_chain import public


def view_of(bank=None, chain=None, tree=None, founders=None):
    flow = None if bank is None else bank.flow
    if flow is not None and chain is not None:
        flow = SimpleNamespace(
            state=flow.state,
            chain=chain,
            values=flow.values,
            drafts=flow.drafts,
            warnings=flow.warnings,
        )
    return SimpleNamespace(configuration=flow, founder_settings=founders, tree=tree or SimpleNamespace(signers=None))


def test_where_nobody_signs_there_is_none() -> None:
    queries = ConfigurationQueries(view_of())
    assert queries.report() is None and queries.warnings() == ()


def test_records_and_their_drafts() -> None:
    bank = Bank()
    bank.take(made(configuration(1, 3, mempool_mb=50)))
    bank.run()
    later = configuration(2, 3, mempool_mb=60)
    bank.take(draft_of(2, later))
    report = ConfigurationQueries(view_of(bank)).report()
    assert report is not None and report.version == 1
    assert {row.name: row.value for row in report.values}["mempool_mb"] == "50"
    (draft,) = report.drafts
    assert (draft.hash, draft.missing, draft.from_height) == (later.hash, 3, 0)
    assert report.pending is None and report.split is None


def test_a_change_that_a_block_carries_is_pending_until_its_height() -> None:
    chain = maker(2)
    change = chain.change_settings(("min_interval_s", "9"), from_height=6)
    chain.extend(settings=change)
    tree = tree_of(chain.blocks)
    tree.set_tip(chain.blocks[-1].block.hash)
    assert tree.signers is not None
    for carried in chain.settings.carried():
        tree.signers.carried.settings.append(carried)
    seen = SimpleNamespace(standing=lambda: settings_standing_of(tree), open=lambda: ())
    report = ConfigurationQueries(view_of(Bank(), seen, tree)).report()
    assert report is not None and report.pending is not None
    assert (report.pending.hash, report.pending.from_height, report.pending.carried_at) == (change.hash, 6, 3)
    names = dict(report.names)
    assert set(names) == set(FOUNDING.keys) and names[public(KEYS[0])].startswith("Bank ")


def test_founders_set_where_no_members_do() -> None:
    store = store_of()
    settings = FounderSettings(store, [], ())
    store.take(record_of(ALICE, BOB, kind="config", key="alert", value=b"hello"), GROUP, NOW)
    settings.on_start(NOW)
    queries = ConfigurationQueries(view_of(founders=settings))
    report = queries.report()
    assert report is not None
    (alert,) = report.values
    assert alert.value == "hello"
    assert {dict(report.names)[one] for one in alert.signers} == {str(one.peer_id) for one in (ALICE, BOB)}
    assert queries.warnings() == ("alert by the founders: hello",)
