"""Key files of go- and js-libp2p are read, and handshakes with keys of every type succeed, theirs and ours."""

from pathlib import Path

import pytest
import trio
from tests.interop.cases import check_identities
from tests.interop.peers import GO, JS, listening, make_key

from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.keys import KeyType


@pytest.mark.parametrize("key_type", KeyType)
def test_go_keys(key_type: KeyType, tmp_path: Path) -> None:
    file = tmp_path / "key"
    peer_id = make_key(GO, str(int(key_type)), file)
    theirs = Identity.read_key_file(file.read_bytes())
    assert theirs.peer_id == peer_id
    with listening(GO, str(file)) as address:
        assert address.peer_id == peer_id
        make_key(GO, str(int(key_type)), tmp_path / "ours")
        ours = Identity.read_key_file((tmp_path / "ours").read_bytes())
        trio.run(check_identities, ours, address)


@pytest.mark.parametrize("key_type", ["Ed25519", "secp256k1", "RSA"])
def test_js_keys(key_type: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    peer_id = make_key(JS, key_type, file)
    identity = Identity.read_key_file(file.read_bytes())
    assert identity.peer_id == peer_id
    with listening(JS) as address:
        trio.run(check_identities, identity, address)
