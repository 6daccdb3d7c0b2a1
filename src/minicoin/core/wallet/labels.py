"""The wallet's addresses as people see them: text, labels, the list of what was handed out."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from minicoin.core.faults import MisuseError
from minicoin.core.limits import WALLET_LABEL_CHARACTERS_MAX
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.script.standard import address_script, script_address
from minicoin.core.wallet.keyring import Keyring
from minicoin.core.wallet.keys import Chain, KeyPath
from minicoin.core.wallet.records import HistoryEntry
from minicoin.core.wallet.views import AddressEntry, HandedOutAddress


class AddressLabels:
    """Labels by script, over the keyring's chains."""

    def __init__(self, keyring: Keyring, form: AddressFormat, labels: Iterable[tuple[bytes, str]]) -> None:
        self._keyring = keyring
        self._form = form
        self._labels = dict(labels)

    @property
    def labels(self) -> tuple[tuple[bytes, str], ...]:
        """(script, label) in the order they were given."""
        return tuple(self._labels.items())

    def label(self, script: bytes) -> str:
        """The name given to a script's address, empty where there is none."""
        return self._labels.get(script, "")

    def new_address(self, label: str) -> HandedOutAddress:
        """The next receiving address. Raises MisuseError for a label that is too long."""
        _check_label(label)
        script = self._keyring.hand_out(Chain.RECEIVING)
        if label:
            self._labels[script] = label
        return HandedOutAddress(self._text(script), script)

    def set_label(self, address: str, label: str) -> None:
        """Name an address of the wallet. Raises DecodeError or MisuseError."""
        _check_label(label)
        script = address_script(address, self._form)
        if self._keyring.path_of(script) is None:
            raise MisuseError(f"the address is not of this wallet: {address}")
        self._labels[script] = label

    def entries(self, chain: Chain) -> tuple[AddressEntry, ...]:
        """What was handed out or seen, oldest first."""
        return tuple(
            AddressEntry(self._text(script), self.label(script), KeyPath(chain, index), script)
            for index, script in enumerate(self._keyring.handed_out(chain))
        )

    def name(self, entries: Iterable[HistoryEntry]) -> Iterator[HistoryEntry]:
        """History with addresses and labels filled in."""
        for entry in entries:
            address = script_address(entry.script_pubkey, self._form)
            yield replace(entry, address=address, label=self.label(entry.script_pubkey))

    def _text(self, script: bytes) -> str:
        address = script_address(script, self._form)
        if address is None:
            raise AssertionError("a key script without an address")
        return address


def _check_label(label: str) -> None:
    if len(label) > WALLET_LABEL_CHARACTERS_MAX:
        raise MisuseError(f"a label has at most {WALLET_LABEL_CHARACTERS_MAX} characters, this has {len(label)}")
