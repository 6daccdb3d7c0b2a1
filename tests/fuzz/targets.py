"""The fuzz targets: one function per decoder of hostile bytes, with well-formed seeds to mutate.

A target returns for a value or a refusal of the allowed kind; any other exception, and a value that does not survive
its own encoding, is a finding.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256

from tests.unit.chain.five_banks import KEYS as BANK_KEYS
from tests.unit.chain.five_banks import maker as banks_chain
from tests.unit.consensus.samples import RAW_BLOCK
from tests.unit.consensus.samples import SAMPLES as CONSENSUS_SAMPLES
from tests.unit.consensus.test_sign_state import BEHIND, EMPTY, LEANING, LOCKED, PROMISED, plain, recovered
from tests.unit.drivers.audit.test_entry import ENTRY
from tests.unit.drivers.signer.samples import FRAMES as SIGNER_FRAMES
from tests.unit.netsync.samples import ITEM, LOCKED_STATEMENT, MOVED_ITEM, RECOVERED_ITEM
from tests.unit.overlay.gossip.samples import SAMPLES as GOSSIP_SAMPLES
from tests.unit.overlay.index.samples import SAMPLES as INDEX_SAMPLES
from tests.unit.overlay.kademlia.contacts import contact
from tests.unit.overlay.kademlia.samples import SAMPLES as KAD_SAMPLES
from tests.unit.overlay.supernode.made import address, leaf_record, status_record
from tests.unit.overlay.supernode.samples import SAMPLES as SUPERNODE_SAMPLES
from tests.unit.records.world import ALICE, BOB, GROUP, NETWORK, record_of
from tests.unit.signers.banks import ADMISSIONS, CERTIFICATES, CONFIGURATIONS, DRAFT, FIRST, NETWORK_ID, VOTES
from tests.unit.wire.samples import HEADER, IPV4, IPV6, LEGACY_TX, LIBP2P, SAMPLES, SEGWIT_TX, encode_reject

from minicoin.core.addrmgr.book import AddressBook
from minicoin.core.admission.state import AdmissionState
from minicoin.core.answers import LetterProblem
from minicoin.core.chain.coinbase_tags import CoinbaseTags
from minicoin.core.configuration.form import new_configuration, read_configuration
from minicoin.core.consensus.shelf import WrittenBlocks
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.crypto.hashing import sha256d
from minicoin.core.directed.letter import write_letter
from minicoin.core.directed.letterbox import Asker, Letterbox
from minicoin.core.directed.messages import LetterFailed, LetterMessage, LetterTaken, Receipt
from minicoin.core.encoding.base58 import decode_base58, decode_base58check, encode_base58, encode_base58check
from minicoin.core.encoding.bech32 import decode_bech32, encode_segwit, witness_program_of
from minicoin.core.encoding.bech32_errors import locate_errors
from minicoin.core.encoding.compact import decode_compact, encode_compact
from minicoin.core.encoding.hashes import hash_from_hex, hash_to_hex
from minicoin.core.encoding.multiaddr import decode_multiaddr, encode_multiaddr
from minicoin.core.evidence.state import EvidenceState
from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import SUPER_PARENTS_MAX
from minicoin.core.netsync.certified import CertifiedHeaders
from minicoin.core.overlay.kademlia.dht_message import DhtMessage
from minicoin.core.overlay.kademlia.keyspace import contact_of
from minicoin.core.overlay.kademlia.messages import KadAnswer, KadAsk
from minicoin.core.overlay.kademlia.saved import decode_contacts, encode_contacts
from minicoin.core.overlay.supernode.entries import attachment_of, status_of
from minicoin.core.overlay.supernode.memory import read_memory, write_memory
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import Block, BlockHeader
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.records.document import decode_records, encode_records
from minicoin.core.records.held import Held
from minicoin.core.records.messages import FIRST_SOURCE, LAST_SOURCE, RecordDelta, RecordDigest, RecordValues
from minicoin.core.records.record import decode_record, evidence_record, statement_record
from minicoin.core.rng import Rng
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.certificate import KeptCertificate, keep
from minicoin.core.signers.evidence import decode_evidence
from minicoin.core.signers.recovery import Recovery
from minicoin.core.signers.settings import FIRST_CONFIGURATION, ConfigurationRecord, configuration_record
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.core.wire import messages as m
from minicoin.core.wire.codec import TABLE, command_of, decode_payload, encode_payload
from minicoin.core.wire.frame import FrameDecoder, encode_frame
from minicoin.core.wire.messages_extension import ExtensionMessage, Offer
from minicoin.drivers.audit.entry import parse_entry
from minicoin.drivers.registry.consul_api import read_conflict, read_folders, read_values
from minicoin.drivers.registry.content import Place, decode_entry, encode_entry, read_key
from minicoin.drivers.registry.etcd_json import EtcdFailure, read_created, read_page, read_watch
from minicoin.drivers.registry.foreign_json import as_object, decode
from minicoin.drivers.registry.kept import Kept, KeptNode, decode_kept, encode_kept
from minicoin.drivers.signer.protocol import SignerFrameReader, decode_frame
from minicoin.drivers.signer.protocol import encode_frame as encode_signer_frame

MAGIC = bytes.fromhex("fabfb5da")
# Their text is made readable and their later fields are dropped, so their bytes need not come back the same.
_LOSSY = (m.Version, m.Reject, m.Addr, m.AddrV2)


@dataclass(frozen=True, slots=True)
class Target:
    """`run` takes any bytes; `seeds` are well-formed inputs."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def _allow_refusal(check: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def run(raw: bytes) -> None:
        try:
            check(raw)
        except DecodeError:
            return

    return run


