"""What a running node finds when it is told to look for another signing key."""

from pathlib import Path

import pytest

from minicoin.app.build import STATE_FOLDER
from minicoin.app.more_keys import MoreKeys
from minicoin.app.signing_key import add_signing_key, load_signing_keys, make_signing_key
from minicoin.core.consensus.desk import SIGN_STATE_KEY, SIGN_STATE_KEYS
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.faults import MisuseError
from minicoin.drivers.documents import DocumentStore
from minicoin.drivers.signer.link import SignerLink


def test_the_key_that_was_made_beside_is_found_with_its_record_and_can_sign(tmp_path: Path) -> None:
    old = make_signing_key(tmp_path, None)
    signer = VoteSigner(load_signing_keys(tmp_path), b"n" * 32, b"peer")
    keys = MoreKeys(tmp_path, signer)
    with pytest.raises(MisuseError, match="no signing key that the node does not hold"):
        keys.find((old,), "")
    new = add_signing_key(tmp_path, "pass")
    with pytest.raises(MisuseError, match="is wrong, or the file was changed"):
        keys.find((old,), "Pass")
    assert keys.find((old,), "pass") == ((new, SignState(new).encode()),)
    assert signer.members == (old, new)
    # Its record may be gone, or damaged.
    documents = DocumentStore(tmp_path / STATE_FOLDER)
    (tmp_path / STATE_FOLDER / SIGN_STATE_KEYS[1]).unlink()
    assert keys.find((old,), "pass") == ((new, None),)
    documents.save(SIGN_STATE_KEY, b"\xff")
    with pytest.raises(MisuseError, match="is damaged"):
        keys.find((old,), "pass")


def test_who_signs_for_nobody_finds_none_and_who_has_a_signer_asks_it(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="signs for no member"):
        MoreKeys(tmp_path, None).find((), "")
    with pytest.raises(MisuseError, match="nobody listens"):
        MoreKeys(tmp_path, SignerLink(tmp_path / "socket", b"n" * 32, b"peer")).find((), "")
