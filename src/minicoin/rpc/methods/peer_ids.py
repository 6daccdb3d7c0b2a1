"""Methods of minicoin's own about peer ids and the network model: where a peer is, telling it something, the model."""

from collections.abc import Mapping
from typing import Final

from minicoin.core.answers import LetterProblem, Outcome, PeerFound, Told
from minicoin.core.commands import FindPeer, Tell
from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.node_address import join_address
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import LETTER_HOPS_MAX, LETTER_TEXT_BYTES_MAX
from minicoin.core.units import SECOND_US
from minicoin.rpc.errors import INVALID_ADDRESS, INVALID_PARAMETER, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.shapes import JsonObject

_LETTER_ID_DIGITS: Final = 32

# Behind "failed at hop 2 of 3: ".
_PROBLEMS: Final[Mapping[LetterProblem, str]] = {
    LetterProblem.NO_WAY: "nobody there knows a way to the addressee",
    LetterProblem.NO_ANSWER: "those it was given to did not answer",
    LetterProblem.NO_RECEIPT: "it was passed on, and no receipt came in time",
    LetterProblem.TOO_FAR: "the addressee is further away than that",
    LetterProblem.GONE_ROUND: "it came back to where it had been",
    LetterProblem.CROWDED: "too many letters there; try again soon",
    LetterProblem.EXPIRED: "a clock there differs from this one by more than an hour",
    LetterProblem.NOT_SAVED: "the addressee could not write it to its disk",
}
_MAY_HAVE_ARRIVED: Final = "it may have arrived all the same; the same letter again, with its id, does no harm"


async def find_peer(call: Call) -> Json:
    target = _peer_id(call)
    found = await call.hold(lambda: call.port.command(FindPeer(target)))
    return _found(target, found)


def _found(target: bytes, found: PeerFound) -> JsonObject:
    return {
        "peerid": encode_base58(target),
        "addresses": [join_address(address) for address in found.addresses],
        "known_by": None if found.by is None else str(found.by),
        "told_by": encode_base58(found.told_by),
        "asked": found.asked,
        "hops": found.hops,
        "certain": found.is_certain,
    }


async def tell_peer(call: Call) -> Json:
    target, text = _peer_id(call), call.text("text")
    letter_id = b""
    if call.has("id"):
        if len(call.text("id")) != _LETTER_ID_DIGITS:
            raise RpcError(INVALID_PARAMETER, f"id must be the {_LETTER_ID_DIGITS} hex digits of an earlier letter")
        letter_id = call.octets("id")
    told = await call.hold(lambda: call.port.command(Tell(target, text, letter_id)))
    return {
        "outcome": str(told.outcome),
        "id": told.letter_id.hex(),
        "hops": told.hops,
        "failed_hop": told.hop,
        "reason": None if told.problem is None else str(told.problem),
        "neighbours": told.neighbours,
        "says": _says(told),
    }


def _says(told: Told) -> str:
    match told.outcome:
        case Outcome.DELIVERED:
            return f"delivered in {told.hops} hop{'s' if told.hops > 1 else ''}: the addressee signed that it has it"
        case Outcome.FAILED:
            assert told.problem is not None
            why = f"failed at hop {told.hop} of at most {LETTER_HOPS_MAX}: {_PROBLEMS[told.problem]}"
            return f"{why}; {_MAY_HAVE_ARRIVED}"
        case Outcome.MAYBE:
            to = f"{told.neighbours} neighbour{'s' if told.neighbours > 1 else ''}"
            return f"maybe: no way to the addressee is known; passed on to {to}, and no receipt came back"


async def list_letters(call: Call) -> Json:
    letters = await call.port.query(lambda node: node.network.letters())
    return [
        {
            "from": encode_base58(one.sender),
            "id": one.letter_id.hex(),
            "text": one.text,
            "written": one.written_s,
            "received": one.received_at // SECOND_US,
        }
        for one in letters
    ]


async def get_overlay(call: Call) -> Json:
    report = await call.port.query(lambda node: node.network.overlay())
    peers = await call.port.query(lambda node: node.network.peers())
    remotes = {peer.session.conn: peer.session.remote for peer in peers}
    near = [one for one in report.state.neighbours if one.conn in remotes]
    return {
        "model": report.model,
        "role": report.state.role,
        "letters": report.has_letters,
        "neighbours": [
            {
                "id": one.conn,
                "addr": str(remotes[one.conn]),
                "peerid": encode_base58(remotes[one.conn].peer_id),
                "role": one.role,
            }
            for one in near
        ],
        "figures": dict(report.state.figures),
        "says": report.state.says,
    }


def _peer_id(call: Call) -> bytes:
    text = call.text("peerid")
    try:
        return PeerId.parse(text.strip().removeprefix("/").removeprefix("p2p/")).multihash
    except DecodeError as error:
        raise RpcError(INVALID_ADDRESS, f"not a peer id: {text[:100]!r} ({error})") from error


_PEER_ID: Final = Argument("peerid", Kind.TEXT, "The libp2p peer id, as 12D3Koo...")

METHODS: Final = (
    Method(
        "findpeer",
        Category.NETWORK,
        "Where the node of a peer id is, as far as the network model knows or finds out.",
        "An object: peerid, addresses (multiaddrs), known_by (connected, record, lookup, book, hearsay, or null where "
        "nobody knows), told_by (a peer id), asked (how many peers), hops (answers that led there, one after "
        "another), certain (it answered or signed it itself).",
        find_peer,
        (_PEER_ID,),
    ),
    Method(
        "tellpeer",
        Category.NETWORK,
        "Tell the node of a peer id a line of text; answered after at most 15 seconds.",
        "An object: outcome (delivered: the addressee signed that it has it; failed; maybe: no way is known), id (of "
        "the letter), hops, failed_hop, reason, neighbours (that it was passed on to without a way), says.",
        tell_peer,
        (
            _PEER_ID,
            Argument("text", Kind.TEXT, f"One line of at most {LETTER_TEXT_BYTES_MAX:,} bytes; relays can read it."),
            optional("id", Kind.HEX, None, "That of an earlier letter of the same text, which is repeated so."),
        ),
    ),
    Method(
        "listletters",
        Category.NETWORK,
        "The letters that came for this node, oldest first.",
        "An array of objects: from (a peer id), id, text, written (by the sender's clock), received.",
        list_letters,
    ),
    Method(
        "getoverlay",
        Category.NETWORK,
        "The network model as this node lives it.",
        "An object: model, role, letters (whether it writes and passes on letters), neighbours (id, addr, peerid, "
        "role), figures (counts by name), says (what it waits for or doubts).",
        get_overlay,
    ),
)
