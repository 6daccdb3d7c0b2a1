"""The part by hand: what holds and when, by whose word, what is signed and in which order."""

import pytest
from tests.unit.configuration.bank import ASKED, NETWORK_ID, STARTS_WITH, Bank, configuration, draft_of, made
from tests.unit.signers.banks import BANKS, KEYS, public

from minicoin.core.answers import Reason, SettingsDrafted
from minicoin.core.commands import ApproveSettings, ProposeSettings
from minicoin.core.configuration.form import CONFIGURATION_KEY, read_configuration
from minicoin.core.configuration.settable import SettingSource
from minicoin.core.effects import SaveState, SignStatement
from minicoin.core.events import Saved, StatementSigned
from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.notices import ConfigurationChanged, ConfigurationContradicted
from minicoin.core.records.held import Taken
from minicoin.core.records.kinds import CONFIGURATION, CONFIGURATION_DRAFT
from minicoin.core.signers.statements import StatementKind

SMALL = configuration(1, 3, mempool_mb=50, alert="Maintenance at 18:00")


def sign(bank: Bank, command, number=0) -> SettingsDrafted:
    """Disk and key do their part."""
    bank.emitted.clear()
    bank.flow.handle(ASKED, command, bank.now)
    (save,) = bank.emitted
    assert isinstance(save, SaveState) and save.key == CONFIGURATION_KEY
    bank.flow.on_saved(Saved(CONFIGURATION_KEY))
    ask = bank.emitted[-1]
    assert isinstance(ask, SignStatement) and ask.kind is StatementKind.CONFIGURATION
    signature = KEYS[number].sign_schnorr(ask.kind.digest(NETWORK_ID, ask.body), bytes(32))
    bank.flow.on_signed(StatementSigned(ask.member, ask.kind, ask.body, signature), bank.now)
    return bank.replies[-1]


def test_nothing_is_set_at_first():
    bank = Bank()
    assert bank.run() == [] and bank.node == STARTS_WITH
    assert bank.shown("mempool_mb").source is SettingSource.DEFAULT
    assert bank.shown("empty_after_s").source is SettingSource.NETWORK
    assert bank.flow.warnings() == ()


def test_what_a_quorum_signed_holds_at_once_and_is_shown():
    bank = Bank()
    assert bank.take(made(SMALL)) is Taken.NEW
    save, changed = bank.run()
    signers = tuple(sorted(public(key) for key in KEYS[:4]))
    assert changed == ConfigurationChanged(1, 3, SMALL.settings, signers, ())
    assert bank.node == {**STARTS_WITH, "mempool_mb": "50"}
    row = bank.shown("mempool_mb")
    assert (row.value, row.source, row.version, row.signers) == ("50", SettingSource.RECORD, 1, signers)
    assert bank.flow.warnings() == ("alert by the members: Maintenance at 18:00",)
    assert read_configuration(save.value, NETWORK_ID).current.settings == SMALL.settings


def test_a_restart_holds_it_and_passes_it_on():
    bank = Bank()
    bank.take(made(SMALL))
    bank.run()
    again = Bank(state=bank.flow.state)
    assert again.node["mempool_mb"] == "50" and again.shown("alert").value
    assert again.store.of_kind(CONFIGURATION) == (made(SMALL),)
    assert again.run() == []


def test_what_a_later_version_leaves_out_is_the_nodes_own_again():
    bank = Bank()
    bank.take(made(SMALL))
    bank.run()
    bank.take(made(configuration(2, 4, min_relay_feerate=5_000)))
    bank.run()
    assert bank.node == {**STARTS_WITH, "min_relay_feerate": "5000"}
    assert bank.shown("alert").value == ""


def test_an_operators_choice_holds_above_it_and_says_so():
    bank = Bank(chosen=("mempool_mb",))
    bank.take(made(SMALL))
    bank.run()
    assert bank.node["mempool_mb"] == "300"
    row = bank.shown("mempool_mb")
    assert (row.value, row.source) == ("300", SettingSource.OPTION)
    assert row.problem == "50 is set for all nodes; this one's operator chose otherwise"