def _sign_state(body: bytes) -> None:
    """Of an older version as it is; of today's with its hash, which no mutation would hit."""
    raw = body + sha256(body).digest() if body.startswith(b"\x03") else body
    state = SignState.decode(raw)
    assert SignState.decode(state.encode()) == state


def _recovery(raw: bytes) -> None:
    recovery = Recovery.decode(raw)
    assert recovery.encode() == raw
    for one in recovery.signatures:
        assert Recovery.decode_statement(recovery.statement(one.lock))[1] == one.lock


@_allow_refusal
def _signer_frame(raw: bytes) -> None:
    """What is read is what is written, and a whole frame is found in any pieces."""
    frame = decode_frame(raw)
    whole = encode_signer_frame(frame)
    assert whole[4:] == raw
    reader = SignerFrameReader()
    assert [one for at in range(len(whole)) for one in reader.feed(whole[at : at + 1])] == [frame]


def _message(command: str) -> Callable[[bytes], None]:
    def check(raw: bytes) -> None:
        message = decode_payload(command, raw)
        assert command_of(message) == command
        if isinstance(message, m.Addr | m.AddrV2):
            assert decode_payload(command, encode_payload(message)) == message
        elif not isinstance(message, _LOSSY):
            assert encode_payload(message) == raw

    return _allow_refusal(check)


def _extension(kind: type[ExtensionMessage]) -> Callable[[bytes], None]:
    """Of a message beyond Bitcoin's: whatever it reads it writes again."""

    def check(raw: bytes) -> None:
        message = decode_payload(kind.command, raw, {kind.command: kind})
        assert isinstance(message, kind)
        assert encode_payload(message) == raw

    return _allow_refusal(check)


def _dht_message(raw: bytes) -> None:
    """Unknown fields are passed over: what is left survives its own encoding, and no address dials somebody else."""
    message = DhtMessage.decode(raw)
    assert DhtMessage.decode(message.encode()) == message
    for peer in (*message.closer, *message.providers):
        assert all(address.peer_id == peer.id for address in peer.dialable())


def _saved_contacts(body: bytes) -> None:
    """With its checksum put right."""
    found = decode_contacts(body + sha256(body).digest())
    again = [contact_of(address, b"") for address in found]
    assert decode_contacts(encode_contacts(again)) == found


def _transaction(raw: bytes) -> None:
    transaction = Transaction.parse(raw)
    rebuilt = Transaction(
        transaction.version,
        transaction.inputs,
        transaction.outputs,
        transaction.lock_time,
        transaction.witnesses,
    )
    assert rebuilt.raw == raw
    assert rebuilt.txid == transaction.txid


def _coinbase_tags(raw: bytes) -> None:
    assert CoinbaseTags.decode(raw).encode() == raw


def _certificate_file(raw: bytes) -> None:
    """FILE.cert: what is read of it is written again."""
    kept = KeptCertificate.decode(raw)
    assert keep(kept.certificate, kept.members).encode() == raw


