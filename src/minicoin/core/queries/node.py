"""The node's reading side: pure reads of one moment, run on the loop between two events.

A query takes at most 5 ms; what may be longer comes in pages. What changes the node is a command.
"""

from minicoin.core.queries.admission import AdmissionQueries
from minicoin.core.queries.chain import ChainQueries
from minicoin.core.queries.configuration import ConfigurationQueries
from minicoin.core.queries.consensus import ConsensusQueries
from minicoin.core.queries.evidence import EvidenceQueries
from minicoin.core.queries.members import MemberQueries
from minicoin.core.queries.mempool import PoolQueries
from minicoin.core.queries.network import NetworkQueries
from minicoin.core.queries.records import RecordQueries
from minicoin.core.queries.recoveries import RecoveryQueries
from minicoin.core.queries.wallet import WalletQueries
from minicoin.core.units import Micros
from minicoin.core.view import NodeView


class NodeQueries:
    """Everything outside may ask; the answers are frozen and outlive the moment."""

    __slots__ = (
        "_view",
        "admission",
        "chain",
        "configuration",
        "consensus",
        "evidence",
        "members",
        "mempool",
        "network",
        "now",
        "records",
        "recoveries",
        "wallet",
    )

    def __init__(self, view: NodeView, now: Micros) -> None:
        self._view = view
        self.now = now
        self.admission = AdmissionQueries(view)
        self.chain = ChainQueries(view, now)
        self.configuration = ConfigurationQueries(view)
        self.consensus = ConsensusQueries(view)
        self.evidence = EvidenceQueries(view)
        self.members = MemberQueries(view)
        self.mempool = PoolQueries(view, now)
        self.network = NetworkQueries(view, now)
        self.records = RecordQueries(view)
        self.recoveries = RecoveryQueries(view)
        self.wallet = WalletQueries(view)

    def warnings(self) -> tuple[str, ...]:
        """What an operator should know: why the chain stands still or soon may, who lied, the network's alerts,
        admission and configuration."""
        failure = (self._view.failure,) if self._view.failure else ()
        members = (*self.consensus.warnings(), *self.evidence.warnings())
        network = (*self.records.alerts(), *self.admission.warnings(), *self.configuration.warnings())
        return (*failure, *members, *network)
