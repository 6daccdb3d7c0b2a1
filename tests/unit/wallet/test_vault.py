"""Locking, unlocking, passphrases."""

import pytest

from minicoin.core.params.builtin import REGTEST
from minicoin.core.units import Micros
from minicoin.core.wallet.crypt import Protection, Stretching, seal_seed
from minicoin.core.wallet.errors import WalletEncryptionState, WalletLocked, WrongPassphrase
from minicoin.core.wallet.keys import SigningKey
from minicoin.core.wallet.vault import Vault

SEED = bytes(range(32))
CONTEXT = b"context"
OLD = Protection(b"k" * 32, Stretching(b"s" * 16), b"n" * 12)


def locked() -> Vault:
    return Vault(seal_seed(SEED, OLD, CONTEXT), REGTEST, CONTEXT)


def test_a_sealed_seed_is_locked_until_its_key_comes() -> None:
    vault = locked()
    assert vault.is_encrypted
    assert vault.is_locked
    with pytest.raises(WalletLocked, match="unlock it"):
        vault.signing_key()
    with pytest.raises(WrongPassphrase):
        vault.unlock(b"x" * 32, Micros(10))
    assert vault.is_locked
    vault.unlock(b"k" * 32, Micros(10))
    assert isinstance(vault.signing_key(), SigningKey)
    with pytest.raises(WrongPassphrase):
        vault.unlock(b"x" * 32, Micros(99))
    assert vault.unlocked_until == 10


def test_it_locks_itself_in_time() -> None:
    vault = locked()
    assert not vault.tick(Micros(5))
    vault.unlock(b"k" * 32, Micros(10))
    assert not vault.tick(Micros(9))
    assert vault.tick(Micros(10))
    assert vault.is_locked
    assert vault.unlocked_until is None


def test_a_seed_without_a_passphrase_is_never_locked() -> None:
    vault = Vault(SEED, REGTEST, CONTEXT)
    assert not vault.is_encrypted
    assert isinstance(vault.signing_key(), SigningKey)
    with pytest.raises(WalletEncryptionState, match="not encrypted"):
        vault.lock()
    with pytest.raises(WalletEncryptionState):
        vault.unlock(b"k" * 32, Micros(1))


def test_nothing_secret_shows() -> None:
    vault = Vault(SEED, REGTEST, CONTEXT)
    assert "0102" not in repr(vault)
    assert repr(vault) == "Vault(is_encrypted=False, is_locked=False)"
