"""Address chains and the look-ahead."""

import pytest

from minicoin.core.limits import WALLET_ADDRESSES_PER_CHAIN_MAX, WALLET_LOOKAHEAD_ADDRESSES
from minicoin.core.params.builtin import REGTEST
from minicoin.core.wallet.errors import WalletError
from minicoin.core.wallet.keyring import Keyring
from minicoin.core.wallet.keys import AccountKey, Chain, KeyPath, SigningKey


class FakeAccount(AccountKey):
    """Key hashes without elliptic curves."""

    def __init__(self) -> None:
        pass

    def key_hash(self, path: KeyPath) -> bytes:
        return bytes([path.chain]) * 10 + path.index.to_bytes(10, "big")


def new_keyring() -> Keyring:
    return Keyring(SigningKey.from_entropy(bytes(16), REGTEST).account_key(REGTEST))


def test_both_chains_are_watched_ahead() -> None:
    keyring = new_keyring()
    assert len(keyring.scripts()) == 2 * WALLET_LOOKAHEAD_ADDRESSES == 40
    first = keyring.hand_out(Chain.RECEIVING)
    assert len(keyring.scripts()) == 41
    assert keyring.path_of(first) == KeyPath(Chain.RECEIVING, 0)
    assert keyring.path_of_key_hash(first[2:]) == KeyPath(Chain.RECEIVING, 0)
    assert keyring.hand_out(Chain.RECEIVING) != first
    assert keyring.handed_out(Chain.CHANGE) == []


def test_a_payment_far_ahead_moves_the_window() -> None:
    keyring = new_keyring()
    last = KeyPath(Chain.CHANGE, 19)
    assert keyring.mark_used(last)
    assert keyring.next_index(Chain.CHANGE) == 20
    assert keyring.script(KeyPath(Chain.CHANGE, 39)) in keyring.scripts()
    assert not keyring.mark_used(last)
    assert not keyring.mark_used(KeyPath(Chain.CHANGE, 3))


def test_the_watch_set_is_the_same_object_until_it_grows() -> None:
    keyring = new_keyring()
    before = keyring.scripts()
    assert keyring.scripts() is before
    keyring.hand_out(Chain.CHANGE)
    assert keyring.scripts() > before


def test_a_chain_ends() -> None:
    keyring = Keyring(FakeAccount(), next_receiving=WALLET_ADDRESSES_PER_CHAIN_MAX)
    with pytest.raises(WalletError, match="its limit"):
        keyring.hand_out(Chain.RECEIVING)
