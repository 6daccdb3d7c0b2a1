"""The headers that the engine knows: its own view of them, apart from the header tree's on the loop (ADR 5).

1. It takes what the tree accepted, parents first, and judges no header again. A header whose parent is unknown is left
   out: it comes once more, with its block.
2. Where members sign, a header is known with its certificate only. What the store holds without one nobody was told of,
   so it is fetched again.
3. Nothing is chosen here, so no work is weighed; and nothing is forgotten, since the tree decides what reaches the
   store.
4. At the start the coins may stand at a block that a recovery leaves behind: its header is known no more, and `load`
   gives the way back to the last one that is.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, repeat

from minicoin.core.chain.certified import CertifiedChain
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.store import ChainStore
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.signers.certificate import KeptCertificate


class KnownHeaders:
    """Over a store, which remembers what is added. `certified` is None where members do not sign."""

    def __init__(self, genesis: HeaderNode, store: ChainStore, certified: CertifiedChain | None) -> None:
        self._store = store
        self._certified = certified
        self._nodes: dict[BlockHash, HeaderNode] = {genesis.hash: genesis}

    def __contains__(self, block: BlockHash) -> bool:
        return block in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, block: BlockHash) -> HeaderNode | None:
        """The node of a block, or None where its header is not known."""
        return self._nodes.get(block)

    def height_of(self, block: BlockHash) -> int | None:
        """Its height, or None where its header is not known."""
        node = self._nodes.get(block)
        return None if node is None else node.height

    def headers(self) -> Iterator[BlockHeader]:
        """Every one, parents first, without the genesis block's."""
        return (node.header for node in list(self._nodes.values())[1:])

    def certificates(self) -> Iterator[KeptCertificate]:
        """What makes each of these final, in the same order; nothing where members do not sign."""
        if self._certified is None:
            return iter(())
        certified = self._certified
        return (certified.kept_at(node.height) for node in list(self._nodes.values())[1:])

    def load(self, stands: BlockHash) -> tuple[HeaderNode | None, list[BlockHeader]]:
        """Take what the store remembers: the highest known block at or below `stands`, and the headers from there up
        to it that are not known, highest first. None where there is no way back."""
        left: dict[BlockHash, BlockHeader] = {}
        for header in self._store.headers():
            if self._add(header, self._store.certificate(header.hash)) is None:
                left[header.hash] = header
        behind: list[BlockHeader] = []
        while stands not in self._nodes and stands in left:
            behind.append(left[stands])
            stands = behind[-1].previous
        return self._nodes.get(stands), behind

    def recovered(self) -> Iterator[tuple[BlockHeader, KeptCertificate | None]]:
        """What a crash left stored and not indexed, each with its certificate where members sign."""
        for header in list(self._store.recovered_headers()):
            kept = None if self._certified is None else self._store.certificate(header.hash)
            if self._certified is None or kept is not None:
                yield header, kept

    def add(self, headers: Iterable[BlockHeader], certificates: Iterable[KeptCertificate] = ()) -> int:
        """Take headers that the header tree accepted, parents first, and have the store remember them; where members
        sign, with the certificates in the same order. How many were new."""
        fresh: list[HeaderNode] = []
        signed: list[tuple[BlockHash, KeptCertificate]] = []
        for header, kept in zip(headers, chain(certificates, repeat(None)), strict=False):
            node = self._add(header, kept)
            if node is not None:
                fresh.append(node)
                if kept is not None:
                    signed.append((node.hash, kept))
        self._store.add_headers((node.height, node.header) for node in fresh)
        if signed:
            self._store.add_certificates(signed)
        return len(fresh)

    def _add(self, header: BlockHeader, kept: KeptCertificate | None) -> HeaderNode | None:
        """The new node; None where it is known already or its parent is not, or where it lacks a certificate."""
        parent = self._nodes.get(header.previous)
        if parent is None or header.hash in self._nodes:
            return None
        if self._certified is not None and (
            kept is None or not self._certified.load(kept, header.hash, parent.height + 1)
        ):
            return None
        node = self._nodes[header.hash] = HeaderNode(header, parent, 0)
        return node
