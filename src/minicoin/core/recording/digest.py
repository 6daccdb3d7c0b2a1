"""One digest of everything in a node that can be seen from outside its parts: equal states, equal bytes.

Replay compares nodes by it. Pure, independent of hash seeds and of the order of sets; each part says what of it counts
(`Part.digest`), so that a difference can be named. The effects a node emitted are digested elsewhere: what no part
shows here (a queue's inside, a random stream's position) shows there soon.
"""

from collections.abc import Iterable
from hashlib import sha256

from minicoin.core.node.node import Node
from minicoin.core.units import Micros

PartDigests = dict[str, bytes]
"""The digest of each part of the state by its name, in a fixed order."""


def state_digest(node: Node, now: Micros) -> bytes:
    """The SHA-256 of the whole state at `now`."""
    return join_digests(part_digests(node, now))


def join_digests(parts: PartDigests) -> bytes:
    """The state's digest from those of its parts."""
    return sha256(b"".join(name.encode() + b"\0" + digest for name, digest in parts.items())).digest()


def part_digests(node: Node, now: Micros, *, is_brief: bool = False) -> PartDigests:
    """The digest of each part. A brief one looks at totals only where a table has more than DIGEST_ITEMS_MAX rows."""
    return {name: sha256(form).digest() for name, form in node.forms(now, is_brief=is_brief)}


def differing(expected: PartDigests, found: PartDigests) -> Iterable[str]:
    """The names of the parts that are not equal."""
    return [name for name in expected if expected[name] != found.get(name)]