def _certificate_file_seeds() -> tuple[bytes, ...]:
    made = banks_chain(2)
    made.extend(change=made.change(BANK_KEYS[1:]))
    made.grow(1)
    return tuple(certified.kept.encode() for certified in made.blocks[-2:])


def _tags_seeds() -> tuple[bytes, ...]:
    made = banks_chain(2)
    certificate, change = made.blocks[-1].certificate, made.change(BANK_KEYS[1:])
    settings = made.change_settings(("min_interval_s", "5"), ("later", "is unknown"))
    said = (
        CoinbaseTags(certificate),
        CoinbaseTags(certificate, change, None, RECOVERED_ITEM.recoveries),
        CoinbaseTags(certificate, None, settings),
    )
    return tuple(tags.encode() for tags in said)


def _configuration(raw: bytes) -> None:
    assert ConfigurationRecord.decode(raw).encode() == raw


def _configuration_state(body: bytes) -> None:
    """As the address book."""
    raw = body + sha256(body).digest()
    assert read_configuration(raw, NETWORK_ID).to_bytes(NETWORK_ID) == raw


def _configuration_seeds() -> tuple[bytes, ...]:
    record = configuration_record(2, 9, bytes(32), [("alert", "hello"), ("mempool_mb", "50")])
    for key in BANK_KEYS[:4]:
        record = record.signed_by(key, bytes(32))
    return (record.encode(), FIRST_CONFIGURATION.encode())


def _block(raw: bytes) -> None:
    assert Block.parse(raw).raw == raw


def _header(raw: bytes) -> None:
    assert BlockHeader.parse(raw).raw == raw[:80]


def _segwit(raw: bytes) -> None:
    text = raw.decode("latin-1")
    locate_errors(text)
    decoded = decode_bech32(text)
    if decoded is not None:
        hrp, values, constant = decoded
        assert encode_segwit(hrp, *witness_program_of(values, constant)) == text.lower()


def _base58(raw: bytes) -> None:
    text = raw.decode("latin-1")
    assert encode_base58(decode_base58(text)) == text


def _base58check(raw: bytes) -> None:
    text = raw.decode("latin-1")
    assert encode_base58check(decode_base58check(text)) == text


def _compact(raw: bytes) -> None:
    value, end = decode_compact(raw, 0)
    assert encode_compact(value) == raw[:end]


def _hash(raw: bytes) -> None:
    text = raw.decode("latin-1")
    assert len(hash_to_hex(hash_from_hex(text))) == 64


def _multiaddr(raw: bytes) -> None:
    assert encode_multiaddr(*decode_multiaddr(raw)) == raw


def _node_address(raw: bytes) -> None:
    address = NodeAddress.parse(raw.decode("latin-1"), 8333)
    assert 0 < address.port < 65536


def _super_status(value: bytes) -> None:
    """With whatever signature: values are read before that is checked."""
    status = status_of(replace(status_record(1), value=value))
    assert status.address is None or status.address.port


def _super_leaf(value: bytes) -> None:
    where = attachment_of(replace(leaf_record(2, (1,)), value=value))
    assert len(where.supers) <= SUPER_PARENTS_MAX


def _super_memory(body: bytes) -> None:
    raw = body + sha256(body).digest()
    assert read_memory(write_memory(read_memory(raw))) == read_memory(raw)


def _address_book(body: bytes) -> None:
    """With its checksum put right, since a mutated one says no more than that it is wrong."""
    book = AddressBook.from_bytes(body + sha256(body).digest(), Rng(b"fuzz"), True)
    again = book.to_bytes()
    assert AddressBook.from_bytes(again, Rng(b"fuzz"), True).to_bytes() == again


def _address_book_seed() -> bytes:
    book = AddressBook(Rng(b"fuzz"), True)
    now = Micros(1_700_000_100 * SECOND_US)
    for source in (None, IPV4.address, IPV6.address):
        book.add([IPV4, IPV6, LIBP2P], source, now)
    book.mark_good(IPV4.address, now)
    return book.to_bytes()[:-32]


def _signer_blocks(raw: bytes) -> None:
    assert WrittenBlocks.decode(raw).encode() == raw


def _record(raw: bytes) -> None:
    assert decode_record(raw).encode() == raw


