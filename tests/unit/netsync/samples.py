"""A header with its certificate, one behind which other members sign, and one behind a recovery."""

from dataclasses import replace

from tests.unit.chain.recovered_banks import LEFT, draft, lock_on, statement
from tests.unit.signers.banks import BANKS, KEYS, precommit
from tests.unit.wire.samples import HEADER

from minicoin.core.netsync.certified import CertifiedHeader
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.certificate import certificate_of
from minicoin.core.signers.members import MemberList

ITEM = CertifiedHeader(HEADER, certificate_of((precommit(key, HEADER.hash) for key in KEYS[:4]), BANKS))
MOVED_ITEM = replace(ITEM, next_members=MemberList(BANKS.keys[1:]))
LOCKED_STATEMENT = statement(draft(6, BlockHash(b"b" * 32)), LEFT[0], lock_on(BlockHash(b"l" * 32)))
RECOVERED_ITEM = replace(MOVED_ITEM, recoveries=(LOCKED_STATEMENT, LOCKED_STATEMENT))
