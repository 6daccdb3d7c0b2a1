"""A header with its certificate, and one behind which other members sign."""

from dataclasses import replace

from tests.unit.signers.banks import BANKS, KEYS, precommit
from tests.unit.wire.samples import HEADER

from minicoin.core.netsync.certified import CertifiedHeader
from minicoin.core.signers.certificate import certificate_of
from minicoin.core.signers.members import MemberList

ITEM = CertifiedHeader(HEADER, certificate_of((precommit(key, HEADER.hash) for key in KEYS[:4]), BANKS))
MOVED_ITEM = replace(ITEM, next_members=MemberList(BANKS.keys[1:]))
