"""The file of a signing key: made once with its sign state, sealed by a passphrase, and every damage told."""

import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from minicoin.app.build import STATE_FOLDER
from minicoin.app.signing_key import (
    SIGNING_KEY_FILE,
    SIGNING_PASSPHRASE_VARIABLE,
    add_signing_key,
    has_signing_key,
    load_signing_key,
    load_signing_keys,
    make_signing_key,
    retire_signing_key,
)
from minicoin.core.consensus.desk import SIGN_STATE_KEY, SIGN_STATE_KEYS
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.faults import MisuseError
from minicoin.drivers.documents import DocumentStore


@pytest.fixture
def passphrase(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What the environment says from now on."""
    return lambda text: monkeypatch.setenv(SIGNING_PASSPHRASE_VARIABLE, text)


@pytest.fixture(autouse=True)
def nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SIGNING_PASSPHRASE_VARIABLE, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())


def test_a_key_comes_with_an_empty_sign_state(tmp_path: Path) -> None:
    member = make_signing_key(tmp_path, "pass")
    assert DocumentStore(tmp_path / STATE_FOLDER).load(SIGN_STATE_KEY) == SignState(member).encode()
    assert has_signing_key(tmp_path)


@pytest.mark.parametrize("rights", [0o640, 0o604, 0o666])
def test_a_key_that_others_could_read_is_refused(tmp_path: Path, rights: int) -> None:
    make_signing_key(tmp_path, None)
    path = tmp_path / SIGNING_KEY_FILE
    path.chmod(rights)
    with pytest.raises(MisuseError, match=r"is open to other users: close it to them \(chmod go= "):
        load_signing_key(tmp_path)
    path.chmod(0o600)
    assert load_signing_key(tmp_path) is not None


def test_a_sealed_key_opens_with_its_passphrase_only(tmp_path: Path, passphrase: Callable[[str], None]) -> None:
    member = make_signing_key(tmp_path, "pass")
    with pytest.raises(MisuseError, match="takes a passphrase: set MINICOIN_SIGNING_PASSPHRASE"):
        load_signing_key(tmp_path)
    passphrase("pass")
    key = load_signing_key(tmp_path)
    assert key is not None and key.public_key_xonly.format() == member
    path = tmp_path / SIGNING_KEY_FILE
    assert key.secret.hex() not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    passphrase("Pass")
    with pytest.raises(MisuseError, match=r"the passphrase of .* is wrong, or the file was changed"):
        load_signing_key(tmp_path)


def test_an_open_key_asks_nobody(tmp_path: Path) -> None:
    member = make_signing_key(tmp_path, None)
    key = load_signing_key(tmp_path)
    assert key is not None and key.public_key_xonly.format() == member


def test_a_directory_without_a_key_has_none(tmp_path: Path) -> None:
    assert load_signing_key(tmp_path) is None
    assert not has_signing_key(tmp_path)


def test_a_second_key_is_refused(tmp_path: Path) -> None:
    make_signing_key(tmp_path, None)
    before = (tmp_path / SIGNING_KEY_FILE).read_bytes()
    with pytest.raises(MisuseError, match="is a signing key already"):
        make_signing_key(tmp_path, None)
    assert (tmp_path / SIGNING_KEY_FILE).read_bytes() == before


@pytest.mark.parametrize("state", [SignState(bytes(32), 7).encode(), b"something else"])
def test_what_a_lost_key_signed_is_never_overwritten(tmp_path: Path, state: bytes) -> None:
    documents = DocumentStore(tmp_path / STATE_FOLDER)
    documents.save(SIGN_STATE_KEY, state)
    with pytest.raises(MisuseError, match="says what a key signed that is gone from here"):
        make_signing_key(tmp_path, None)
    assert documents.load(SIGN_STATE_KEY) == state


def test_a_making_that_was_interrupted_is_done_again(tmp_path: Path) -> None:
    documents = DocumentStore(tmp_path / STATE_FOLDER)
    documents.save(SIGN_STATE_KEY, SignState(bytes(32)).encode())
    member = make_signing_key(tmp_path, None)
    assert documents.load(SIGN_STATE_KEY) == SignState(member).encode()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("form", "other", "its form is not minicoin-signing-key-1"),
        ("member", "00", "member has 1 bytes, not 32"),
        ("member", 5, "member is not hexadecimal"),
        ("cipher", "rot13", "its encryption is not known here"),
        ("salt", "0011", "salt has 2 bytes, not 16"),
        ("nonce", "zz", "nonce is not hexadecimal"),
        ("log2_n", 40, "its scrypt parameters are beyond what is possible"),
        ("log2_n", True, "log2_n is no positive number"),
        ("ciphertext", "00" * 48, "is wrong, or the file was changed"),
    ],
)
def test_damage_is_told(
    tmp_path: Path, passphrase: Callable[[str], None], name: str, value: object, problem: str
) -> None:
    make_signing_key(tmp_path, "pass")
    passphrase("pass")
    path = tmp_path / SIGNING_KEY_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises(MisuseError, match=problem):
        load_signing_key(tmp_path)


def test_a_key_of_another_member_is_told(tmp_path: Path) -> None:
    make_signing_key(tmp_path, None)
    path = tmp_path / SIGNING_KEY_FILE
    fields = json.loads(path.read_text())
    for secret, problem in (("01".zfill(64), "its secret is not that of the member"), ("00" * 32, "is no key")):
        path.write_text(json.dumps({**fields, "secret": secret}))
        with pytest.raises(MisuseError, match=problem):
            load_signing_key(tmp_path)


@pytest.mark.parametrize(("content", "problem"), [(b"{", "it is no JSON"), (b"\xff", "no JSON"), (b"[]", "its form")])
def test_what_is_no_key_file_is_told(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / SIGNING_KEY_FILE).write_bytes(content)
    with pytest.raises(MisuseError, match=problem):
        load_signing_key(tmp_path)


def test_a_file_beyond_reason_is_not_read(tmp_path: Path) -> None:
    (tmp_path / SIGNING_KEY_FILE).write_bytes(b" " * 5_000)
    with pytest.raises(MisuseError, match="more than 4096 bytes"):
        load_signing_key(tmp_path)


def test_the_next_key_is_made_beside_the_first_and_the_first_is_retired(tmp_path: Path) -> None:
    documents = DocumentStore(tmp_path / STATE_FOLDER)
    with pytest.raises(MisuseError, match="holds no signing key that another one could follow"):
        add_signing_key(tmp_path, None)
    old = make_signing_key(tmp_path, None)
    documents.save(SIGN_STATE_KEY, SignState(old, 7).encode())
    new = add_signing_key(tmp_path, None)
    assert [key.public_key_xonly.format() for key in load_signing_keys(tmp_path)] == [old, new]
    assert [documents.load(key) for key in SIGN_STATE_KEYS] == [SignState(old, 7).encode(), SignState(new).encode()]
    with pytest.raises(MisuseError, match="holds two signing keys: retire"):
        add_signing_key(tmp_path, None)
    with pytest.raises(MisuseError, match="does not hold the key"):
        retire_signing_key(tmp_path, bytes(32))
    assert retire_signing_key(tmp_path, old) == tmp_path / SIGNING_KEY_FILE
    assert documents.load(SIGN_STATE_KEY) is None
    assert [key.public_key_xonly.format() for key in load_signing_keys(tmp_path)] == [new]
    with pytest.raises(MisuseError, match="is the only key"):
        retire_signing_key(tmp_path, new)
    # And so on, for ever: the next takes the place that is free.
    last = add_signing_key(tmp_path, None)
    assert documents.load(SIGN_STATE_KEY) == SignState(last).encode()
    assert has_signing_key(tmp_path)


def test_where_a_signer_holds_the_keys_the_record_of_one_is_retired(tmp_path: Path) -> None:
    old, new = make_signing_key(tmp_path, None), add_signing_key(tmp_path, None)
    for name in ("signing.key", "signing-2.key"):
        (tmp_path / name).unlink()
    assert retire_signing_key(tmp_path, old) == tmp_path / STATE_FOLDER / SIGN_STATE_KEY
    with pytest.raises(MisuseError, match="is the only key"):
        retire_signing_key(tmp_path, new)


def test_the_record_of_a_second_key_that_is_gone_is_never_overwritten(tmp_path: Path) -> None:
    make_signing_key(tmp_path, None)
    DocumentStore(tmp_path / STATE_FOLDER).save(SIGN_STATE_KEYS[1], SignState(bytes(32), 7).encode())
    with pytest.raises(MisuseError, match="says what a key signed that is gone from here"):
        add_signing_key(tmp_path, None)
