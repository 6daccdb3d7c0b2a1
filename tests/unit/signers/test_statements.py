"""Statements of members."""

from minicoin.core.crypto.hashing import tagged_hash
from minicoin.core.signers.statements import StatementKind

from .banks import DRAFT, NETWORK_ID


def test_a_statement_is_signed_under_its_tag_for_one_network() -> None:
    assert StatementKind.ADMISSION.digest(NETWORK_ID, DRAFT.body()) == DRAFT.digest(NETWORK_ID)
    assert DRAFT.digest(NETWORK_ID) == tagged_hash("minicoin/admission", NETWORK_ID + DRAFT.body())
