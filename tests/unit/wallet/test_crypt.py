"""The sealed seed."""

from hashlib import scrypt

import pytest

from minicoin.core.effects import StretchKey
from minicoin.core.faults import MisuseError
from minicoin.core.units import RequestId
from minicoin.core.wallet.crypt import Protection, Stretching, open_seed, seal_seed, stretch_key
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


def test_a_key_is_stretched_as_scrypt_has_it() -> None:
    job = StretchKey(RequestId(1), b"p", STRETCHING.salt, STRETCHING.log2_n, STRETCHING.r, STRETCHING.p)
    assert stretch_key(job) == scrypt(b"p", salt=STRETCHING.salt, n=1 << 15, r=8, p=1, maxmem=64 << 20, dklen=32)
