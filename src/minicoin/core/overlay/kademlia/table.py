"""The routing table: for each distance a bucket of at most k contacts.

1. Within a bucket the order is that of the last sign of life. Who has been there for long stays: it is likelier to stay
   on than any newcomer (Maymounkov and Mazieres 2002), and a flood of newcomers throws nobody out.
2. In a full bucket only a contact that was silent when it was asked gives way. Newcomers wait, a few a bucket, the
   youngest first in line; and so that the silent are found out, the oldest of each bucket is asked at times (`oldest`).
3. A silent contact is told to nobody and asked only where there is nobody else, but forgotten only for another: a node
   whose own line was down must not find its table empty.
4. Of one network group there are at most KAD_GROUP_IN_TABLE_MAX in the table and KAD_GROUP_IN_BUCKET_MAX in a bucket,
   as go-libp2p-kad-dht has it: identities cost nothing, addresses in many networks do. Which addresses are one group
   is the caller's word; where private addresses are allowed each host, and on the loopback each port, is one of its
   own, so that a laboratory on one machine fills its tables.
5. Whether a peer may stand here at all, being a server and having proven its id, is the caller's to see.
"""

from collections.abc import Callable, Iterable, Iterator
from heapq import nsmallest

from minicoin.core.limits import KAD_GROUP_IN_BUCKET_MAX, KAD_GROUP_IN_TABLE_MAX, KAD_WAITING_PER_BUCKET_MAX
from minicoin.core.overlay.kademlia.keyspace import Contact, bucket_of


class _Bucket:
    """Contacts by peer id, the least recently heard of first."""

    __slots__ = ("contacts", "silent", "waiting")

    def __init__(self) -> None:
        self.contacts: dict[bytes, Contact] = {}
        self.silent: dict[bytes, None] = {}
        self.waiting: dict[bytes, Contact] = {}


def _to_nobody(index: int, contact: Contact) -> None:
    """Nobody wants to hear of changes."""


