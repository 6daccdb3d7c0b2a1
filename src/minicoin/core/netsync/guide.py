"""Up to its anchor a node follows one peer at a time, its guide, and forgets what that one showed if it leads
elsewhere.

Where members sign the blocks nothing final is ever undone, so whoever shows a newcomer another history first, signed
with keys that members gave up long ago, would keep it from the true one for good. While the anchor lies ahead:

- Headers are taken from the guide alone; whoever shows some that connect becomes it where there is none.
- No block is fetched and no tip moves: all there is are headers, which can be forgotten.
- A guide whose chain breaks a rule, contradicts the anchor or ends before it, or that is silent or gone, is the guide
  no more. What it showed is forgotten, and another peer is asked.

At the anchor all of this ends: below it the history is the one that the operator vouches for, since each header names
the one in front of it.
"""

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.faults import PeerFault
from minicoin.core.policy.anchor import Anchor
from minicoin.core.signers.certificate import Certificate
from minicoin.core.units import ConnId


class Guide:
    """Who leads the way to the anchor. Without an anchor nobody does, and everybody is followed."""

    def __init__(self, tree: HeaderTree, anchor: Anchor | None) -> None:
        self._tree = tree
        self._anchor = anchor
        self._conn: ConnId | None = None
        self._contradiction = ""

    @property
    def is_needed(self) -> bool:
        """Whether the anchor lies ahead."""
        return self._anchor is not None and self._tree.best_header.height < self._anchor.height

    @property
    def contradiction(self) -> str:
        """How the chain that a peer showed last contradicts the anchor; empty where none did, and at the anchor: then
        it was the peer that was wrong."""
        return self._contradiction if self.is_needed else ""

    def accept(self, conn: ConnId) -> bool:
        """Whether headers that this peer shows, and that connect, are taken."""
        if not self.is_needed:
            return True
        if self._conn is None:
            self._conn = conn
        return self._conn == conn

    def check(self, certificate: Certificate) -> None:
        """Raises PeerFault where the header of this certificate is not the anchor's, and should be."""
        problem = None if self._anchor is None else self._anchor.contradiction(certificate)
        if problem is not None:
            self._contradiction = problem
            raise PeerFault(f"its chain contradicts the anchor: {problem}", score=100)

    def leave(self, conn: ConnId) -> bool:
        """This peer leads no further. Whether it was the guide, and what it showed is forgotten."""
        if self._conn != conn:
            return False
        self._conn = None
        if not self.is_needed:
            return False
        self._tree.forget_unstored()
        return True