def test_what_a_later_version_of_the_program_set_is_kept_and_shown_and_the_rest_holds():
    bank = Bank()
    bank.take(made(configuration(1, 3, later="yes", mempool_mb=50, min_relay_feerate=99_999_999_999)))
    _, changed = bank.run()
    assert len(changed.unknown) == 2
    assert bank.node == {**STARTS_WITH, "mempool_mb": "50"}
    unknown, wide = bank.shown("later"), bank.shown("min_relay_feerate")
    assert (unknown.value, unknown.version) == ("yes", 1)
    assert unknown.problem == "later is no setting that this version knows"
    assert (wide.value, wide.source) == ("1000", SettingSource.DEFAULT)
    assert "from 0 to 10000000" in wide.problem
    assert "holds in part only" in bank.flow.warnings()[0] and "update this program" in bank.flow.warnings()[0]
    # Passed on as it came.
    assert (
        bank.store.of_kind(CONFIGURATION)[0].value
        == configuration(1, 3, later="yes", mempool_mb=50, min_relay_feerate=99_999_999_999).body()
    )


def test_what_blocks_set_no_record_sets():
    bank = Bank()
    bank.take(made(configuration(1, 3, min_interval_s=9)))
    (_, changed) = bank.run()
    assert changed.unknown == ("min_interval_s is set by a block",)
    assert bank.shown("min_interval_s").source is SettingSource.UNKNOWN


def test_older_fewer_foreign_and_forged_change_nothing():
    bank = Bank()
    bank.take(made(configuration(2, 4, mempool_mb=60)))
    bank.run()
    assert bank.take(made(SMALL)) is Taken.OLD
    assert bank.take(made(configuration(3, 4, mempool_mb=70), by=3)) is Taken.NOT_ALLOWED
    with pytest.raises(PeerFault, match="forged"):
        bank.take(made(configuration(3, 4, mempool_mb=70), network_id=b"f" * 32))
    forged = configuration(3, 4, mempool_mb=70)
    for key in KEYS[:4]:
        forged = forged.with_signature(public(key), bytes(64))
    with pytest.raises(PeerFault, match="forged"):
        bank.take(made(forged, by=0))
    # Signed by members of a list that is long gone.
    bank.take(made(configuration(5, 1, mempool_mb=70)))
    assert bank.run() == []
    assert bank.node["mempool_mb"] == "60"


def test_a_draft_becomes_a_record_when_a_quorum_has_signed_the_same():
    bank = Bank()
    answer = sign(bank, ProposeSettings((("mempool_mb", "50"),)))
    assert isinstance(answer, SettingsDrafted)
    assert (answer.version, answer.from_height, answer.signatures, answer.quorum) == (1, 0, 1, 4)
    (draft,) = bank.flow.drafts()
    for number in (1, 2, 3):
        assert bank.node["mempool_mb"] == "300"
        bank.take(draft_of(number, draft.record.decode_body(draft.record.body())))
        bank.run()
    assert bank.node["mempool_mb"] == "50"
    assert len(bank.store.of_kind(CONFIGURATION)[0].signatures) == 4


def test_another_members_draft_is_approved_by_its_hash():
    bank = Bank()
    bank.take(draft_of(2, SMALL))
    answer = sign(bank, ApproveSettings(SMALL.hash.hex()[:8]))
    assert (answer.hash, answer.signatures) == (SMALL.hash, 2)
    assert len(bank.store.of_kind(CONFIGURATION_DRAFT)) == 2
    with pytest.raises(MisuseError, match="no drafts"):
        bank.flow.handle(ASKED, ApproveSettings("00000000"), bank.now)


def test_a_proposal_goes_on_from_what_holds():
    bank = Bank()
    bank.take(made(configuration(1, 3, later="yes", mempool_mb=50)))
    bank.run()
    answer = sign(bank, ProposeSettings((("min_relay_feerate", "2000"), ("mempool_mb", None))))
    # What a later version of the program set is the members' word, and is nobody's here to take back unasked.
    assert answer.settings == (("later", "yes"), ("min_relay_feerate", "2000"))
    assert answer.version == 2