class RoutingTable:
    """The contacts of one node."""

    __slots__ = ("_buckets", "_k", "_own", "tell")

    def __init__(self, own: int, k: int) -> None:
        self.tell: Callable[[int, Contact], None] = _to_nobody
        """Called with who came, left or moved, fell silent or was heard of again after that, and the bucket."""
        self._own = own
        self._k = k
        self._buckets: dict[int, _Bucket] = {}

    def __len__(self) -> int:
        return sum(len(bucket.contacts) for bucket in self._buckets.values())

    def __contains__(self, contact: Contact) -> bool:
        bucket = self._buckets.get(bucket_of(self._own, contact.key))
        return bucket is not None and contact.peer_id in bucket.contacts

    def get(self, contact_key: int, peer_id: bytes) -> Contact | None:
        bucket = self._buckets.get(bucket_of(self._own, contact_key))
        return None if bucket is None else bucket.contacts.get(peer_id)

    # --- what is heard ---

    def see(self, contact: Contact) -> bool:
        """It gave a sign of life; whether it stands in the table now."""
        index = bucket_of(self._own, contact.key)
        if index < 0:
            return False
        bucket = self._buckets.setdefault(index, _Bucket())
        known = bucket.contacts.get(contact.peer_id)
        if known is not None:
            self._refresh(index, bucket, known, contact)
            return True
        if not self._admits(bucket, contact):
            return False
        if len(bucket.contacts) >= self._k and not self._make_room(bucket):
            bucket.waiting.pop(contact.peer_id, None)
            bucket.waiting[contact.peer_id] = contact
            if len(bucket.waiting) > KAD_WAITING_PER_BUCKET_MAX:
                del bucket.waiting[next(iter(bucket.waiting))]
            return False
        self._add(index, bucket, contact)
        return True

    def fail(self, contact: Contact) -> None:
        """It was asked and gave no answer: the first in line takes its place, where there is one."""
        index = bucket_of(self._own, contact.key)
        bucket = self._buckets.get(index)
        if bucket is None:
            return
        bucket.waiting.pop(contact.peer_id, None)
        if contact.peer_id not in bucket.contacts:
            return
        bucket.silent[contact.peer_id] = None
        self.tell(index, contact)
        while bucket.waiting:
            _, candidate = bucket.waiting.popitem()
            if self._admits(bucket, candidate):
                self._make_room(bucket)
                self._add(index, bucket, candidate)
                return

    def remove(self, contact: Contact) -> None:
        """It is no server any more."""
        index = bucket_of(self._own, contact.key)
        bucket = self._buckets.get(index)
        if bucket is None:
            return
        bucket.waiting.pop(contact.peer_id, None)
        if contact.peer_id in bucket.contacts:
            self._drop(bucket, contact.peer_id)
            self.tell(index, contact)

    # --- what is asked ---

    def closest(self, target: int, count: int) -> list[Contact]:
        """So many of those that are not silent, the nearest to the target first; where all are silent, of those."""
        found = self._gather(target, count, silent=False)
        return found or self._gather(target, count, silent=True)

    def __iter__(self) -> Iterator[Contact]:
        """All, the farthest bucket first, in each the least recently heard of first."""
        for index in sorted(self._buckets, reverse=True):
            yield from self._buckets[index].contacts.values()

    def bucket(self, index: int) -> tuple[Contact, ...]:
        """Those of one bucket that are not silent."""
        bucket = self._buckets.get(index)
        return () if bucket is None else tuple(_living(bucket))

    def silent(self, index: int) -> tuple[Contact, ...]:
        """Those of one bucket that are."""
        bucket = self._buckets.get(index)
        return () if bucket is None else tuple(bucket.contacts[peer_id] for peer_id in bucket.silent)

    def sizes(self) -> tuple[tuple[int, int], ...]:
        """The buckets that are not empty, the farthest first: index and number of contacts."""
        indexes = sorted(self._buckets, reverse=True)
        return tuple((index, len(self._buckets[index].contacts)) for index in indexes if self._buckets[index].contacts)

    def oldest(self) -> list[Contact]:
        """Of each bucket the one that was not heard of for the longest time, of those that are not silent."""
        living = (next(_living(bucket), None) for bucket in self._buckets.values())
        return [contact for contact in living if contact is not None]

    # --- inside ---

    def _admits(self, bucket: _Bucket, contact: Contact) -> bool:
        """Whether its network group may have one more. Counted at each newcomer: most groups would have a count of one,
        and a table has some hundred contacts."""
        if _of_group(bucket, contact.group) >= KAD_GROUP_IN_BUCKET_MAX:
            return False
        return sum(_of_group(each, contact.group) for each in self._buckets.values()) < KAD_GROUP_IN_TABLE_MAX

    def _refresh(self, index: int, bucket: _Bucket, known: Contact, contact: Contact) -> None:
        del bucket.contacts[known.peer_id]
        if known == contact and known.peer_id not in bucket.silent:
            bucket.contacts[known.peer_id] = known
            return
        bucket.silent.pop(known.peer_id, None)
        # Under a new address it stands in another group, where there may be no place: then it is known by the old one.
        self._add(index, bucket, contact if self._admits(bucket, contact) else known)

    def _make_room(self, bucket: _Bucket) -> bool:
        if len(bucket.contacts) < self._k:
            return True
        if not bucket.silent:
            return False
        self._drop(bucket, next(iter(bucket.silent)))
        return True

    def _add(self, index: int, bucket: _Bucket, contact: Contact) -> None:
        bucket.waiting.pop(contact.peer_id, None)
        bucket.contacts[contact.peer_id] = contact
        self.tell(index, contact)

    def _drop(self, bucket: _Bucket, peer_id: bytes) -> None:
        bucket.silent.pop(peer_id, None)
        del bucket.contacts[peer_id]

    def _gather(self, target: int, count: int, *, silent: bool) -> list[Contact]:
        """Nearest first: the target's own bucket; then all buckets below it, whose contacts are nearer to us than to
        it; then those above, one by one."""
        at = bucket_of(self._own, target)
        below = [index for index in self._buckets if index < at]
        above = sorted(index for index in self._buckets if index > at)
        found: list[Contact] = []
        for indexes in ([at], below, *([index] for index in above)):
            if len(found) < count:
                found += self._nearest(indexes, target, count - len(found), silent=silent)
        return found

    def _nearest(self, indexes: Iterable[int], target: int, count: int, *, silent: bool) -> list[Contact]:
        buckets = [self._buckets[index] for index in indexes if index in self._buckets]
        eligible = [
            contact for bucket in buckets for contact in (bucket.contacts.values() if silent else _living(bucket))
        ]
        return nsmallest(count, eligible, key=lambda contact: contact.key ^ target)


def _of_group(bucket: _Bucket, group: bytes) -> int:
    """How many of it stand there."""
    return sum([contact.group == group for contact in bucket.contacts.values()])


def _living(bucket: _Bucket) -> Iterator[Contact]:
    if not bucket.silent:
        return iter(bucket.contacts.values())
    return (contact for contact in bucket.contacts.values() if contact.peer_id not in bucket.silent)
