from pathlib import Path

import pytest
from tests.unit.chain.five_banks import KEYS, maker
from tests.unit.chain.five_banks import NETWORK as BANKS

from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.toml_text import network_to_toml
from minicoin.core.primitives.block import RawBlock
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.chain_maker import ChainMaker

BLOCKS = 112


@pytest.fixture(scope="module")
def chain_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a chain that has payments, and nobody using it."""
    directory = tmp_path_factory.mktemp("chain") / "node"
    chain = LocalChain(REGTEST, directory)
    maker = ChainMaker(REGTEST)
    branch = maker.new_branch()
    maker.mine_empty(branch, BLOCKS - 2)
    maker.mine_spending(branch, 3)
    maker.mine_spending(branch, 3)
    for block in branch.blocks:
        assert chain.accept(RawBlock.parse(block.raw)) is None
    chain.close()
    return directory


@pytest.fixture
def bootstrap(cli, chain_directory: Path, tmp_path: Path) -> Path:
    file = tmp_path / "bootstrap.dat"
    ran = cli("chain", "export", str(file), "--datadir", str(chain_directory), "--json")
    assert (ran.code, ran.json) == (0, {"blocks": BLOCKS + 1, "file": str(file)})
    return file


def test_out_and_in_again(cli, bootstrap: Path) -> None:
    imported = cli("chain", "import", str(bootstrap), "--json")
    assert imported.code == 0
    found = imported.json
    assert (found["height"], found["stored"], found["known"], found["refused"]) == (BLOCKS, BLOCKS, 1, 0)
    again = cli("chain", "import", str(bootstrap))
    assert f"0 new, {BLOCKS + 1} known, 0 refused" in again.out
    assert cli("chain", "verify", "--replay", "--json").json["problems"] == []


def test_a_refused_block_is_named_and_fails_the_command(cli, bootstrap: Path, tmp_path: Path) -> None:
    raw = bytearray(bootstrap.read_bytes())
    raw[-30] ^= 1
    damaged = tmp_path / "damaged.dat"
    damaged.write_bytes(raw)
    ran = cli("chain", "import", str(damaged))
    assert ran.code == 1
    assert "1 refused" in ran.out
    assert f"height {BLOCKS - 1}" in ran.out


def test_a_truncated_file_is_told(cli, bootstrap: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.dat"
    torn.write_bytes(bootstrap.read_bytes()[:-10])
    ran = cli("chain", "import", str(torn))
    assert f"height {BLOCKS - 1}" in ran.out
    assert "truncated" in ran.out


def test_files_that_are_none_of_ours(cli, tmp_path: Path) -> None:
    missing = cli("chain", "import", str(tmp_path / "missing.dat"))
    assert (missing.code, missing.err) == (1, f"error: no such file: {tmp_path}/missing.dat\n")
    garbage = tmp_path / "garbage.dat"
    garbage.write_bytes(b"nothing of use" * 100)
    assert "no block of regtest" in cli("chain", "import", str(garbage)).err


def test_verify_counts(cli, chain_directory: Path) -> None:
    ran = cli("chain", "verify", "--datadir", str(chain_directory), "--json")
    assert ran.code == 0
    assert (ran.json["blocks"], ran.json["height"], ran.json["replayed"]) == (BLOCKS, BLOCKS, False)
    assert ran.json["transactions"] > BLOCKS
    assert "as it should be" in cli("chain", "verify", "--datadir", str(chain_directory)).out


def test_one_process_at_a_time(cli, chain_directory: Path, tmp_path: Path) -> None:
    chain = LocalChain(REGTEST, chain_directory)
    try:
        ran = cli("chain", "verify", "--datadir", str(chain_directory))
    finally:
        chain.close()
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert str(chain_directory) in ran.err


def test_a_directory_of_another_network(cli, chain_directory: Path) -> None:
    ran = cli("chain", "verify", "--datadir", str(chain_directory), "--network", "test")
    assert ran.code == 1
    assert "regtest" in ran.err


def test_an_export_does_not_write_over_a_file(cli, chain_directory: Path, bootstrap: Path) -> None:
    before = bootstrap.read_bytes()
    bootstrap.write_bytes(b"precious")
    words = ("chain", "export", str(bootstrap), "--datadir", str(chain_directory))
    refused = cli(*words)
    assert (refused.code, refused.err) == (1, f"error: {bootstrap} exists already; --force writes over it\n")
    assert bootstrap.read_bytes() == b"precious"
    assert cli(*words, "--force").out == f"wrote {BLOCKS + 1} blocks to {bootstrap}\n"
    assert bootstrap.read_bytes() == before


def test_one_file_is_no_files(cli, bootstrap: Path) -> None:
    assert f"read {BLOCKS + 1} blocks of 1 file: " in cli("chain", "import", str(bootstrap)).out


def test_a_chain_that_members_sign_goes_out_and_in_with_its_certificates(cli, tmp_path: Path) -> None:
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]))
    made.grow(2)
    rules = tmp_path / "banks.toml"
    rules.write_text(network_to_toml(BANKS))
    one, other, file = tmp_path / "one", tmp_path / "other", tmp_path / "out.dat"
    chain = LocalChain(BANKS, one)
    for certified in made.blocks:
        assert chain.accept(certified.raw, certified.kept) is None
    chain.close()
    export = ("chain", "export", str(file), "--network", str(rules), "--datadir", str(one))
    certificate = tmp_path / "out.dat.cert"
    assert cli(*export, "--json").json == {"blocks": 6, "file": str(file), "certificate": str(certificate)}
    file.unlink()
    refused = cli(*export)
    assert refused.code == 1 and f"{certificate} exists already" in refused.err
    assert f"certificate to {certificate}" in cli(*export, "--force").out
    back = ("chain", "import", str(file), "--network", str(rules), "--datadir", str(other), "--json")
    found = cli(*back).json
    assert (found["height"], found["refused"], found["without_certificate"]) == (5, 0, 0)
    words = ("chain", "verify", "--replay", "--json", "--network", str(rules), "--datadir", str(other))
    assert cli(*words).json["problems"] == []
