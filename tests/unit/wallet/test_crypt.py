"""The sealed seed."""

from hashlib import scrypt

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.wallet.crypt import Protection, Stretching, open_seed, seal_seed
from minicoin.core.wallet.errors import WrongPassphrase

SEED = bytes(range(16))
STRETCHING = Stretching(b"s" * 16)
PROTECTION = Protection(b"k" * 32, STRETCHING, b"n" * 12)


def test_a_seal_opens_with_its_key_and_context() -> None:
    sealed = seal_seed(SEED, PROTECTION, b"wallet a")
    assert open_seed(sealed, b"k" * 32, b"wallet a") == SEED
    assert SEED not in sealed.ciphertext


@pytest.mark.parametrize(("key", "context"), [(b"x" * 32, b"wallet a"), (b"k" * 32, b"wallet b")])
def test_a_seal_stays_shut_otherwise(key: bytes, context: bytes) -> None:
    with pytest.raises(WrongPassphrase, match="passphrase is wrong"):
        open_seed(seal_seed(SEED, PROTECTION, b"wallet a"), key, context)


def test_lengths_are_checked() -> None:
    with pytest.raises(MisuseError):
        Protection(b"short", STRETCHING, b"n" * 12)
    with pytest.raises(MisuseError):
        Protection(b"k" * 32, STRETCHING, b"n")
    with pytest.raises(MisuseError):
        open_seed(seal_seed(SEED, PROTECTION, b""), b"short", b"")


def test_secrets_do_not_show() -> None:
    assert "kkkk" not in repr(PROTECTION)


def test_the_parameters_are_ones_scrypt_takes() -> None:
    key = scrypt(b"p", salt=STRETCHING.salt, n=1 << STRETCHING.log2_n, r=8, p=1, maxmem=64 << 20, dklen=32)
    assert len(key) == 32
