"""Why a connection exists: the kinds of slots, and which of them share a treatment. connmgr fills the slots."""

from enum import StrEnum


class SlotKind(StrEnum):
    """Why a connection exists."""

    FULL_RELAY = "outbound-full-relay"
    BLOCK_ONLY = "block-relay-only"
    FEELER = "feeler"
    SEED = "addr-fetch"
    MANUAL = "manual"
    CONNECT = "connect"
    OVERLAY = "overlay"
    INBOUND = "inbound"


AUTOMATIC = (SlotKind.FULL_RELAY, SlotKind.BLOCK_ONLY)
"""Filled from the address book, at most one per network group."""

MUST_SERVE = (*AUTOMATIC, SlotKind.SEED)
"""Worth their slot only where they have what a node comes for; a person may name any peer."""

CHOSEN_BY_OPERATOR = (SlotKind.MANUAL, SlotKind.CONNECT)
"""Named by a person: never banned, dialled again for ever."""

NO_TRANSACTIONS = (SlotKind.BLOCK_ONLY, SlotKind.FEELER)
"""The peer is asked for none (BIP37): for blocks only, or for a look."""