def _admission(raw: bytes) -> None:
    assert AdmissionRecord.decode(raw).encode() == raw


def _evidence(raw: bytes) -> None:
    assert decode_evidence(raw).encode() == raw


def _audit_entry(line: bytes) -> None:
    assert parse_entry(line).encode() == line


def _evidence_state(body: bytes) -> None:
    """As the address book."""
    raw = body + sha256(body).digest()
    assert EvidenceState.from_bytes(raw, NETWORK_ID).to_bytes(NETWORK_ID) == raw


def _evidence_document() -> bytes:
    state = EvidenceState()
    for one in (VOTES, CERTIFICATES):
        state.add(one)
    return state.to_bytes(NETWORK_ID)[:-32]


def _admission_state(body: bytes) -> None:
    """As the address book."""
    raw = body + sha256(body).digest()
    assert AdmissionState.from_bytes(raw, FIRST, NETWORK_ID).to_bytes(NETWORK_ID) == raw


def _records(body: bytes) -> None:
    """As the address book."""
    raw = body + sha256(body).digest()
    assert encode_records(decode_records(raw, NETWORK.network_id), NETWORK.network_id) == raw


_ENTRIES = ((b"\1" * 16, 5, 6), (b"\2" * 16, 7, 0))
_RECORD_SEEDS = (
    record_of().encode(),
    record_of(ALICE, BOB, kind="config", key="x").encode(),
    evidence_record(VOTES).encode(),
    statement_record("admission", 1, DRAFT.body(), [(bytes(32), bytes(64))]).encode(),
)


_LETTER = write_letter(
    Identity.from_number(1),
    bytes(32),
    target=Identity.from_number(2).peer_id.multihash,
    letter_id=bytes(range(16)),
    text="hello",
    now=Micros(1_800_000_000 * SECOND_US),
)
_LETTER_SAMPLES: tuple[ExtensionMessage, ...] = (
    LetterMessage(_LETTER, 2, floods=False),
    LetterTaken(bytes(32)),
    Receipt(bytes(32), 3, _LETTER.sender_key, _LETTER.signature),
    LetterFailed(bytes(32), 1, LetterProblem.NO_WAY),
)


def _letterbox(raw: bytes) -> None:
    Letterbox.from_bytes(raw)


def _letterbox_seed() -> bytes:
    letterbox = Letterbox()
    letterbox.take(_LETTER, bytes(32), Asker(ConnId(1), 1), Micros(0))
    document = letterbox.begin_write()
    assert document is not None
    return document


def _frame(raw: bytes) -> None:
    """The first byte says in which pieces the rest arrives, as it is and then with its checksum put right."""
    if not raw:
        return
    step, stream = raw[0] + 1, raw[1:]
    fixed = stream[:20] + sha256d(stream[24:])[:4] + stream[24:]
    for data in (stream, fixed):
        whole, pieces = _outcome(data, len(data) + 1), _outcome(data, step)
        assert whole == pieces


def _extensions(samples: Iterable[ExtensionMessage]) -> dict[str, Target]:
    """A target for each kind among the samples, which are its seeds."""
    kinds: dict[type[ExtensionMessage], list[bytes]] = {}
    for message in samples:
        kinds.setdefault(type(message), []).append(message.encode())
    return {f"message-{kind.command}": Target(_extension(kind), tuple(seeds)) for kind, seeds in kinds.items()}


def _outcome(data: bytes, step: int) -> tuple[list[m.Message], str]:
    decoder = FrameDecoder(MAGIC)
    taken: list[m.Message] = []
    try:
        for start in range(0, len(data), step):
            decoder.feed(data[start : start + step])
            while (found := decoder.next_message()) is not None:
                taken.append(found[0])
    except PeerFault as fault:
        # How much of a wrong magic was seen depends on the pieces; that it was refused does not.
        return taken, fault.reason.split(" magic")[0]
    return taken, ""


def _registry_key(raw: bytes) -> None:
    text = raw.decode("latin-1")
    assert read_key(text).key == text


def _registry_entry(raw: bytes) -> None:
    found = decode_entry(raw, NETWORK.network_id, _ALICE)
    assert decode_entry(encode_entry(NETWORK.network_id, found), NETWORK.network_id, _ALICE) == found


