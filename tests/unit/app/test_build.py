"""What a node that cannot be built says."""

from pathlib import Path

import pytest

from minicoin.app.build import damage_text
from minicoin.core.faults import DecodeError
from minicoin.core.node.assemble import DocumentDamaged


@pytest.mark.parametrize(
    ("key", "has_remedy"), [("sign-state", True), ("sign-state-2", True), ("sign-blocks", True), ("wallet", False)]
)
def test_what_a_key_signed_is_mended_by_no_older_copy(key: str, has_remedy: bool) -> None:
    told = damage_text(Path("state") / key, DocumentDamaged(key, DecodeError("it is cut short")))
    assert told.startswith(f"state/{key} cannot be read: it is cut short")
    assert told.endswith("docs/upkeep.md, A lost record") == has_remedy