@pytest.mark.parametrize(
    ("values", "height", "said"),
    [
        ((("mempool_mb", "4"),), None, "mempool_mb is a number from 5 to 1000000, in MB, not '4'"),
        ((("alert", "x" * 257),), None, "alert has 0 to 256 bytes"),
        ((("alert", "\x1b[2J"),), None, "can be shown"),
        ((("nonsense", "1"),), None, "nonsense is no setting; there are min_interval_s"),
        ((("mempool_mb", "50"), ("min_interval_s", "5")), None, "all of one kind"),
        ((), None, "all of one kind"),
        ((("mempool_mb", "50"),), 9, "a height is for what a block changes"),
        ((("mempool_mb", None),), None, "it changes nothing"),
        ((("min_interval_s", "5"),), None, "keeps no blocks"),
    ],
)
def test_nonsense_is_not_signed(values, height, said):
    bank = Bank()
    with pytest.raises(MisuseError, match=said.replace("[", r"\[")):
        bank.flow.handle(ASKED, ProposeSettings(values, height), bank.now)
    assert bank.emitted == []


def test_nobody_approves_what_it_cannot_keep_to():
    bank = Bank()
    unknown = configuration(1, 3, later="yes")
    bank.take(draft_of(2, unknown))
    with pytest.raises(MisuseError, match="no setting that this version knows"):
        bank.flow.handle(ASKED, ApproveSettings(unknown.hash.hex()), bank.now)


def test_a_member_signs_one_content_of_a_version():
    bank = Bank()
    bank.take(draft_of(2, SMALL))
    bank.take(draft_of(3, configuration(1, 3, mempool_mb=70)))
    sign(bank, ApproveSettings(SMALL.hash.hex()))
    with pytest.raises(MisuseError, match="signs one only"):
        bank.flow.handle(ASKED, ApproveSettings(configuration(1, 3, mempool_mb=70).hash.hex()), bank.now)
    assert sign(bank, ProposeSettings((("mempool_mb", "80"),))).version == 2


def test_a_member_that_drafts_two_contents_of_a_version_is_told_of():
    bank = Bank()
    bank.take(draft_of(2, SMALL))
    assert bank.take(draft_of(2, configuration(1, 3, mempool_mb=70))) is Taken.OLD
    assert bank.emitted == [ConfigurationContradicted(1, (public(KEYS[2]),), is_split=False)]
    (evidence,) = bank.accused
    assert evidence.accused == public(KEYS[2]) and evidence.problem(BANKS, NETWORK_ID) is None


def test_two_contents_with_a_quorum_each_are_evidence_and_the_first_holds():
    bank = Bank()
    bank.take(made(SMALL))
    bank.run()
    bank.emitted.clear()
    bank.take(made(configuration(1, 3, mempool_mb=70), keys=KEYS[1:]))
    told, save = bank.emitted
    assert isinstance(told, ConfigurationContradicted) and told.is_split and len(told.members) == 3
    assert read_configuration(save.value, NETWORK_ID).split is not None
    assert {one.accused for one in bank.accused} == set(told.members)
    assert bank.node["mempool_mb"] == "50"
    assert any("two contents of version 1" in line for line in bank.flow.warnings())


def test_who_signs_for_nobody_looks_on():
    bank = Bank(number=None)
    with pytest.raises(MisuseError, match="signs for no member"):
        bank.flow.handle(ASKED, ProposeSettings((("mempool_mb", "50"),)), bank.now)
    bank.take(made(SMALL))
    bank.run()
    assert bank.node["mempool_mb"] == "50"


def test_what_the_disk_refuses_is_not_signed():
    bank = Bank()
    bank.flow.handle(ASKED, ProposeSettings((("mempool_mb", "50"),)), bank.now)
    bank.flow.on_saved(Saved(CONFIGURATION_KEY, "disk full"))
    assert bank.refusals == [(Reason.NOT_SAVED, "the disk refused: disk full")]
    assert not any(isinstance(effect, SignStatement) for effect in bank.emitted)
