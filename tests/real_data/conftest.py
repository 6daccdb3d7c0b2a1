"""Where the shared test data lies, and the visible skip where it does not."""

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    if not DATA.is_dir():
        pytest.skip(f"the shared test data is not at {DATA}")
    return DATA
