"""Who may sign: the seed, sealed or not, and the keys in memory while it is open.

A wallet that has no passphrase is always open. One that has is opened for a time, by the key that its passphrase is
stretched to; when that is over, the seed and what was derived of it are let go. Time and stretched keys come in. That a
passphrase is the right one shows by the seal (crypt.py): a wrong one changes nothing.
"""

from minicoin.core.params.network import Network
from minicoin.core.units import Micros
from minicoin.core.wallet.crypt import SealedSeed, Stretching, open_seed
from minicoin.core.wallet.errors import WalletEncryptionState, WalletLocked
from minicoin.core.wallet.keys import SigningKey


class Vault:
    """The seed of one wallet. An unencrypted one is always open."""

    def __init__(self, seed: bytes | SealedSeed, network: Network, context: bytes) -> None:
        self._network = network
        self._context = context
        self._seed = seed
        self._open = self._derive(seed) if isinstance(seed, bytes) else None
        self._until: Micros | None = None

    def __repr__(self) -> str:
        return f"Vault(is_encrypted={self.is_encrypted}, is_locked={self.is_locked})"

    @property
    def seed(self) -> bytes | SealedSeed:
        """As the file keeps it."""
        return self._seed

    @property
    def is_encrypted(self) -> bool:
        return isinstance(self._seed, SealedSeed)

    @property
    def is_locked(self) -> bool:
        return self._open is None

    @property
    def unlocked_until(self) -> Micros | None:
        """When an encrypted wallet that is open locks itself."""
        return self._until

    @property
    def stretching(self) -> Stretching:
        """How the passphrase is to be stretched. Raises WalletEncryptionState for an unencrypted wallet."""
        return self._sealed().stretching

    def signing_key(self) -> SigningKey:
        """The keys. Raises WalletLocked."""
        if self._open is None:
            raise WalletLocked
        return self._open

    def unlock(self, key: bytes, until: Micros) -> None:
        """Open with the stretched key, to lock again at `until`. Raises WrongPassphrase; a wrong key leaves an open
        wallet as it is."""
        self._open = self._derive(open_seed(self._sealed(), key, self._context))
        self._until = until

    def lock(self) -> None:
        """Forget the keys. Raises WalletEncryptionState for an unencrypted wallet, which cannot be locked."""
        self._sealed()
        self._open = None
        self._until = None

    def tick(self, now: Micros) -> bool:
        """Lock when the time has come: whether it did."""
        if self._until is None or now < self._until:
            return False
        self.lock()
        return True

    def _sealed(self) -> SealedSeed:
        if not isinstance(self._seed, SealedSeed):
            raise WalletEncryptionState("the wallet is not encrypted")
        return self._seed

    def _derive(self, entropy: bytes) -> SigningKey:
        return SigningKey.from_entropy(entropy, self._network)
