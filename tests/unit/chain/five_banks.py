"""Five banks, two more that join later, and what takes their chains."""

from collections.abc import Iterable

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.store import ChainStore, MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.units import Micros
from minicoin.testing.certified_chain import (
    CertifiedBlock,
    CertifiedMaker,
    allocation_of,
    signer_network,
    signing_keys,
)

KEYS = signing_keys(5)
NEW_KEYS = signing_keys(2, start=50)
NETWORK = signer_network(KEYS, allocation=allocation_of(3))
assert isinstance(NETWORK.proof, SignersKind)
FOUNDING = NETWORK.proof.founding_list


def maker(height: int = 0) -> CertifiedMaker:
    made = CertifiedMaker(NETWORK, (*KEYS, *NEW_KEYS))
    made.grow(height)
    return made


def add_header(tree: HeaderTree, certified: CertifiedBlock) -> None:
    tree.certify(certified.certificate, certified.next_members)
    tree.add(certified.header, Micros(0))


def tree_of(blocks: Iterable[CertifiedBlock]) -> HeaderTree:
    tree = HeaderTree(NETWORK)
    for certified in blocks:
        add_header(tree, certified)
    return tree


def new_engine(store: ChainStore | None = None) -> ChainEngine:
    return ChainEngine(NETWORK, MemoryChainStore() if store is None else store, ScriptedVerifier())


def connect(engine: ChainEngine, certified: CertifiedBlock) -> str:
    """What is wrong with a block on the tip; nothing where it is the tip now."""
    try:
        engine.store_block(certified.raw, engine.height + 1, certified.kept)
    except BlockRejected as refusal:
        return str(refusal)
    _, invalid = engine.activate(engine.tip, (certified.block.hash,))
    return "" if invalid is None else f"{invalid.name}, {invalid.detail}"


def engine_at(made: CertifiedMaker, store: ChainStore | None = None) -> ChainEngine:
    engine = new_engine(store)
    for certified in made.blocks:
        assert connect(engine, certified) == ""
    return engine


def says(refusal: str, reason: BlockReason) -> bool:
    return refusal.startswith(f"{reason}, ")
