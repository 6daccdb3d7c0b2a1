"""Data directories that are made once; tests copy them."""

from pathlib import Path

import pytest
import trio

from minicoin.drivers.store.blockfiles import export_blocks
from minicoin.drivers.store.local_chain import LocalChain

from .saved_chains import NETWORK, make_chain, make_wallet


@pytest.fixture(scope="session")
def chain_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a chain of payments."""
    directory = tmp_path_factory.mktemp("chain")
    make_chain(directory)
    return directory


@pytest.fixture(scope="session")
def bootstrap_file(chain_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That chain as one file."""
    file = tmp_path_factory.mktemp("bootstrap") / "bootstrap.dat"
    chain = LocalChain(NETWORK, chain_directory)
    export_blocks(chain, file)
    chain.close()
    return file


@pytest.fixture(scope="session")
def wallet_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a wallet that has coins to spend."""
    directory = tmp_path_factory.mktemp("wallet")
    trio.run(make_wallet, directory)
    return directory
