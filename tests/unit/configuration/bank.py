"""One bank's configuration as a part, driven by hand."""

from tests.unit.alarms import check_alarm
from tests.unit.signers.banks import BANKS, KEYS, public

from minicoin.core.configuration.flow import ConfigurationFlow
from minicoin.core.configuration.form import ConfigurationState, new_configuration
from minicoin.core.configuration.settable import Settable, SettingSource
from minicoin.core.effects import SaveState
from minicoin.core.events import Saved
from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.settings import EMPTY_AFTER, MEMPOOL_SIZE, MIN_RELAY_FEERATE
from minicoin.core.records.held import Taken
from minicoin.core.records.kinds import CONFIGURATION, CONFIGURATION_DRAFT
from minicoin.core.records.record import SignedRecord, statement_record
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.settings import FIRST_CONFIGURATION, ConfigurationRecord, configuration_record
from minicoin.core.units import Micros

NOW = Micros(1_700_000_000_000_000)
NETWORK_ID = REGTEST.network_id
ASKED = 1
STARTS_WITH = {"mempool_mb": "300", "min_relay_feerate": "1000", "empty_after_s": "60"}


def configuration(version=1, height=3, /, **settings) -> ConfigurationRecord:
    values = [(name, str(value)) for name, value in settings.items()]
    return configuration_record(version, height, FIRST_CONFIGURATION.hash, values)


def made(record: ConfigurationRecord, by=4, keys=KEYS, network_id=NETWORK_ID) -> SignedRecord:
    """As a record that so many signed."""
    for key in keys[:by]:
        record = record.signed_by(key, network_id)
    return statement_record(CONFIGURATION, record.version, record.body(), record.signatures)


def draft_of(number: int, record: ConfigurationRecord) -> SignedRecord:
    record = record.signed_by(KEYS[number], NETWORK_ID)
    return statement_record(CONFIGURATION_DRAFT, record.version, record.body(), record.signatures)


class Bank:
    """One node's part, without the node. The list of a height is known up to `known`."""

    def __init__(self, number: int | None = 0, state: ConfigurationState | None = None, chosen=(), chain=None) -> None:
        self.known = 7
        self.emitted: list = []
        self.replies: list = []
        self.accused: list = []
        self.refusals: list = []
        self.now = NOW
        self.node = dict(STARTS_WITH)
        """What the node goes by."""
        self.store = RecordStore(REGTEST, None, self.members_at)
        self.flow = ConfigurationFlow(
            state or new_configuration(),
            self.store,
            self,
            self.members_at,
            lambda: self.known - 1,
            chain,
            self.accused.append,
            own_keys=OwnKeys(() if number is None else (public(KEYS[number]),)),
            settables=[
                self._settable(MEMPOOL_SIZE),
                self._settable(MIN_RELAY_FEERATE),
                self._settable(EMPTY_AFTER, SettingSource.NETWORK),
            ],
            chosen=chosen,
            min_interval_s=1,
        )
        self.flow.on_start(NOW)

    def members_at(self, height):
        return BANKS if 1 <= height <= self.known else None

    def _settable(self, row, source=SettingSource.DEFAULT) -> Settable:
        return Settable(row, source, lambda: self.node[row.name], lambda text: self.node.update({row.name: text}))

    def emit(self, *effects):
        self.emitted += effects

    def reply(self, request, answer):
        self.replies.append(answer)

    def refuse(self, request, reason, text):
        self.refusals.append((reason, text))

    def run(self) -> list:
        """What is due is done, until nothing is."""
        done = []
        check_alarm(self.flow)
        while (deadline := self.flow.next_deadline()) is not None and deadline <= self.now:
            effects = list(self.flow.on_deadline(self.now))
            for effect in effects:
                if isinstance(effect, SaveState):
                    self.flow.on_saved(Saved(effect.key))
            done += effects
            check_alarm(self.flow)
        return done

    def take(self, record: SignedRecord, group=b"g") -> Taken:
        return self.store.take(record, group, self.now)

    def shown(self, name):
        (row,) = [row for row in self.flow.values() if row.name == name]
        return row
