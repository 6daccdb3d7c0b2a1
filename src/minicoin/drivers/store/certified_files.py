"""Certificates of blocks in files: each lies in the coinbase of the next block, and the tip's in FILE.cert beside FILE.

FILE.cert holds the certificate as the store keeps it, with the next list of members where that is another. Nothing in a
file is trusted: certificates are judged by the chain, and lists are found by the hash that certificates name.
"""

from collections.abc import Iterable
from pathlib import Path

from minicoin.core.chain.coinbase_tags import CoinbaseTags, read_tags
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import BLOCKS_WITHOUT_CERTIFICATE_MAX
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.signers.certificate import Certificate, KeptCertificate, keep
from minicoin.core.signers.members import MemberList
from minicoin.drivers.store.errors import StoreFull, is_full
from minicoin.drivers.store.local_chain import LocalChain


def certificate_path(path: Path) -> Path:
    """Where the certificate of a file's last block lies."""
    return path.with_name(path.name + ".cert")


def export_certificate(chain: LocalChain, path: Path) -> Path | None:
    """Write what makes the tip final beside an export; None where nothing does. Raises StoreFull and MisuseError."""
    (*_, kept) = (None, *chain.tree.certificates((chain.tree.tip.header,)))
    if kept is None:
        return None
    target = certificate_path(path)
    partial = target.with_name(target.name + ".partial")
    try:
        partial.write_bytes(kept.encode())
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if is_full(error):
            raise StoreFull(target, error) from error
        raise MisuseError(f"cannot write {target}: {error.strerror}") from error
    return target


class FoundCertificates:
    """What an import has found so far on a network whose blocks members sign: which blocks wait for the next one, since
    it carries their certificates, and the lists that changes brought."""

    def __init__(self, chain: LocalChain, paths: Iterable[Path]) -> None:
        self._waiting: dict[BlockHash, RawBlock] = {}
        self._of_tips: dict[BlockHash, KeptCertificate] = {}
        self._lists: dict[bytes, MemberList] = {}
        signers = chain.tree.signers
        if signers is None:
            raise MisuseError(f"nobody certifies the blocks of {chain.network.name}")
        self._named = {one.hash for one in signers.recoveries.named}
        for one in signers.recoveries.named:
            self._lists[one.members.hash] = one.members
        for _, members in signers.lists():
            self._lists[members.hash] = members
        for carried in signers.carried.members.carried():
            self._lists[carried.change.members.hash] = carried.change.members
        for path in map(certificate_path, paths):
            if path.exists():
                self._read(path)

    def _read(self, path: Path) -> None:
        try:
            kept = KeptCertificate.decode(path.read_bytes())
            self._of_tips[kept.certificate.block] = kept
            if kept.members is not None:
                self._lists[kept.members.hash] = kept.members
        except OSError as error:
            raise MisuseError(f"cannot read {path}: {error.strerror}") from error
        except DecodeError as error:
            raise MisuseError(f"{path} is no certificate ({error}); move it away to import without it") from error

    def waiting(self) -> tuple[RawBlock, ...]:
        """The blocks without a certificate."""
        return tuple(self._waiting.values())

    def parent_of(self, block: RawBlock) -> RawBlock | None:
        """The block in front of this one, where it waits for it."""
        return self._waiting.get(block.header.previous)

    def carried_by(self, block: RawBlock) -> KeptCertificate | None:
        """The certificate of its parent; None where it carries none that can be read. Raises MisuseError where that
        was made behind a recovery that is not named."""
        tags = _tags(block)
        for one in tags.recoveries:
            if one.hash not in self._named:
                raise MisuseError(
                    f"behind block {one.height} this chain goes on by recovery {one.hash.hex()}, which is not named: "
                    "if your bank agreed to it, import with --recovery and its file"
                )
        return None if tags.certificate is None else self._keep(tags.certificate)

    def of_tip(self, block: RawBlock) -> KeptCertificate | None:
        """What lies beside the files for this block."""
        return self._of_tips.get(block.hash)

    def wait(self, block: RawBlock) -> bool:
        """Whether there is room for one more that waits."""
        if len(self._waiting) >= BLOCKS_WITHOUT_CERTIFICATE_MAX:
            return False
        self._waiting[block.hash] = block
        return True

    def stored(self, block: RawBlock) -> None:
        """It has its certificate, and the list that it brings will sign."""
        self._waiting.pop(block.hash, None)
        change = _tags(block).change
        if change is not None:
            self._lists[change.members.hash] = change.members

    def drop(self, block: RawBlock) -> None:
        """It is invalid."""
        self._waiting.pop(block.hash, None)

    def _keep(self, certificate: Certificate) -> KeptCertificate:
        return keep(certificate, self._lists.get(certificate.next_members))


def _tags(raw: RawBlock) -> CoinbaseTags:
    """What the coinbase says; nothing where the block or they cannot be read, which the chain will say."""
    try:
        transactions = Block.parse(raw.raw).transactions
        return read_tags(transactions[0]) if transactions else CoinbaseTags()
    except DecodeError:
        return CoinbaseTags()