def _registry_kept(raw: bytes) -> None:
    found = decode_kept(raw, NETWORK.network_id)
    assert decode_kept(encode_kept(found, NETWORK.network_id), NETWORK.network_id) == found


def _etcd_line(raw: bytes) -> None:
    try:
        read_watch(raw)
    except EtcdFailure:
        return


def _etcd_answer(raw: bytes) -> None:
    answer = as_object(decode(raw))
    read_page(answer)
    read_created(answer)


def _consul_answer(raw: bytes) -> None:
    for read in (read_values, read_folders, read_conflict):
        with suppress(DecodeError):
            read(raw)


_ALICE = ALICE.peer_id.multihash
_ALICES = NodeAddress("10.1.2.3", 18444, _ALICE)
_ETCD_KEY = b'{"kv":{"key":"aw==","value":"dg==","mod_revision":"4"}}'


def _payload(message: m.Message) -> bytes:
    return encode_reject(message) if isinstance(message, m.Reject) else encode_payload(message)


_FRAMES = tuple(b"\x0d" + encode_frame(MAGIC, message) for kind, message in SAMPLES.items() if kind is not m.Reject)

TARGETS: dict[str, Target] = {
    "frame": Target(_frame, _FRAMES),
    **{f"message-{name}": Target(_message(name), (_payload(SAMPLES[row.message]),)) for name, row in TABLE.items()},
    "message-extensions": Target(_extension(Offer), (Offer((("greeting", 3), ("a", 0))).encode(), Offer(()).encode())),
    "letterbox": Target(_allow_refusal(_letterbox), (_letterbox_seed(),)),
    **_extensions(
        (*GOSSIP_SAMPLES, *INDEX_SAMPLES, *KAD_SAMPLES, *SUPERNODE_SAMPLES, *_LETTER_SAMPLES, *CONSENSUS_SAMPLES)
    ),
    "super-status": Target(_allow_refusal(_super_status), (status_record(1).value,)),
    "super-leaf": Target(_allow_refusal(_super_leaf), (leaf_record(2, (1, 3), at=address(2)).value,)),
    "super-memory": Target(_allow_refusal(_super_memory), (write_memory((address(1), IPV6.address))[:-32],)),
    "kad-dht": Target(
        _allow_refusal(_dht_message),
        tuple(sample.message.encode() for sample in KAD_SAMPLES if isinstance(sample, KadAsk | KadAnswer)),
    ),
    "kad-saved": Target(_allow_refusal(_saved_contacts), (encode_contacts([contact(1), contact(2)])[:-32],)),
    "transaction": Target(_allow_refusal(_transaction), (LEGACY_TX.raw, SEGWIT_TX.raw)),
    "block": Target(_allow_refusal(_block), (HEADER.raw + b"\x02" + LEGACY_TX.raw + SEGWIT_TX.raw,)),
    "certificate-file": Target(_allow_refusal(_certificate_file), _certificate_file_seeds()),
    "coinbase-tags": Target(_allow_refusal(_coinbase_tags), _tags_seeds()),
    "configuration": Target(_allow_refusal(_configuration), _configuration_seeds()),
    "header": Target(_allow_refusal(_header), (HEADER.raw,)),
    "compact-size": Target(_allow_refusal(_compact), (b"\x01", b"\xfd\xfd\0", b"\xfe\0\0\1\0", b"\xff" * 9)),
    "segwit-address": Target(
        _allow_refusal(_segwit),
        (b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", encode_segwit("mc", 1, bytes(range(32))).encode()),
    ),
    "base58": Target(_allow_refusal(_base58), (b"2NEpo7TZRRrLZSi2U", b"1111")),
    "base58check": Target(_allow_refusal(_base58check), (b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",)),
    "hash-hex": Target(_allow_refusal(_hash), (b"00" * 32, b"fF" * 32, b"00 " * 20 + b"0000")),
    "multiaddr": Target(
        _allow_refusal(_multiaddr),
        (encode_multiaddr(b"\x7f\0\0\1", 4001, LIBP2P.address.peer_id), encode_multiaddr(bytes(16), 1)),
    ),
    "address-book": Target(_allow_refusal(_address_book), (_address_book_seed(),)),
    "message-records": Target(
        _extension(RecordValues),
        (RecordValues((record_of(), record_of(ALICE, BOB, kind="config"))).encode(), RecordValues(()).encode()),
    ),
    "message-recdigest": Target(
        _extension(RecordDigest), (RecordDigest(FIRST_SOURCE, LAST_SOURCE, _ENTRIES, True).encode(),)
    ),
    "message-sheaders": Target(
        _extension(CertifiedHeaders),
        (
            CertifiedHeaders(()).encode(),
            CertifiedHeaders((ITEM, MOVED_ITEM), has_more=True).encode(),
            CertifiedHeaders((RECOVERED_ITEM,)).encode(),
        ),
    ),
    "message-recdelta": Target(_extension(RecordDelta), (RecordDelta((record_of(),), False, _ENTRIES).encode(),)),
    "signer-blocks": Target(
        _allow_refusal(_signer_blocks), (WrittenBlocks().encode(), WrittenBlocks(None, (RAW_BLOCK,)).encode())
    ),
    "signed-record": Target(_allow_refusal(_record), _RECORD_SEEDS),
    "signer-frame": Target(_signer_frame, tuple(encode_signer_frame(frame)[4:] for frame in SIGNER_FRAMES)),
    "sign-state": Target(
        _allow_refusal(_sign_state),
        (
            *map(plain, (EMPTY, LOCKED, LEANING)),
            *(form for one in (LOCKED, PROMISED, BEHIND) for form in (recovered(one), one.encode()[:-32])),
        ),
    ),
    "recovery": Target(_allow_refusal(_recovery), (LOCKED_STATEMENT.encode(),)),
    "admission": Target(
        _allow_refusal(_admission), (FIRST.encode(), DRAFT.with_signature(bytes(32), bytes(64)).encode())
    ),
    "audit-entry": Target(_allow_refusal(_audit_entry), (ENTRY.encode(),)),
    "evidence": Target(
        _allow_refusal(_evidence), tuple(one.encode() for one in (VOTES, CERTIFICATES, ADMISSIONS, CONFIGURATIONS))
    ),
    "configuration-document": Target(
        _allow_refusal(_configuration_state), (new_configuration().to_bytes(NETWORK_ID)[:-32],)
    ),
    "evidence-document": Target(_allow_refusal(_evidence_state), (_evidence_document(),)),
    "admission-document": Target(_allow_refusal(_admission_state), (AdmissionState(FIRST).to_bytes(NETWORK_ID)[:-32],)),
    "records-document": Target(
        _allow_refusal(_records),
        (encode_records((Held(record_of(), GROUP, 0),) * 2, NETWORK.network_id)[:-32],),
    ),
    "registry-key": Target(
        _allow_refusal(_registry_key), (Place(_ALICE).key.encode(), Place(_ALICE, "config-0").key.encode())
    ),
    "registry-entry": Target(_allow_refusal(_registry_entry), (encode_entry(NETWORK.network_id, (_ALICES,)),)),
    "registry-kept": Target(
        _allow_refusal(_registry_kept),
        (encode_kept(Kept(7, {_ALICE: KeptNode((_ALICES,), 5, is_met=True)}), NETWORK.network_id),),
    ),
    "etcd-line": Target(
        _allow_refusal(_etcd_line),
        (
            b'{"result":{"header":{"revision":"4"},"events":[' + _ETCD_KEY + b"]}}",
            b'{"result":{"canceled":true,"compact_revision":"8"}}',
            b'{"error":{"grpc_code":16,"message":"no"}}',
        ),
    ),
    "etcd-answer": Target(
        _allow_refusal(_etcd_answer),
        (
            b'{"header":{"revision":"4"},"kvs":[{"key":"aw==","mod_revision":"4"}],"more":true}',
            b'{"responses":[{"response_range":{"kvs":[{"key":"aw==","value":"dg=="}]}}]}',
        ),
    ),
    "consul-answer": Target(
        _consul_answer,
        (
            b'[{"Key":"minicoin/a/node","Value":"dg==","Session":"6","LockIndex":1},{"Key":"minicoin/","Value":null}]',
            b'["minicoin/a/","minicoin/b"]',
            b'{"Results":null,"Errors":[{"OpIndex":0,"What":"Permission denied"}]}',
        ),
    ),
    "node-address": Target(
        _allow_refusal(_node_address), (b"node.example:8333", b"[2001:db8::1]:18444", b"::ffff:1.2.3.4", b"1.2.3.4:1")
    ),
}
