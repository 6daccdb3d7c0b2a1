"""Changes of what validity depends on: proposed, approved, ready to be carried."""

import pytest
from tests.unit.members.board import HEIGHT, NETWORK, NOW, Board
from tests.unit.signers.banks import BANKS, KEYS, public

from minicoin.core.answers import SettingsDrafted
from minicoin.core.chain.change_history import CarriedChange
from minicoin.core.chain.settings_history import SettingsHistory
from minicoin.core.configuration.chain_settings import ChainSettings
from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.drafts.changes import SETTINGS_CHANGES, ChangeStanding, Drafts
from minicoin.core.effects import Reply, SaveState, SignStatement
from minicoin.core.events import Saved
from minicoin.core.faults import MisuseError
from minicoin.core.limits import CHANGES_AHEAD_BLOCKS
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.block import BlockHash
from minicoin.core.records.document import RECORDS_KEY
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.settings import settings_change

FIVE = (("min_interval_s", "5"),)


class Table:
    """Five banks whose records reach all at once."""

    def __init__(self):
        self.board = Board()
        names = self.board.standing.names
        self.history = SettingsHistory(SignersKind(BANKS.keys, names))
        self.standing = ChangeStanding(HEIGHT, BANKS, names, self.history)
        self.settings = [
            ChainSettings(
                Drafts(SETTINGS_CHANGES, bank.store, NETWORK.network_id),
                bank.records,
                lambda: self.standing,
                OwnKeys((public(bank.key),)),
                bank,
            )
            for bank in self.board.banks
        ]

    def ask(self, number, do) -> SettingsDrafted:
        bank = self.board.banks[number]
        do(self.settings[number])
        while bank.effects:
            match bank.effects.pop(0):
                case SignStatement() as effect:
                    self.settings[number].on_signed(bank.signer.answer(effect), NOW)
                case SaveState(key, _):
                    assert key == RECORDS_KEY
                    bank.records.on_saved(Saved(key))
                case Reply(_, answer):
                    self.board.spread(bank)
                    return answer
        raise AssertionError("never answered")


def test_a_quorum_makes_a_change_ready_for_the_next_proposal():
    table = Table()
    drafted = table.ask(0, lambda settings: settings.propose(1, FIVE, None))
    assert (drafted.version, drafted.from_height, drafted.signatures) == (1, HEIGHT + CHANGES_AHEAD_BLOCKS, 1)
    for number in (1, 2, 3):
        assert table.settings[4].ready() is None
        (change,) = table.settings[number].matches(drafted.hash.hex()[:8])
        drafted = table.ask(number, lambda settings, change=change: settings.approve(1, change))
    assert drafted.signatures == 4
    ready = table.settings[4].ready()
    assert ready is not None and ready.hash == drafted.hash
    assert ready.problem(BANKS, NETWORK.network_id) is None


def test_what_this_version_cannot_keep_to_is_not_carried():
    table = Table()
    unknown = settings_change(1, HEIGHT + 9, table.history.last_hash, [("later", "1")])
    for number, key in enumerate(KEYS[:4]):
        raw = unknown.signed_by(key, NETWORK.network_id).encode()
        table.board.banks[0].records.publish("settings-change", str(number), raw, NOW)
    assert table.settings[0].open()[0].is_ready
    assert table.settings[0].ready() is None


def test_one_at_a_time_and_in_time():
    table = Table()
    with pytest.raises(MisuseError, match=f"from height {HEIGHT + 2} at the earliest"):
        table.settings[0].propose(1, FIVE, HEIGHT + 1)
    change = settings_change(1, HEIGHT + 5, table.history.last_hash, FIVE)
    table.history.append(CarriedChange(HEIGHT - 1, BlockHash(b"b" * 32), change))
    with pytest.raises(MisuseError, match=f"pending until height {HEIGHT + 5}"):
        table.settings[0].propose(1, FIVE, None)
    assert table.settings[0].settings() == ()
    table.standing = ChangeStanding(HEIGHT + 5, BANKS, table.standing.names, table.history)
    assert table.settings[0].settings() == FIVE
    assert table.ask(0, lambda settings: settings.propose(1, (), None)).version == 2


def test_a_signature_of_another_key_counts_for_nothing():
    table = Table()
    stranger = VoteSigner((KEYS[0],), b"x" * 32, b"")
    change = settings_change(1, HEIGHT + 9, table.history.last_hash, FIVE)
    signed = change.with_signature(
        public(KEYS[0]),
        stranger.answer(SignStatement(public(KEYS[0]), SETTINGS_CHANGES.statement, change.body())).signature,
    )
    table.board.banks[0].records.publish("settings-change", "1", signed.encode(), NOW)
    assert table.settings[0].open() == ()
