"""Every bound of the core, named with its unit, beside its reason, related by assertions. Nothing grows without one."""

from typing import Final

from minicoin.core.units import HOUR_US, MINUTE_US, SECOND_US

# --- ledger (consensus) ---
BLOCK_WEIGHT_MAX: Final = 4_000_000
BLOCK_SIZE_STRIPPED_MAX: Final = 1_000_000
BLOCK_SIGOP_COST_MAX: Final = 80_000
BLOCK_SERIALISED_BYTES_MAX: Final = 4_000_000
SCRIPT_BYTES_MAX: Final = 10_000

# --- wire (protocol limits of the network) ---
# Bitcoin Core's and btcd's bound on one message's payload.
MESSAGE_PAYLOAD_BYTES_MAX: Final = 4_000_000
INVENTORY_PER_MESSAGE_MAX: Final = 50_000
HEADERS_PER_MESSAGE_MAX: Final = 2_000
ADDRESSES_PER_MESSAGE_MAX: Final = 1_000
BLOCKS_PER_INV_REPLY_MAX: Final = 500
LOCATOR_HASHES_MAX: Final = 101
USER_AGENT_BYTES_MAX: Final = 256

# --- peer ---
HANDSHAKE_TIMEOUT_US: Final = 60 * SECOND_US
BAN_SCORE: Final = 100
KNOWN_INVENTORY_PER_PEER_MAX: Final = 5_000
SEND_QUEUE_HIGH_BYTES: Final = 1 << 20
SEND_QUEUE_LOW_BYTES: Final = 256 << 10
SEND_QUEUE_STUCK_US: Final = 60 * SECOND_US
SERVE_QUEUE_ITEMS_MAX: Final = INVENTORY_PER_MESSAGE_MAX

# --- netsync ---
BLOCK_WINDOW: Final = 1_024
BLOCKS_IN_FLIGHT_PER_PEER_MAX: Final = 16
# A block that keeps the whole window waiting this long is asked of another peer.
BLOCK_STALL_US: Final = 2 * SECOND_US
BLOCK_TIMEOUT_US: Final = MINUTE_US
HEADERS_TIMEOUT_US: Final = 5 * SECOND_US
ORPHAN_BLOCKS_MAX: Final = 100
ORPHAN_BLOCK_BYTES_MAX: Final = 50_000_000
# Headers that a peer may make us keep before its chain shows as much work as ours.
LOW_WORK_HEADERS_PER_PEER_MAX: Final = 10_000
ACTIVATE_BLOCKS_MAX: Final = 64
UNPARSED_BLOCKS_MAX: Final = 64

# --- relay and mempool ---
TX_REQUESTS_IN_FLIGHT_PER_PEER_MAX: Final = 100
TX_ANNOUNCEMENTS_PER_PEER_MAX: Final = 5_000
TX_REQUEST_TIMEOUT_US: Final = MINUTE_US
ORPHAN_TRANSACTIONS_MAX: Final = 100
ORPHAN_TRANSACTION_BYTES_MAX: Final = 100_000
MEMPOOL_BYTES_MAX: Final = 300_000_000
MEMPOOL_EXPIRY_US: Final = 336 * HOUR_US
ANCESTORS_MAX: Final = 25
DESCENDANTS_MAX: Final = 25
ANCESTOR_VBYTES_MAX: Final = 101_000
DESCENDANT_VBYTES_MAX: Final = 101_000
VERIFICATIONS_WAITING_MAX: Final = 1_000

# --- connections ---
OUTBOUND_FULL_SLOTS: Final = 8
OUTBOUND_BLOCK_ONLY_SLOTS: Final = 2
INBOUND_SLOTS: Final = 115
DIAL_TIMEOUT_US: Final = 10 * SECOND_US
READ_BYTES: Final = 64 << 10

assert SEND_QUEUE_LOW_BYTES < SEND_QUEUE_HIGH_BYTES
assert BLOCKS_IN_FLIGHT_PER_PEER_MAX <= BLOCK_WINDOW
assert BLOCKS_PER_INV_REPLY_MAX <= INVENTORY_PER_MESSAGE_MAX
assert ACTIVATE_BLOCKS_MAX <= BLOCK_WINDOW
