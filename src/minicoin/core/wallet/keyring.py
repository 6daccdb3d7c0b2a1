"""The addresses of a wallet: which are handed out, which are watched ahead, which script belongs to which key.

Owns the two chains of the account and the look-ahead. Knows no coin and no private key.
"""

from minicoin.core.limits import WALLET_ADDRESSES_PER_CHAIN_MAX, WALLET_LOOKAHEAD_ADDRESSES
from minicoin.core.script.standard import p2wpkh_script
from minicoin.core.wallet.errors import WalletError
from minicoin.core.wallet.keys import AccountKey, Chain, KeyPath


class Keyring:
    """Scripts of the account up to the look-ahead behind the last one handed out or seen on the chain."""

    def __init__(self, account: AccountKey, next_receiving: int = 0, next_change: int = 0) -> None:
        self._account = account
        self._next = {Chain.RECEIVING: next_receiving, Chain.CHANGE: next_change}
        self._scripts: dict[Chain, list[bytes]] = {chain: [] for chain in Chain}
        self._paths: dict[bytes, KeyPath] = {}
        self._watched: frozenset[bytes] | None = None
        for chain in Chain:
            self._extend(chain)

    @property
    def account(self) -> AccountKey:
        return self._account

    def next_index(self, chain: Chain) -> int:
        """The first index of the chain that was neither handed out nor seen."""
        return self._next[chain]

    def scripts(self) -> frozenset[bytes]:
        """Everything to watch."""
        if self._watched is None:
            self._watched = frozenset(self._paths)
        return self._watched

    def path_of(self, script: bytes) -> KeyPath | None:
        """The key a script belongs to, or None where it is not ours."""
        return self._paths.get(script)

    def path_of_key_hash(self, key_hash: bytes) -> KeyPath | None:
        """The key with that HASH160, or None."""
        return self._paths.get(p2wpkh_script(key_hash))

    def script(self, path: KeyPath) -> bytes:
        """The script of a watched key."""
        return self._scripts[path.chain][path.index]

    def handed_out(self, chain: Chain) -> list[bytes]:
        """The scripts of the chain that were handed out or seen, in order."""
        return self._scripts[chain][: self._next[chain]]

    def peek(self, chain: Chain) -> bytes:
        """The script that hand_out would give."""
        return self._scripts[chain][self._next[chain]]

    def hand_out(self, chain: Chain) -> bytes:
        """The next script of the chain. The watch set grows by one."""
        if self._next[chain] >= WALLET_ADDRESSES_PER_CHAIN_MAX:
            raise WalletError(f"the wallet has handed out {WALLET_ADDRESSES_PER_CHAIN_MAX} addresses, its limit")
        script = self.peek(chain)
        self.mark_used(KeyPath(chain, self._next[chain]))
        return script

    def mark_used(self, path: KeyPath) -> bool:
        """A key was handed out, or a script of it was seen: whether the watch set grew."""
        if path.index < self._next[path.chain]:
            return False
        self._next[path.chain] = path.index + 1
        self._extend(path.chain)
        return True

    def _extend(self, chain: Chain) -> None:
        scripts = self._scripts[chain]
        while len(scripts) < self._next[chain] + WALLET_LOOKAHEAD_ADDRESSES:
            path = KeyPath(chain, len(scripts))
            script = p2wpkh_script(self._account.key_hash(path))
            scripts.append(script)
            self._paths[script] = path
            self._watched = None
