"""Every notice and report has a line; the words and names that people and programs look for do not change."""

from dataclasses import fields
from typing import get_args

import pytest
from tests.unit.signers.banks import ADMISSIONS, BANKS, CERTIFICATES, CONFIGURATIONS, KEYS, VOTES, public

from minicoin.app.log_lines import AREA_OF, line_of
from minicoin.core import notices
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.address import AddressSource, NodeAddress
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Txid
from minicoin.core.primitives.verdicts import BlockReason, TxReason
from minicoin.core.signers.changes import MemberChange
from minicoin.core.units import ConnId
from minicoin.drivers import reports

CONN = ConnId(3)
PEER = NodeAddress("10.0.0.1", 18444)
BLOCK = BlockHash(bytes(range(32)))
TXID = Txid(bytes(range(1, 33)))
OTHER = Txid(bytes(range(2, 34)))
HEX, TX_HEX, OTHER_HEX = map(hash_to_hex, (BLOCK, TXID, OTHER))
ONE_HEX, SECOND_HEX = (hash_to_hex(one.block) for one in (CERTIFICATES.first, CERTIFICATES.second))

LINES = [
    (notices.BlockDisconnected(BLOCK, 7), f"block-disconnected height=7 block={HEX}"),
    (notices.BlockConnected(BLOCK, 7), f"block-connected height=7 block={HEX}"),
    (notices.TipMoved(BLOCK, 7, 9), f"tip height=7 block={HEX}"),
    (notices.Reorganised(1, 2, BLOCK), f"reorg disconnected=1 connected=2 tip={HEX}"),
    (
        notices.BlockMarkedInvalid(BLOCK, BlockReason.MALFORMED, "too short"),
        f"block-refused block={HEX} reason=malformed detail=too short",
    ),
    (notices.ChainHalted("store", "no space"), "work-failed what=store error=no space"),
    (notices.QuorumPresent(4, 4), "quorum present=4 needed=4"),
    (
        notices.QuorumLost(3, 4, (b"a" * 32, b"b" * 32)),
        f"quorum-lost present=3 needed=4 missing={'61' * 32},{'62' * 32}",
    ),
    (
        notices.RecoverySigned(b"\xab" * 2, 9, BLOCK, (b"k", b"l")),
        f"recovery-signed recovery=abab height=9 block={HEX} members=2",
    ),
    (
        notices.RecoveryNamed(b"\xab" * 2, 9, BLOCK, (b"k", b"l"), (b"m",)),
        f"recovery-named recovery=abab height=9 block={HEX} members=2 signers=1",
    ),
    (
        notices.RecoveryUnnamed(b"\xab" * 2, 9),
        "recovery-unnamed recovery=abab height=9 remedy=--recovery with its file, if your bank agreed to it",
    ),
    (
        notices.RecoveryContradicted(b"\xab" * 2, 9, BLOCK, b"\xcd"),
        f"recovery-contradicted recovery=abab height=9 block={HEX} certificate=cd",
    ),
    (notices.SigningStopped("its key is used twice"), "signing-stopped reason=its key is used twice"),
    (
        notices.MembersCarried(9, BLOCK, MemberChange(1, 20, bytes(32), BANKS, ("A",) * 5)),
        f"members-carried version=1 from=20 height=9 members=5 block={HEX}",
    ),
    (notices.VoteCast(VOTES.accused, VOTES.first.vote), f"vote kind=precommit height=7 round=0 block={ONE_HEX}"),
    (
        notices.ConfigurationChanged(2, 9, (("alert", "hello"), ("mempool_mb", "50")), (b"k",), ()),
        "configuration version=2 height=9 settings=alert=hello mempool_mb=50 signers=1 unknown=",
    ),
    (
        notices.ConfigurationContradicted(2, (b"\1\2", b"\3"), True),
        "configuration-contradicted version=2 members=0102,03 split=1",
    ),
    (
        notices.SettingsCarried(1, 20, 9, (("min_interval_s", "5"),), (b"k", b"l")),
        "settings-carried version=1 from=20 height=9 settings=min_interval_s=5 signers=2",
    ),
    (
        notices.SettingsApplied(1, 20, (("min_interval_s", "5"),)),
        "settings-applied version=1 height=20 settings=min_interval_s=5",
    ),
    (notices.EvidenceFound(VOTES), f"signed-twice member={VOTES.accused.hex()} height=7 round=0"),
    (notices.EvidenceFound(CERTIFICATES), f"certified-twice height=7 one={ONE_HEX} other={SECOND_HEX}"),
    (
        notices.EvidenceFound(CONFIGURATIONS),
        f"configuration-signed-twice member={public(KEYS[1]).hex()} height=7 version=1",
    ),
    (notices.EvidenceFound(ADMISSIONS), f"admission-signed-twice member={public(KEYS[1]).hex()} height=7 version=1"),
    (notices.ProposalRefused(BLOCK, 7, "bad"), f"proposal-refused block={HEX} height=7 reason=bad"),
    (notices.Unanchored(BLOCK), f"unanchored genesis={HEX} remedy=--anchor with a member's file"),
    (notices.BlockMined(BLOCK), f"block-mined block={HEX}"),
    (notices.MinedBlockRefused("high-hash"), "mined-block-refused reason=high-hash"),
    (notices.TransactionAdded(TXID, 250, 141), f"tx-accepted txid={TX_HEX} fee=250 vsize=141"),
    (
        notices.TransactionRemoved(TXID, notices.RemovalReason.REPLACED, replaced_by=OTHER),
        f"tx-removed txid={TX_HEX} reason=replaced by={OTHER_HEX}",
    ),
    (
        notices.TransactionRemoved(TXID, notices.RemovalReason.CONFIRMED, block=BLOCK),
        f"tx-removed txid={TX_HEX} reason=block block={HEX}",
    ),
    (notices.TransactionRefused(TXID, TxReason.MALFORMED), f"tx-refused txid={TX_HEX} reason=malformed"),
    (notices.MempoolNotRestored("cut"), "mempool-not-restored error=cut"),
    (notices.PeerOpened(CONN, PEER, True), "peer-opened conn=3 remote=10.0.0.1:18444 inbound=1"),
    (notices.PeerReady(CONN, PEER, "/a/", 5), "peer-ready conn=3 remote=10.0.0.1:18444 agent=/a/ height=5"),
    (notices.PeerClosed(CONN, PEER, "it left"), "peer-closed conn=3 remote=10.0.0.1:18444 reason=it left"),
    (notices.PeerRefused(CONN, PEER, "full"), "peer-refused conn=3 remote=10.0.0.1:18444 reason=full"),
    (notices.PeerPenalised(CONN, PEER, "lie", 20), "peer-fault conn=3 remote=10.0.0.1:18444 reason=lie score=20"),
    (notices.MessageDropped(CONN, PEER, "sum", 4), "message-dropped conn=3 remote=10.0.0.1:18444 reason=sum count=4"),
    (notices.PeerUnreachable(PEER, "refused", True), "dial-failed remote=10.0.0.1:18444 reason=refused chosen=1"),
    (notices.InboundLost(PEER, "garbage"), "inbound-failed remote=10.0.0.1:18444 reason=garbage"),
    (notices.NetworkSwitched(True), "network-active"),
    (notices.NetworkSwitched(False), "network-inactive"),
    (notices.AddressesLearned(AddressSource.DNS, "seed", (PEER,)), "addresses-found source=dns origin=seed count=1"),
    (
        notices.AddressesForgotten(AddressSource.REGISTRY, "etcd", (PEER,)),
        "addresses-gone source=registry origin=etcd count=1",
    ),
    (
        notices.RecordsLearned(
            (
                notices.LearnedRecord("status", b"\0\1", "address", 7),
                notices.LearnedRecord("alert", b"\0\1", "", 8),
                notices.LearnedRecord("status", b"\0\2", "address", 9),
            )
        ),
        "records count=3 kinds=status,alert",
    ),
    (notices.RecordsIgnored("etcd", 2, "too long"), "records-ignored origin=etcd count=2 reason=too long"),
    (notices.OwnAddressLearned(PEER), "own-address address=10.0.0.1:18444"),
    (notices.LetterReceived(b"\0\1", b"\xab" * 2, "hello you"), "letter from=12 id=abab text=hello you"),
    (notices.WalletChanged((TXID, OTHER)), f"wallet-changed txids={TX_HEX},{OTHER_HEX}"),
    (notices.WalletNotSaved("no space"), "wallet-not-saved error=no space"),
    (notices.PaymentAbandoned(TXID), f"payment-abandoned txid={TX_HEX}"),
    (
        notices.AdmissionChanged(2, ("Bank 6",), ("Bank 5", "Bank 4"), 9, ADMISSIONS.first),
        "admission version=2 admitted=Bank 6 expelled=Bank 5, Bank 4 nodes=9",
    ),
    (
        notices.OwnAdmissionLost(2),
        "admission-lost version=2 reason=this node is not named: others refuse it",
    ),
    (
        notices.AdmissionContradicted(2, (b"\1\2", b"\3"), True),
        "admission-contradicted version=2 members=0102,03 split=1",
    ),
    (reports.AuditTroubled("no space left"), "audit-not-written reason=no space left"),
    (reports.RecordingEnded("the limit", 9, 2048), "recording-ended reason=the limit events=9 bytes=2048"),
    (reports.AcceptFailed("no files"), "accept-failed reason=no files"),
    (reports.RpcAcceptFailed("no files"), "rpc-accept-failed reason=no files"),
    (reports.MdnsFailed("no link"), "mdns-failed reason=no link"),
    (reports.MiningFailed("no files"), "mining-failed reason=no files"),
    (reports.RegistryConnected("file:///x", 4), "registry endpoint=file:///x nodes=4"),
    (reports.RegistryLost("file:///x", "gone"), "registry-lost endpoint=file:///x reason=gone"),
    (reports.RegistryWarned("file:///x", "forged"), "registry-warning endpoint=file:///x reason=forged"),
    (reports.RegistryFilesReplaced("https://x"), "registry-files-replaced endpoint=https://x"),
    (notices.TakeOverRefused("it is alive"), "takeover-refused reason=it is alive"),
    (reports.SignerFound("/s", (b"\1", b"\2")), "signer place=/s keys=01 02"),
    (reports.SignerLost("/s", "it is gone"), "signer-lost place=/s reason=it is gone"),
]


@pytest.mark.parametrize(("notice", "expected"), LINES, ids=lambda value: value if isinstance(value, str) else "")
def test_the_text_of_a_line(notice: notices.Notice | reports.Report, expected: str) -> None:
    line = line_of(notice)
    assert " ".join((line.word, *(f"{name}={value}" for name, value in line.fields.items()))) == expected


def test_no_notice_is_without_a_line() -> None:
    told = {type(notice) for notice, _ in LINES}
    assert told == {*get_args(notices.Notice), *get_args(reports.Report)}


def test_areas_are_of_notices_that_there_are() -> None:
    assert set(AREA_OF) < set(get_args(notices.Notice))


@pytest.mark.parametrize("kind", get_args(reports.Report))
def test_a_report_cannot_be_changed_by_who_hears_it(kind: type) -> None:
    assert kind.__dataclass_params__.frozen and "__slots__" in vars(kind)
    assert fields(kind)
