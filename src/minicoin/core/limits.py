"""Every bound of the core, named with its unit, beside its reason, related by assertions. Nothing grows without one."""

from typing import Final

from minicoin.core.units import DAY_US, HOUR_US, MINUTE_US, SECOND_US

# --- ledger (consensus) ---
BLOCK_WEIGHT_MAX: Final = 4_000_000
BLOCK_SIGOP_COST_MAX: Final = 80_000
BLOCK_SERIALISED_BYTES_MAX: Final = 4_000_000
SCRIPT_BYTES_MAX: Final = 10_000
# A header's time may lie this far ahead of our clock.
BLOCK_TIME_AHEAD_S: Final = 2 * 60 * 60
# A clock set by a test: Bitcoin Core counts nanoseconds in 63 bits.
MOCK_TIME_S_MAX: Final = 9_223_372_036
# Headers and addresses have 32 bits for their seconds, and what is written may lie a little ahead of the clock.
CLOCK_S_MAX: Final = (1 << 32) - 1 - 24 * 60 * 60
assert BLOCK_TIME_AHEAD_S < (1 << 32) - 1 - CLOCK_S_MAX and CLOCK_S_MAX < MOCK_TIME_S_MAX
# A tip older than this has not caught up yet.
TIP_AGE_MAX_US: Final = 24 * HOUR_US
# States of BIP9 windows that are remembered: 2,000 windows of five votes.
VERSION_BITS_CACHE_MAX: Final = 10_000

# --- wire (protocol limits of the network) ---
# Bitcoin Core's and btcd's bound on one message's payload.
MESSAGE_PAYLOAD_BYTES_MAX: Final = 4_000_000
INVENTORY_PER_MESSAGE_MAX: Final = 50_000
HEADERS_PER_MESSAGE_MAX: Final = 2_000
ADDRESSES_PER_MESSAGE_MAX: Final = 1_000
BLOCKS_PER_INV_REPLY_MAX: Final = 500
LOCATOR_HASHES_MAX: Final = 101
USER_AGENT_BYTES_MAX: Final = 256
# A transaction has at least 60 bytes, so no block holds more.
TRANSACTIONS_PER_BLOCK_MAX: Final = BLOCK_SERIALISED_BYTES_MAX // 60
# BIP152 counts a compact block's positions in 16 bits.
COMPACT_BLOCK_INDEX_MAX: Final = 0xFFFF
# BIP155: an address of an unknown network is skipped up to this length.
ADDRESS_BYTES_MAX: Final = 512
# BIP157.
FILTER_HASHES_PER_MESSAGE_MAX: Final = 2_000
# One hash per 1,000 blocks: enough for 10 million blocks.
FILTER_CHECKPOINTS_MAX: Final = 10_000
# BIP37.
BLOOM_FILTER_BYTES_MAX: Final = 36_000
BLOOM_HASH_FUNCTIONS_MAX: Final = 50
BLOOM_ELEMENT_BYTES_MAX: Final = 520
# The retired messages: BIP61's reasons have at most 111 letters, its longest extra field is a hash.
REJECT_REASON_BYTES_MAX: Final = 111
REJECT_EXTRA_BYTES_MAX: Final = 80
ALERT_BYTES_MAX: Final = 10_000
SIGNATURE_BYTES_MAX: Final = 80
# Messages beyond Bitcoin's that one node speaks: a dozen for each part that has any.
EXTENSIONS_MAX: Final = 64

# --- signers ---
# A certificate of 100 members has 6.5 KB, and a healthy block of theirs 20,000 messages: more want another protocol.
MEMBERS_MAX: Final = 100
MEMBER_NAME_BYTES_MAX: Final = 64
# What block 1 pays out: 1,000 outputs of the longest standard script are 43 KB, a page for each of 100 members.
ALLOCATION_OUTPUTS_MAX: Final = 1_000
ALLOCATION_SCRIPT_BYTES_MAX: Final = 520
# Who may connect, as a record carries it beside the signatures of all members: 100 banks with a node each, or ten with
# twenty.
ADMISSION_BODY_BYTES_MAX: Final = 10 << 10
ADMISSION_PEER_IDS_PER_ROW_MAX: Final = 200
# Versions a node remembers that it went by, 16 KB each at the most, and on disk with evidence and what it signed.
STATEMENT_HISTORY_MAX: Final = 32
# Recoveries at one height, each signed by the list of the one before: a second one is rare, a fifth is a mistake.
RECOVERIES_PER_HEIGHT_MAX: Final = 4
# Recoveries that a node's configuration names, 27 KB each at the most.
RECOVERIES_NAMED_MAX: Final = 64
# Source groups whose last record waits for the height that it names, and how often it is looked at: who is expelled is
# cut off within two seconds even by nodes that are a block behind.
STATEMENTS_EARLY_MAX: Final = 64
STATEMENTS_EARLY_US: Final = MINUTE_US
STATEMENTS_RETRY_US: Final = SECOND_US // 2
STATEMENT_DOCUMENT_BYTES_MAX: Final = (STATEMENT_HISTORY_MAX + 4) * (32 << 10)
# What members set: 12 names today, with a text among them; four times as many have room in a coinbase beside all else.
SETTING_NAME_BYTES_MAX: Final = 32
SETTING_VALUE_BYTES_MAX: Final = 512
SETTINGS_BODY_BYTES_MAX: Final = 4 << 10
# Two certificates of 100 members are 13 KB; two admissions of 100 banks are beyond it, and kept by nobody.
EVIDENCE_BYTES_MAX: Final = 16 << 10
# Of all members that there ever were; of each as many as a signer has records (16), of one height one.
EVIDENCE_MAX: Final = 1_024
# Found here, and waiting for the list of its height or for its turn: of each member that of two heights.
EVIDENCE_WAITING_MAX: Final = 2 * MEMBERS_MAX
EVIDENCE_RETRY_US: Final = SECOND_US
EVIDENCE_DOCUMENT_BYTES_MAX: Final = 4 << 20
# Verified votes that need not be verified again: a hundred rounds of ten members. The laboratory's nodes share them.
VOTE_SIGNATURES_VERIFIED_REMEMBERED_MAX: Final = 4_096

# --- consensus (signers talk to signers; an unverified signature costs some 50 us) ---
# Votes and proposals that one signer may send at once, and in a second after that: three rounds of a hundred members,
# forwarded by one of them.
CONSENSUS_VOTES_PER_PEER_BURST: Final = 1_000
CONSENSUS_VOTES_PER_PEER_PER_SECOND: Final = 200
# Questions for votes that one signer is answered: who waits asks once a second, and a start brings more.
CONSENSUS_QUESTIONS_PER_PEER_BURST: Final = 30
CONSENSUS_QUESTIONS_PER_PEER_PER_SECOND: Final = 4
# Proven signers' connections and greetings: members of a list, each with a node that is replaced.
CONSENSUS_PEERS_MAX: Final = 2 * MEMBERS_MAX
# Votes of one key that another member answers it with at its start: those of the rounds that a height may have seen.
CONSENSUS_HELD_VOTES_MAX: Final = 200
# A signer within a round asks the others for what it lacks each time so much has passed in it.
CONSENSUS_ASK_EVERY_US: Final = SECOND_US
# What was not signed, as the disk or the key did not do its part, is tried again each time so much has passed.
CONSENSUS_TRY_AGAIN_US: Final = SECOND_US
# A member that is here and votes at none of so many heights at which others do is told of: its clock, its disk or its
# key may be the reason, which its own node knows.
CONSENSUS_SILENT_BLOCKS: Final = 10
# A signer prevotes for no block that is dated farther ahead of its clock.
CONSENSUS_PROPOSAL_AHEAD_MAX_US: Final = 10 * SECOND_US
# Blocks that are proposed and wait, in all; those at hand and those of a lock are kept beyond it.
CONSENSUS_BLOCK_BYTES_MAX: Final = 64_000_000
# Those written down for a restart: the own proposal, the lock's and the valid one.
CONSENSUS_BLOCKS_WRITTEN_MAX: Final = 3
# A member that was not heard for so long counts as absent in what is shown.
CONSENSUS_HEARD_US: Final = 60 * SECOND_US

# --- a signer in a process of its own (drivers/signer): keys over a local socket ---
# Keys of one node: the member's, and the next one while it is rolled.
SIGNING_KEYS_MAX: Final = 2
# A frame either way: a statement's body at the most, the longest of which is a change of a hundred members.
SIGNER_FRAME_BYTES_MAX: Final = 32 << 10
SIGNER_REASON_BYTES_MAX: Final = 500
# Connections at a time: the node, its standby, and one of each that has not ended yet.
SIGNER_CONNECTIONS_MAX: Final = 8
# What a node waits for one signature: two fsyncs of a slow disk. It follows the chain meanwhile, and signs nothing.
SIGNER_ANSWER_US: Final = 2 * SECOND_US
# After it let that time run out it is asked nothing for so long: what is wanted meanwhile is not signed, at once.
SIGNER_PAUSE_US: Final = SECOND_US // 2
# A frame that was begun is complete within this, or the connection ends.
SIGNER_FRAME_US: Final = 5 * SECOND_US

# --- changes that blocks carry ---
# A change without a height of its own holds so many blocks later: time for the others to approve it.
CHANGES_AHEAD_BLOCKS: Final = 20
# Changes that wait for our own signature: an operator's commands, one after the other.
CHANGES_WAITING_MAX: Final = 64
# So many blocks are looked at for who signed them: 5 ms of decoding.
MEMBERS_COUNTED_BLOCKS: Final = 100

# --- rounds of signers ---
# Rounds of a height whose votes are kept behind the one at hand. A proposal that leans on an older one has its votes
# sent again.
ROUNDS_KEPT_MAX: Final = 32
# Of each member, rounds in front of ours from which votes are kept: where it is, and where it was a moment ago.
ROUNDS_AHEAD_PER_MEMBER_MAX: Final = 2
# Members whose votes for the next height are kept: of the list at hand and of the next.
MEMBERS_AHEAD_MAX: Final = 2 * MEMBERS_MAX
# Time-outs grow with the round up to this one: 60 s at the default step. An agreed network is far below.
TIMEOUT_ROUNDS_MAX: Final = 240
# A broken promise shows only beside votes of other heights: about 100 minutes of a network that idles.
HEIGHTS_ARCHIVED_MAX: Final = 100
# In all: a hundred heights of ten members in ten rounds, or of a hundred members in one; 5 MB.
VOTES_ARCHIVED_MAX: Final = 20_000
# A signer enters a height when the block it would make is dated at most so far in front of its clock.
BLOCK_TIME_AHEAD_OF_SIGNER_US: Final = 5 * SECOND_US

# --- peer ---
HANDSHAKE_TIMEOUT_US: Final = 60 * SECOND_US
BAN_SCORE: Final = 100
# So long a pong waits for the verdicts on what its peer sent before the ping; Bitcoin Core leaves after 20 minutes.
PONG_WAIT_US: Final = MINUTE_US
PONGS_WAITING_PER_PEER_MAX: Final = 16
KNOWN_INVENTORY_PER_PEER_MAX: Final = 5_000
SEND_QUEUE_HIGH_BYTES: Final = 1 << 20
SEND_QUEUE_LOW_BYTES: Final = 256 << 10
# Beyond this a peer is disconnected: serving stops at the high mark, so only a flood of requests gets here.
SEND_QUEUE_BYTES_MAX: Final = 16 << 20
SEND_QUEUE_STUCK_US: Final = 60 * SECOND_US
# Blocks read ahead for one peer, so that reading and sending overlap.
READS_PER_PEER_MAX: Final = 4
SERVE_QUEUE_ITEMS_MAX: Final = INVENTORY_PER_MESSAGE_MAX

# Bitcoin Core's: a block off the best chain is given to strangers this long, by its age and by the work built since.
STALE_BLOCK_SERVED_S: Final = 30 * 24 * 60 * 60

# BIP159: a peer that keeps the last 288 blocks only will do for a node that lacks no more than half of them.
LIMITED_PEER_BLOCKS: Final = 144

# --- netsync ---
BLOCK_WINDOW: Final = 1_024
BLOCKS_IN_FLIGHT_PER_PEER_MAX: Final = 16
# A block that takes this long is asked of another peer too.
BLOCK_STALL_US: Final = 2 * SECOND_US
# Where lines are slow that grows up to this part of the network's spacing: 30 s where blocks come every 10 minutes.
TIP_PATIENCE_PARTS: Final = 20
# A tip younger than so many blocks' time is near the present (Bitcoin Core's measure for direct fetch).
DIRECT_FETCH_SPACINGS: Final = 20
# So few wanted blocks are watched one by one: one peer's share, and all there are once a node has caught up.
BLOCKS_WATCHED_MAX: Final = BLOCKS_IN_FLIGHT_PER_PEER_MAX
# Chains given up because nobody delivers them; with more, the one given up first is tried again.
WITHHELD_BRANCHES_MAX: Final = 4
# An unasked block further above our tip than this is not kept (Bitcoin Core's bound).
UNASKED_BLOCKS_AHEAD_MAX: Final = 288
# At least, and at least the network's spacing.
BLOCK_TIMEOUT_US: Final = MINUTE_US
HEADERS_TIMEOUT_US: Final = 5 * SECOND_US
# Of the certificates of one sheaders: 12 ms of verifying (60 us each), in which the loop does nothing else.
SHEADERS_SIGNATURES_MAX: Final = 200
# A peer we chose that shows less work than our tip is asked after this time, and left if no more comes in that one;
# so many that did show it are never left (Bitcoin Core's numbers).
CHAIN_SYNC_TIMEOUT_US: Final = 20 * MINUTE_US
CHAIN_SYNC_ANSWER_US: Final = 2 * MINUTE_US
CHAIN_SYNC_PROTECTED_MAX: Final = 4
# A longer reorg is announced by inv: the peer asks with its own locator (Bitcoin Core's bound).
HEADERS_PER_ANNOUNCEMENT_MAX: Final = 8
# A peer that showed a block no further below than this is sent a new one unasked, if the network model wants that.
BLOCKS_BEHIND_PUSHED_MAX: Final = 10
# Deliverers remembered until the block is activated: more than a window cannot be waiting.
BLOCK_SOURCES_MAX: Final = 4_096
ORPHAN_BLOCKS_MAX: Final = 100
ORPHAN_BLOCK_BYTES_MAX: Final = 50_000_000
# Headers of chains that fork from ours this near the tip are kept whatever their work: Bitcoin Core's buffer.
NEAR_TIP_BLOCKS: Final = 144
# Headers off the best chain whose blocks we do not have, in all: 24 MB. Beyond that the oldest go, to three quarters.
STRAY_HEADERS_MAX: Final = 20_000
STRAY_HEADERS_KEPT: Final = STRAY_HEADERS_MAX * 3 // 4
# Of a chain that has not shown its work yet one bit is kept each so many headers, and so many wait at its second coming
# until the bits above them are compared: Bitcoin Core's figures for its main network, where forging one header past the
# buffer takes 2**24 tries. Smaller networks have fewer headers, so they are on the safe side.
PRESYNC_BIT_EVERY_HEADERS: Final = 641
PRESYNC_BUFFER_HEADERS: Final = 15_218
# Peers whose chains are looked at so at one time: 1.5 MB each.
PRESYNCS_MAX: Final = 8
# The median time past lets no chain grow faster for long; what is longer than its age allows is no chain.
PRESYNC_BLOCKS_PER_SECOND_MAX: Final = 6
ACTIVATE_BLOCKS_MAX: Final = 64
# Blocks asked for or waiting for the worker; two full windows of one peer keep a fast link busy.
UNPARSED_BLOCKS_MAX: Final = 128
UNPARSED_BLOCK_BYTES_MAX: Final = 64_000_000
# The last blocks of the best chain, kept in wire form for those who ask: 16 MB at most. Peers may be some blocks late.
NEWEST_BLOCKS_MAX: Final = 4
# Blocks a peer said it does not have.
LACKS_PER_PEER_MAX: Final = 1_000

# --- engine ---
# Blocks that are parsed at their storing and connected soon after; parsed they take some ten times their bytes.
PARSED_BLOCKS_BYTES_MAX: Final = 16 << 20
# About 250 bytes each in the write-back cache; freeing them holds the interpreter for some 10 ms.
COIN_CHANGES_MAX: Final = 100_000
# How many blocks a start after a crash connects again at most.
UNFLUSHED_BLOCKS_MAX: Final = 1_000
# How many headers a crash during header sync costs at most: 25 messages of 2,000.
UNFLUSHED_HEADERS_MAX: Final = 50_000
# A mempool's worth of transactions whose scripts need not run again in a block.
VERIFIED_SCRIPTS_MAX: Final = 100_000
# Proposed blocks whose verdict is remembered: this round's, the one that is locked, and two a liar adds. 16 MB, parsed
# perhaps five times as much.
PROPOSALS_REMEMBERED_MAX: Final = 4
# Blocks of an imported file that wait for the next one, which carries their certificate: one, but for a file that lies.
BLOCKS_WITHOUT_CERTIFICATE_MAX: Final = 16

# --- relay and mempool ---
# What a peer announces while it owes us so many waits a little, so that others that have it go first.
TX_REQUESTS_IN_FLIGHT_UNHURRIED_MAX: Final = 100
# One trickle's worth: more waits for the next, so that a flood is spread out.
TX_INV_PER_TRICKLE_MAX: Final = 1_000
TX_ANNOUNCEMENTS_PER_PEER_MAX: Final = 5_000
# As many as one inv names: whom the operator lets relay is not told to wait, but is no reason to run out of memory.
TX_ANNOUNCEMENTS_PER_TRUSTED_PEER_MAX: Final = INVENTORY_PER_MESSAGE_MAX
# Of the newest transactions so many are looked through for who asks what it missed.
POOL_PAGE_WINDOW_MAX: Final = 5_000
TX_REQUEST_TIMEOUT_US: Final = MINUTE_US
# Bitcoin Core's bounds of transactions that wait for their parents: none beyond what is standard; room for one of these
# for each peer that has any; and so many points in all, one for each peer that has one, and one for each ten inputs of
# it, which is the work that a block or a parent makes of them.
ORPHAN_WEIGHT_MAX: Final = 400_000
ORPHAN_WEIGHT_PER_PEER: Final = 404_000
ORPHAN_POINTS_MAX: Final = 3_000
ORPHAN_INPUTS_PER_POINT: Final = 10
MEMPOOL_BYTES_MAX: Final = 300_000_000
MEMPOOL_EXPIRY_US: Final = 336 * HOUR_US
ANCESTORS_MAX: Final = 25
DESCENDANTS_MAX: Final = 25
ANCESTOR_VBYTES_MAX: Final = 101_000
DESCENDANT_VBYTES_MAX: Final = 101_000
VERIFICATIONS_WAITING_MAX: Final = 1_000
# Commands that wait for the verdict on their transaction.
TX_WAITERS_MAX: Final = 1_000
# Fifty of the largest standard transactions: what waits is held in memory.
VERIFICATION_WEIGHT_WAITING_MAX: Final = 20_000_000
# Of our own, of peers' and of those that return, each. The worker puts blocks before them all.
VERIFICATIONS_IN_FLIGHT_MAX: Final = 16
# A hundred ordinary transactions: by so much a group may be ahead and still be verified beside others.
VERIFICATION_LEAD_US: Final = 20_000
# Groups of addresses, and connections of one, that were served more than their share and have nothing in line now.
VERIFICATION_CHARGES_REMEMBERED_MAX: Final = 1_000
REORG_TRANSACTIONS_MAX: Final = 20_000
# Good but for their fee, in wait for a child that pays: a peer sends the two together, so few are ever waiting.
HELD_PARENTS_MAX: Final = 100
HELD_PARENTS_PER_SOURCE_MAX: Final = 25
HELD_PARENT_BYTES_MAX: Final = 4_000_000
REJECTED_TRANSACTIONS_REMEMBERED_MAX: Final = 20_000
CONFIRMED_TRANSACTIONS_REMEMBERED_MAX: Final = 24_000
# What the operator's changes of fees may take: 40 bytes each on disk.
PRIORITISED_TRANSACTIONS_MAX: Final = 10_000
# BIP125 rule 5: what one replacement may throw out.
REPLACED_TRANSACTIONS_MAX: Final = 100
# Payments that a block left waiting, told again where members sign, oldest first: a look-up for each and for each peer.
TX_TOLD_AGAIN_PER_BLOCK_MAX: Final = 1_000
MEMPOOL_DUMP_BYTES_MAX: Final = 100_000_000

# --- wallet ---
# Unused addresses watched ahead of the last one handed out (BIP44's gap limit).
WALLET_LOOKAHEAD_ADDRESSES: Final = 20
WALLET_ADDRESSES_PER_CHAIN_MAX: Final = 100_000
WALLET_LABEL_CHARACTERS_MAX: Final = 255
# Coins looked at for one payment, the most valuable ones: no standard transaction has room for more of ours. A miner's
# wallet has tens of thousands.
WALLET_PAYMENT_CANDIDATES_MAX: Final = 1_500
# A step of the search for a payment without change takes about a microsecond.
WALLET_SELECTION_STEPS_MAX: Final = 10_000
# Coinbases that lost their block, kept for the history.
WALLET_ORPHAN_COINBASES_MAX: Final = 1_000
# Bitcoin Core's -maxtxfee: a higher fee is a slip of the finger.
WALLET_FEE_SAT_MAX: Final = 10_000_000
# Payments asked for and not built yet; each waits for the one before it.
WALLET_PAYMENTS_WAITING_MAX: Final = 1_000
# Unconfirmed payments offered to the mempool in one go; the next ones follow minutes later.
WALLET_OFFERS_MAX: Final = 1_000
# A full disk does not empty itself at once.
WALLET_SAVE_RETRY_US: Final = 10 * SECOND_US

# --- directed delivery ---
# A line of talk, no file; three times that with the longest key and signature of libp2p's.
LETTER_TEXT_BYTES_MAX: Final = 1_024
# From a node to the next. Its tries share the time, so that who sent the letter hears an end after three of them.
LETTER_HOP_US: Final = 5 * SECOND_US
LETTER_HOPS_MAX: Final = 3
# Next hops that one letter is given to in turn.
LETTER_TRIES_MAX: Final = 3
# Peers that gave us the same letter and hear how it ended.
LETTER_ASKERS_MAX: Final = 8
# While a model looks for the way to a peer it is asked again so often, of a few letters at a time.
LETTER_LOOK_AGAIN_US: Final = 250_000
# Letters under way at one node: some 4 kB each, for 15 seconds at most.
LETTERS_WAITING_PER_PEER_MAX: Final = 64
LETTERS_WAITING_PER_GROUP_MAX: Final = 128
LETTERS_WAITING_MAX: Final = 1_000
# Our own among them.
LETTERS_OWN_WAITING_MAX: Final = 64
# Each costs a verification, some 150 microseconds: 3 % of a processor at most. A super node passes on for many leaves.
LETTERS_PER_SECOND_PER_PEER: Final = 20
LETTERS_PER_SECOND_PER_GROUP: Final = 50
LETTERS_PER_SECOND: Final = 200
# So many seconds' letters may come at once.
LETTERS_BURST_S: Final = 5
# Groups whose rate is remembered; what is not, counts towards the rate of all.
LETTER_GROUPS_REMEMBERED_MAX: Final = 1_024
# A letter written longer ago, or further ahead of our clock, is not taken: so long its hash is remembered, that whoever
# sends it again gets the receipt and nobody reads it twice.
LETTER_AGE_MAX_S: Final = 60 * 60
# On disk at the addressee; of one sender the oldest goes first where there is no room.
LETTERS_KEPT_MAX: Final = 100
# Hashes of letters that came within their age, 40 bytes each: one every 3.6 seconds.
LETTER_HASHES_REMEMBERED_MAX: Final = 1_000

COMMANDS_WAITING_MAX: Final = 1_000
# Commands that wait for the tip to move.
TIP_WAITERS_MAX: Final = 256
# Commands that wait for a payment to be final, and payments of the last blocks that one may still ask about: half a
# minute of a network at its limit.
FINAL_WAITERS_MAX: Final = 256
FINAL_PAYMENTS_REMEMBERED_MAX: Final = 20_000

# --- mining ---
GENERATE_COMMANDS_MAX: Final = 100
# Long polls (BIP22): how many are held; how long a tip that does not move holds one though transactions came, and how
# often they are looked for after that. Bitcoin Core's times.
LONG_POLLS_MAX: Final = 64
LONG_POLL_FIRST_US: Final = 60 * SECOND_US
LONG_POLL_AGAIN_US: Final = 10 * SECOND_US
# New transactions get into the block being mined this often.
TEMPLATE_REFRESH_US: Final = 10 * SECOND_US
# A miner that was told of peers waits this long for them before it mines on its own.
MINING_PEER_WAIT_US: Final = 30 * SECOND_US

# --- connections ---
# The address book reaches the disk this often, and at every stop.
BOOK_SAVE_EVERY_US: Final = 15 * MINUTE_US
# And so long after it came to know what a kill must not take: 5 seconds, and a millisecond for each address, of which
# a write takes the loop three microseconds. However much is learned, it is not written more often than that.
BOOK_SAVE_AFTER_US: Final = 5 * SECOND_US
BOOK_SAVE_AFTER_PER_ADDRESS_US: Final = SECOND_US // 1_000
OUTBOUND_FULL_SLOTS: Final = 8
OUTBOUND_BLOCK_ONLY_SLOTS: Final = 2
# Connections that a network model asks for by address, beside those filled from the address book.
OVERLAY_SLOTS_MAX: Final = 64
# Addresses of the book that a network model is shown, and may ask for: a few may be unreachable for each that answers.
OVERLAY_ADDRESSES_MAX: Final = 256
# Neighbours that something is passed on to where a network model knows no way.
OVERLAY_FLOOD_FANOUT: Final = 8
INBOUND_SLOTS: Final = 115
# Accepted sockets, half-open ones included; connmgr's inbound slots are fewer, so a refused peer hears a reason.
INBOUND_SOCKETS_MAX: Final = 256
# Of those, the ones from one address (IPv6: one /64) that have not proved anything yet; a lab of as many nodes starts
# at once on one machine.
HALF_OPEN_PER_ADDRESS_MAX: Final = 32
# And from one network group, on public networks.
HALF_OPEN_PER_GROUP_MAX: Final = 64
# Inbound connections of one address (IPv6: one /64) and of one network group, on public networks: some machines behind
# one router, and some households of one provider, but never all the slots there are.
INBOUND_PER_ADDRESS_MAX: Final = 8
INBOUND_PER_GROUP_MAX: Final = 32
RESOLVED_ADDRESSES_MAX: Final = 256
# /dnsaddr names that lead to /dnsaddr names: how deep, and how many questions one look-up may cost.
DNSADDR_DEPTH_MAX: Final = 4
DNSADDR_QUESTIONS_MAX: Final = 32
DNS_TIMEOUT_US: Final = 10 * SECOND_US
# Of one announcement on the local link; a machine with more interfaces is reached by the first ones.
MDNS_ADDRESSES_PER_PEER_MAX: Final = 16
# --- the audit log (drivers/audit) ---
# The longest entry: two certificates of 100 members, or a change of as many, in hexadecimal.
AUDIT_ENTRY_BYTES_MAX: Final = 64 << 10
# Of one file: a start reads the last one, in a second. Three votes a second fill four a day.
AUDIT_FILE_BYTES_MAX: Final = 16 << 20
# What waits for the disk: some minutes of votes. What comes on top is counted as lost.
AUDIT_ENTRIES_WAITING_MAX: Final = 4_096
# The three votes of a healthy height have one fsync.
AUDIT_GROUP_US: Final = SECOND_US // 4
AUDIT_RETRY_US: Final = 10 * SECOND_US
# Less room than that is warned of: half a year of an idling network, or a week of a busy one.
AUDIT_FREE_BYTES_MIN: Final = 1 << 30
# Of each address group the first refusal in so long is an entry, and the rest a number; so of the groups beyond.
AUDIT_REFUSALS_EVERY_US: Final = 10 * MINUTE_US
AUDIT_REFUSAL_GROUPS_MAX: Final = 64
# Own votes of the last height that were logged: of the last forty rounds, more than a sign state has.
AUDIT_VOTES_REMEMBERED_MAX: Final = 120
# Heights whose certificates are looked at for our vote after a crash; a log that was away for longer says so.
AUDIT_HEIGHTS_FILLED_MAX: Final = 1_000

# --- registries (drivers/registry): shared places outside the network where members find each other ---
# A value: a record with all its signatures, as it fits into a message; an entry is far smaller.
REGISTRY_VALUE_BYTES_MAX: Final = 20 << 10
REGISTRY_KEY_CHARACTERS_MAX: Final = 192
# Members and their observers, ten times what a consortium is thought of; each with some addresses and records.
REGISTRY_NODES_MAX: Final = 1_024
REGISTRY_ADDRESSES_PER_NODE_MAX: Final = 8
REGISTRY_RECORDS_PER_NODE_MAX: Final = 64
REGISTRY_KEYS_MAX: Final = 4_096
# All records of all of them that are remembered here.
REGISTRY_BYTES_MAX: Final = 8 << 20
# One answer of a registry: all its keys at once, or a few values.
REGISTRY_ANSWER_BYTES_MAX: Final = 4 << 20
# What the core is told: rarely enough that no registry keeps it busy, and soon enough to act on within two seconds.
REGISTRY_NODES_PER_EVENT_MAX: Final = 64
REGISTRY_RECORDS_PER_EVENT_MAX: Final = 16
REGISTRY_DELIVERY_EVERY_US: Final = SECOND_US // 10
# Records are told again for a core that had no room for them, or did not know who signs them yet.
REGISTRY_RECORDS_AGAIN_US: Final = MINUTE_US
# An entry lives so long without a word from its node.
REGISTRY_LEASE_US: Final = 30 * SECOND_US
REGISTRY_TIMEOUT_US: Final = 10 * SECOND_US
REGISTRY_RETRY_FIRST_US: Final = SECOND_US // 2
REGISTRY_RETRY_LAST_US: Final = 10 * SECOND_US
# A watch that has been silent for so long may be dead: what is there is compared with what is known.
REGISTRY_SILENCE_US: Final = MINUTE_US
REGISTRY_WARNING_AFTER_US: Final = 10 * MINUTE_US
REGISTRY_MAX_AGE_US: Final = DAY_US
REGISTRY_SAVE_EVERY_US: Final = MINUTE_US
REGISTRY_DOCUMENT_BYTES_MAX: Final = 2 << 20
DIAL_TIMEOUT_US: Final = 10 * SECOND_US
TRANSPORT_HANDSHAKE_TIMEOUT_US: Final = 10 * SECOND_US
READ_BYTES: Final = 64 << 10
DIALS_IN_FLIGHT_MAX: Final = 8
# Where members sign, between two tries of a member's address, or of one that answered once: a network that halts for
# want of a member goes on within half a minute of its return, whoever dials.
SIGNERS_RETRY_MAX_US: Final = 15 * SECOND_US
BACKOFFS_REMEMBERED_MAX: Final = 4_096
MANUAL_ADDRESSES_MAX: Final = 256
# Of one peer that must stay connected: a machine has some, and who names it at a hundred places is not followed.
NEEDED_ADDRESSES_PER_PEER_MAX: Final = 8
SEED_CONNECTION_US: Final = MINUTE_US
BANS_MAX: Final = 10_000
BAN_TIME_US: Final = 24 * HOUR_US

# --- discovery ---
KNOWN_ADDRESSES_PER_PEER_MAX: Final = 5_000
ADDRESS_RELAY_PEERS: Final = 2
# An addr message of more addresses answers a getaddr; relaying those would flood.
ADDRESS_RELAY_MESSAGE_MAX: Final = 10
ADDRESSES_PER_SECOND_PER_PEER: Final = 0.1
ADDRESS_BURST_PER_PEER_MAX: Final = 1_000

# --- records (small signed values that nodes keep for each other; those of a recording are below) ---
SIGNED_RECORD_KEY_CHARACTERS_MAX: Final = 64
# A network's configuration; the kinds that any node may sign have less.
SIGNED_RECORD_VALUE_BYTES_MAX: Final = 16 << 10
# As many founders as anybody gets to sign one thing.
SIGNED_RECORD_SIGNATURES_MAX: Final = 16
# As of block times: a clock that is further ahead is wrong, and its records would win for that long.
SIGNED_RECORD_AHEAD_MAX_US: Final = BLOCK_TIME_AHEAD_S * SECOND_US
# A few places for each kind.
SIGNED_RECORDS_PER_SIGNER_MAX: Final = 16
SIGNED_RECORD_BYTES_PER_SIGNER_MAX: Final = 64 << 10
# Of each kind that any node may sign: what peers of one source group may bring, an eighth of all, as a node has eight
# peers of distinct groups.
SIGNED_RECORDS_MAX: Final = 4_096
SIGNED_RECORDS_PER_GROUP_MAX: Final = SIGNED_RECORDS_MAX // 8
SIGNED_RECORDS_BYTES_MAX: Final = 4 << 20
SIGNED_RECORD_BYTES_PER_GROUP_MAX: Final = SIGNED_RECORDS_BYTES_MAX // 8
# Signatures that are looked at, some 100 us each: at once as many as a newcomer's first exchange brings, then what
# leaves the loop nine tenths of its time.
SIGNED_RECORDS_PER_GROUP_BURST: Final = 2 * SIGNED_RECORDS_PER_GROUP_MAX
SIGNED_RECORDS_PER_GROUP_PER_SECOND: Final = 64
SIGNED_RECORDS_SECOND_BURST: Final = 2 * SIGNED_RECORDS_MAX
SIGNED_RECORDS_PER_SECOND_MAX: Final = 1_000
# New versions of one source: all its places at once, then one a second.
SIGNED_RECORDS_PER_SIGNER_BURST: Final = 2 * SIGNED_RECORDS_PER_SIGNER_MAX
SIGNED_RECORDS_PER_SIGNER_PER_SECOND: Final = 1
SIGNED_RECORD_GROUPS_CHARGED_MAX: Final = 1_024
SIGNED_RECORD_SIGNERS_CHARGED_MAX: Final = 2 * SIGNED_RECORDS_MAX
# What there was no room for, and what was withdrawn before its time: some 100 bytes each.
SIGNED_RECORDS_DECLINED_REMEMBERED_MAX: Final = 4_096
SIGNED_RECORDS_SPENT_REMEMBERED_MAX: Final = 4_096
# For all nodes of a process: mostly 1 KiB each. As many as ten thousand nodes sign in the time it takes to go round.
RECORD_SIGNATURES_VERIFIED_REMEMBERED_MAX: Final = 16_384
# The longest record with all its signatures, or some 130 of ordinary size, whose signatures take 20 ms.
SIGNED_RECORDS_MESSAGE_BYTES_MAX: Final = 20 << 10
# 32 bytes each: as many sources as most networks have nodes that write records.
SIGNED_RECORD_DIGEST_ENTRIES_MAX: Final = 1_024
# Pages that one exchange looks at or brings: a full store is some 40 messages.
RECORD_PAGES_PER_EXCHANGE_MAX: Final = 64
RECORD_EXCHANGE_TIMEOUT_US: Final = 30 * SECOND_US
# The slow repair of what news missed.
RECORD_EXCHANGE_EVERY_US: Final = 2 * MINUTE_US
# Digests of one source group that are answered: two whole exchanges at once, then one a second.
RECORD_DIGESTS_PER_GROUP_BURST: Final = 2 * RECORD_PAGES_PER_EXCHANGE_MAX
RECORD_DIGESTS_PER_GROUP_PER_SECOND: Final = 1
# Rounds in which a record is pushed: twice what 10,000 nodes need.
RECORD_ROUNDS_PUSHED_MAX: Final = 64
# Those of others; our own are on disk before their answer is given.
RECORDS_SAVE_EVERY_US: Final = 15 * MINUTE_US
# What the document of all records may take.
SIGNED_RECORD_DOCUMENT_BYTES_MAX: Final = 32 << 20

# --- what network models share (overlay/repair) ---
# Pulls of our own that wait for an answer, and for how long.
PULLS_OPEN_MAX: Final = 64
PULL_ANSWER_US: Final = 10 * SECOND_US
# What a peer may ask of each kind: one a second, and a few at once.
OVERLAY_QUESTION_EVERY_US: Final = SECOND_US
OVERLAY_QUESTIONS_BURST: Final = 8
# What the peers of one source group may ask together, in what one of them may.
ALLOWANCE_PEERS_OF_GROUP: Final = 8
# Connections and source groups whose share is counted: more than a node has connections.
PEERS_CHARGED_MAX: Final = 4_096
GROUPS_CHARGED_MAX: Final = 1_024
# An answer to a pull: blocks of the last heights (Fabric's window), and a page of the mempool.
PULL_BLOCKS: Final = 10
PULL_TRANSACTIONS_MAX: Final = 500

# --- the network model gossip ---
# Peers that one node knows of, however large the network is.
GOSSIP_VIEW_MAX: Final = 64
# Of those, with addresses of one group, and told of by peers of one group: so many places in the network a Sybil needs
# for half of a view.
GOSSIP_VIEW_PER_GROUP_MAX: Final = 8
GOSSIP_VIEW_PER_SOURCE_MAX: Final = 16
# Peers remembered as dead, each for so many times the silence it takes to be thought dead (as in Fabric).
GOSSIP_VIEW_DEAD_MAX: Final = 64
GOSSIP_DEAD_KEPT_EXPIRIES: Final = 20
# Entries of one shuffle: an eighth of a view, 1 kB with Ed25519 keys.
GOSSIP_SHUFFLE_ENTRIES_MAX: Final = 8
# RSA with 8,192 bits.
GOSSIP_SIGNATURE_BYTES_MAX: Final = 1_024
# Verdicts on signatures at hand, for all nodes of a process.
GOSSIP_VERDICTS_REMEMBERED_MAX: Final = 16_384
# Questions of our own that wait for an answer, and for how long.
GOSSIP_SHUFFLES_OPEN_MAX: Final = 64
GOSSIP_SHUFFLE_ANSWER_US: Final = 10 * SECOND_US
# Hops of a search at most; four partners asked at each would be 65,536 questions, more than any network has nodes here.
GOSSIP_HOPS_MAX: Final = 8
# What a peer may have passed on: one each while, and a few at once. Each may cost hundreds of messages elsewhere.
GOSSIP_SEEK_EVERY_US: Final = 5 * SECOND_US
GOSSIP_SEEK_US: Final = 10 * SECOND_US
GOSSIP_SEEKS_MAX: Final = 1_024
GOSSIP_SEEKS_PER_PEER_MAX: Final = 32
# Who was dialled for the view has so long to become ready, and is not tried again for so long.
GOSSIP_NEIGHBOUR_PATIENCE_US: Final = 20 * SECOND_US
GOSSIP_NEIGHBOUR_AGAIN_US: Final = 2 * MINUTE_US

# Beside peers' and RPC's sockets: stores, log, listeners, outbound connections, look-ups, pipes of other processes.
OPEN_FILES_OF_OUR_OWN: Final = 128

# --- kademlia (libp2p's kad-dht where it says a number) ---
# Of one network group in the whole routing table and in one bucket: go-libp2p-kad-dht's.
KAD_GROUP_IN_TABLE_MAX: Final = 3
KAD_GROUP_IN_BUCKET_MAX: Final = 2
# Of one group among those that one lookup asks.
KAD_GROUP_IN_LOOKUP_MAX: Final = 3
# Newcomers that wait until somebody in a full bucket is found silent.
KAD_WAITING_PER_BUCKET_MAX: Final = 4
# Known in parsed form, for all nodes of a process: those of a large simulation.
KAD_CONTACTS_REMEMBERED_MAX: Final = 16_384
# 20 closer peers and 20 providers, each with a few addresses; the specification names no bound.
KAD_MESSAGE_BYTES_MAX: Final = 64 << 10
KAD_PEERS_PER_MESSAGE_MAX: Final = 64
KAD_ADDRESSES_PER_PEER_MAX: Final = 16
# A peer id has 42 bytes at most, a multihash of any kind in use is below this.
KAD_KEY_BYTES_MAX: Final = 128
# Questions of one lookup: three times k, where some 10 do in a network of 10,000.
KAD_ASKS_PER_LOOKUP_MAX: Final = 60
# So many of the nearest must have answered at a lookup's end.
KAD_RESILIENCY: Final = 3
KAD_LOOKUPS_MAX: Final = 16
# Names in so many of the farthest buckets are found by trying: 2**12 hashes for the last.
KAD_SEARCHED_BITS_MAX: Final = 12
# What a peer may ask: a lookup's worth at once, and five each second.
KAD_QUESTION_EVERY_US: Final = 200_000
KAD_QUESTIONS_BURST: Final = 60
# Connections: beside one or more a bucket, to so many of the nearest; and in all, so that lookups find slots.
KAD_NEAREST: Final = 8
KAD_NEIGHBOURS_MAX: Final = 48
KAD_HEARD_PER_BUCKET_MAX: Final = 8
KAD_NEIGHBOUR_PATIENCE_US: Final = 30 * SECOND_US
# Those made for a question stay for the next one, so many and so long: a lookup is over in that time.
KAD_IDLE_MAX: Final = 4
KAD_LINGER_US: Final = 5 * SECOND_US
# From the address book, whoever they are: the door to those that nobody here names.
KAD_BOOK_PEERS: Final = 2
# Who knows nobody looks again after this time, and lets the address book fill one slot more.
KAD_LONELY_US: Final = 10 * SECOND_US
# A letter may try so many ways.
KAD_ROUTE_PEERS: Final = 3
KAD_SAVED_CONTACTS_MAX: Final = 1_024
# Items that one peer is about to bring: two blocks, and the transactions of a trickle.
KAD_HEIGHTS_PER_PEER_MAX: Final = 1_024
# And of all peers, for the first of several that announce an item.
KAD_ITEMS_HEARD_MAX: Final = 4_096
# From the decision to ask somebody, over dialling it where that is needed, to its answer.
KAD_ASK_TIMEOUT_US: Final = 10 * SECOND_US
# libp2p's: a provider says so again each 22 hours.
KAD_PROVIDER_LIFE_US: Final = 48 * HOUR_US
KAD_PROVIDERS_PER_KEY_MAX: Final = 20
# About 400 bytes each. One network group has a sixteenth of them.
KAD_PROVIDER_RECORDS_MAX: Final = 8_192
KAD_PROVIDER_RECORDS_PER_GROUP_MAX: Final = 512

# --- RPC (outside: what one client may make this node hold or do) ---
# A block in hexadecimal twice over, as Bitcoin Core allows.
RPC_BODY_BYTES_MAX: Final = 32 << 20
RPC_BATCH_CALLS_MAX: Final = 1_000
# Request line and headers, as Bitcoin Core.
RPC_HEAD_BYTES_MAX: Final = 8_192
# What all bodies that are being received or worked on may hold together; small ones (`stop`) do not count.
RPC_BODIES_BYTES_MAX: Final = 4 * RPC_BODY_BYTES_MAX
RPC_SMALL_BODY_BYTES: Final = 64 << 10
# Calls at work at one time, and calls that wait for their turn: beyond this the answer is 503.
RPC_CALLS_AT_WORK_MAX: Final = 16
RPC_CALLS_WAITING_MAX: Final = 128
# Calls that wait for something to happen (a long poll); each has a connection to itself.
RPC_CALLS_HELD_MAX: Final = 64
RPC_CONNECTIONS_MAX: Final = 256
# A client writes its head at once; bodies and answers of tens of megabytes may cross a slow line.
RPC_HEAD_S: Final = 10
RPC_BODY_S: Final = 120
RPC_ANSWER_S: Final = 300
RPC_KEEP_ALIVE_S: Final = 30
# A page of a query stays below 5 ms on the loop.
QUERY_PAGE_HEADERS_MAX: Final = 500
QUERY_PAGE_ENTRIES_MAX: Final = 500
QUERY_PAGE_HISTORY_MAX: Final = 500
QUERY_PAGE_ADDRESSES_MAX: Final = 2_000
QUERY_PAGE_RECORDS_MAX: Final = 500
# Blocks a data listing looks through at one call, and whose findings it remembers.
DATA_BLOCKS_PER_CALL_MAX: Final = 1_000
DATA_BLOCKS_REMEMBERED_MAX: Final = 5_000
# What fits the standard 83 bytes of a data output: OP_RETURN, a push of two bytes, and the payload.
DATA_PAYLOAD_BYTES_MAX: Final = 80
# Blocks whose transactions a statistic counts at one call; each is read from disk once, some 2 ms.
CHAIN_STATISTICS_BLOCKS_MAX: Final = 20_000
# Outputs whose spenders are looked up at one visit of the loop.
SPENT_OUTPUTS_PER_CALL_MAX: Final = 1_000
# Coins one scan may find: about 500 bytes each in the answer.
SCAN_FOUND_COINS_MAX: Final = 100_000
# A transaction signed with keys from a call: each legacy input hashes all of it anew, some 2 ms at this size.
KEY_SIGNED_INPUTS_MAX: Final = 500
KEY_SIGNED_BYTES_MAX: Final = 400_000
# Pairs of key and signature tried in one call, some 50 microseconds each: a multisig of 15 keys with 15 signatures on
# each of 80 inputs.
SIGNATURE_TRIALS_MAX: Final = 20_000
# One generate command; a greater number is asked for in several.
GENERATE_BLOCKS_MAX: Final = 100_000

# A descriptor of 999 extended keys with their origins has fewer characters.
DESCRIPTOR_CHARACTERS_MAX: Final = 200_000
DESCRIPTOR_PATH_STEPS_MAX: Final = 255
# What one step of a path may branch into (BIP389).
DESCRIPTOR_PATHS_MAX: Final = 100
# Scripts that one call derives from descriptors: some 100 us and 1 kB each.
DESCRIPTOR_SCRIPTS_MAX: Final = 100_000

# --- libp2p ---
# From the first byte to an authenticated, multiplexed connection; a mute socket costs nothing for longer.
LIBP2P_HANDSHAKE_TIMEOUT_US: Final = 10 * SECOND_US
# From there to the wire stream: as long as identify of a peer that does not speak our protocol may take.
LIBP2P_WIRE_STREAM_TIMEOUT_US: Final = 10 * SECOND_US
# From a stream's opening to its protocol, and for a whole identify or ping exchange.
LIBP2P_STREAM_TIMEOUT_US: Final = 10 * SECOND_US
# The longest protocol id that peers are known to use is below 100 bytes; js-libp2p's bound on a message.
MULTISTREAM_MESSAGE_BYTES_MAX: Final = 1_024
# A dialler of another implementation offers a handful of security protocols or muxers before it gives up.
MULTISTREAM_PROPOSALS_MAX: Final = 16
# The largest handshake message carries an 8,192-bit RSA key and signature.
NOISE_HANDSHAKE_MESSAGE_BYTES_MAX: Final = 4_096
NOISE_MESSAGE_BYTES_MAX: Final = 65_535
YAMUX_WINDOW_INITIAL_BYTES: Final = 256 << 10
YAMUX_WINDOW_BYTES_MAX: Final = 16 << 20
# Above the initial windows of all streams: room for one stream at full size and the small ones beside it.
YAMUX_CONNECTION_WINDOW_BYTES_MAX: Final = 32 << 20
YAMUX_STREAMS_INBOUND_MAX: Final = 32
YAMUX_STREAMS_OUTBOUND_MAX: Final = 32
# Streams refused between two of our pings; a peer that goes on opening is not merely busy.
YAMUX_STREAMS_REFUSED_MAX: Final = 1_024
# Frames without data that a peer may send at once, and for how long it must wait for one more.
YAMUX_CONTROL_FRAMES_BURST: Final = 10_000
YAMUX_CONTROL_FRAME_INTERVAL_US: Final = 200
# Answers that wait for a peer that does not read: 5,461 frames.
YAMUX_CONTROL_QUEUE_BYTES_MAX: Final = 64 << 10
# Several of the largest wire messages; the session stops serving at SEND_QUEUE_HIGH_BYTES.
YAMUX_SEND_QUEUE_BYTES_MAX: Final = 16 << 20
YAMUX_PING_INTERVAL_US: Final = 30 * SECOND_US
YAMUX_PINGS_MISSED_MAX: Final = 2
IDENTIFY_MESSAGE_BYTES_MAX: Final = 8 << 10
IDENTIFY_MESSAGES_MAX: Final = 10
IDENTIFY_ADDRESSES_MAX: Final = 64
IDENTIFY_PROTOCOLS_MAX: Final = 128
# go-libp2p sends pushes when its addresses change; more often is a flood.
IDENTIFY_PUSHES_PER_MINUTE_MAX: Final = 16
# The specification's bound on concurrent ping streams.
PING_STREAMS_INBOUND_MAX: Final = 2
# A peer that asks for more echoes than this without reading them.
PING_UNREAD_BYTES_MAX: Final = 4 << 10
# Questions on streams of their own (kad-dht): go-libp2p keeps one stream a peer and asks one after the other.
STREAMS_OF_QUESTIONS_MAX: Final = 4
STREAM_QUESTION_BYTES_MAX: Final = 64 << 10
STREAM_QUESTION_EVERY_US: Final = 200_000
STREAM_QUESTIONS_BURST: Final = 60
STREAM_QUESTIONS_IDLE_US: Final = MINUTE_US
STREAM_ANSWERS_UNREAD_BYTES_MAX: Final = 256 << 10
MULTIADDR_BYTES_MAX: Final = 512
MULTIADDR_COMPONENTS_MAX: Final = 16

# --- addrmgr (Bitcoin Core's sizes: an attacker of one network group reaches a bounded part of each table) ---
ADDRESS_NEW_BUCKETS: Final = 1_024
ADDRESS_TRIED_BUCKETS: Final = 256
ADDRESS_BUCKET_SLOTS: Final = 64
ADDRESS_NEW_BUCKETS_PER_SOURCE_GROUP: Final = 64
ADDRESS_TRIED_BUCKETS_PER_GROUP: Final = 8
ADDRESS_NEW_SLOTS_PER_ADDRESS: Final = 8
TRIED_COLLISIONS_MAX: Final = 10
# What one getaddr may learn: nobody is told the whole book, unless it is a lab's.
ADDRESS_SAMPLE_PERCENT_MAX: Final = 23
ADDRESS_SAMPLE_SMALL: Final = 30
# Hosts whose parsed form and group are kept at hand, for all nodes of a process: those of a large simulation, 5 MB.
PARSED_HOSTS_MAX: Final = 16_384

# --- super nodes (a network model; what is signed there are records of the kind `super`) ---
# Parents of one leaf, so that where it sits fits in one record.
SUPER_PARENTS_MAX: Final = 8
# Other super nodes that one keeps its connections to. It looks for few, but each letter to a leaf of another one brings
# a connection, which the next letter can use; what a node has of slots must hold them beside its leaves.
SUPER_LINKS_MAX: Final = 48
# Leaf places of one super node that a network file may ask for.
SUPER_PLACES_MAX: Final = 1_000
# Statuses of super nodes: in all, from one network group, and brought by the peers of one group.
SUPERS_KNOWN_MAX: Final = 1_024
SUPERS_KNOWN_PER_GROUP_MAX: Final = 8
SUPERS_KNOWN_PER_SOURCE_MAX: Final = SUPERS_KNOWN_MAX // 2
# The directory of leaves in all; each super node that it names has room for twice the places of its network.
SUPER_DIRECTORY_MAX: Final = 65_536
# For all nodes of a process: half a kilobyte each.
SUPER_ENTRIES_READ_REMEMBERED_MAX: Final = 16_384
SUPER_RECORDS_PER_MESSAGE_MAX: Final = 256
# Records that one super node names to another in one message.
SUPER_NAMES_PER_MESSAGE_MAX: Final = 1_024
# Those that a super node asks for and has not got yet, some 300 bytes each: of the links of one network group, and in
# all as many as it has room for.
SUPER_RECORDS_LACKED_PER_GROUP_MAX: Final = 1_024
SUPER_RECORDS_LACKED_MAX: Final = SUPER_DIRECTORY_MAX
# Statuses in one answer: enough to choose from, short enough to be asked for by everybody.
SUPERS_TOLD_MAX: Final = 16
# Records that are verified, each for some 100 microseconds: at once, and in a second after that. In all; of one super
# node, which hears of many leaves at a time and tells a beginner of all; of another peer, which has little to say.
SUPER_RECORDS_BURST_MAX: Final = 16_384
SUPER_RECORDS_PER_SECOND_MAX: Final = 1_000
SUPER_RECORDS_BURST_PER_SUPER: Final = 8_192
SUPER_RECORDS_PER_SECOND_PER_SUPER: Final = 128
SUPER_RECORDS_BURST_PER_PEER: Final = 64
SUPER_RECORDS_PER_SECOND_PER_PEER: Final = 2
# Questions where a peer is that wait for an answer, and those one peer may ask: at once, and in a second.
SUPER_FINDS_WAITING_MAX: Final = 64
SUPER_QUESTIONS_BURST_PER_PEER: Final = 16
SUPER_QUESTIONS_PER_SECOND_PER_PEER: Final = 2
# Pages that one super node asks for: all there can be, and then one now and then.
SUPER_PAGES_BURST_PER_PEER: Final = 2 * (SUPER_DIRECTORY_MAX + SUPERS_KNOWN_MAX) // SUPER_RECORDS_PER_MESSAGE_MAX
SUPER_PAGES_PER_SECOND_PER_PEER: Final = 1
# Super nodes that are left alone for a while.
SUPER_RESTS_MAX: Final = 1_024
# What a node keeps of its parents over a stop.
SUPER_DOCUMENT_BYTES_MAX: Final = 8 << 10
# --- recording ---
# Rows of a table that a checkpoint between two events looks at: about 10 ms in all.
DIGEST_ITEMS_MAX: Final = 2_000
# Events between two checkpoints.
RECORD_CHECKPOINT_EVENTS: Final = 1_000
# A record holds one event or one document; the mempool's is the longest.
RECORD_BYTES_MAX: Final = 128 << 20
# What may wait for the disk; more means that it does not keep up, and the recording ends.
RECORD_QUEUE_BYTES_MAX: Final = 64 << 20
# A recording's length unless the operator says otherwise.
RECORD_FILE_BYTES_MAX: Final = 1 << 30
# Room kept for what ends a recording: a checkpoint and the reason.
RECORD_END_BYTES: Final = 16 << 10

# --- the index model ---
# Members in one index's view: 10,000 nodes of a laboratory, and room.
INDEX_MEMBERS_MAX: Final = 20_000
# Of them, from one network group, where groups are more than one machine.
INDEX_MEMBERS_PER_GROUP_MAX: Final = 256
# Members that a node knows, whoever named them.
INDEX_KNOWN_MAX: Final = 1_000
# Records of a page of a view, of a batch of joins, or of a witness's answer.
INDEX_PAGE_RECORDS_MAX: Final = 100
# Leaves in one batch.
INDEX_LEAVES_MAX: Final = 256
# A peer id: a multihash, or a whole key of Ed25519 or secp256k1.
PEER_ID_BYTES_MAX: Final = 64
# A member's address as text, and its record with one signature.
INDEX_ADDRESS_BYTES_MAX: Final = 64
INDEX_ENTRY_BYTES_MAX: Final = 256
INDEX_JOIN_EVERY_US: Final = SECOND_US // 2
# A member whose connection to the index ended may come back so long.
INDEX_LEAVE_GRACE_US: Final = 10 * SECOND_US
# A member that joined so lately is told of items by the index, since it may have no neighbours yet.
INDEX_NEWCOMER_US: Final = 60 * SECOND_US
# Pages that a member may ask for at once, and each second from then on: a view of INDEX_KNOWN_MAX has ten.
INDEX_PAGES_BURST: Final = 16
INDEX_PAGES_PER_S: Final = 2
# Joins and pages of one network group together, where groups are more than one machine.
INDEX_ANSWERS_PER_GROUP_BURST: Final = 8 * INDEX_PAGES_BURST
INDEX_ANSWERS_PER_GROUP_PER_S: Final = 8 * INDEX_PAGES_PER_S
# Who reads a view waits so long for its next page, since the first is enough to find neighbours by: else a thousand
# who come at once keep an index's line busy for a minute, and it answers nobody.
INDEX_PAGE_EVERY_US: Final = 10 * SECOND_US
# Batches that come while pages are read: as many as come in that time, and room.
INDEX_DELTAS_WAITING_MAX: Final = 256
INDEXES_FOLLOWED_MAX: Final = 8
# A difference between views counts once it has lasted: batches come each second, and records travel.
INDEX_SETTLED_US: Final = 15 * SECOND_US
INDEX_CHECK_EVERY_US: Final = 30 * SECOND_US
INDEX_WITNESSES_ASKED_MAX: Final = 4
# Members that were wanted and could not be reached make room for others.
INDEX_LOOK_EVERY_US: Final = 30 * SECOND_US
INDEX_SAVE_EVERY_US: Final = 60 * SECOND_US
INDEX_FINDS_WAITING_MAX: Final = 64
INDEX_FIND_PATIENCE_US: Final = 5 * SECOND_US

assert SIGNED_RECORD_VALUE_BYTES_MAX <= SIGNED_RECORD_BYTES_PER_SIGNER_MAX <= SIGNED_RECORD_BYTES_PER_GROUP_MAX
assert EVIDENCE_BYTES_MAX <= SIGNED_RECORD_VALUE_BYTES_MAX
assert SIGNED_RECORDS_PER_SIGNER_MAX <= SIGNED_RECORDS_PER_SIGNER_BURST
assert SIGNED_RECORD_VALUE_BYTES_MAX < SIGNED_RECORDS_MESSAGE_BYTES_MAX < MESSAGE_PAYLOAD_BYTES_MAX // 2
assert MEMPOOL_DUMP_BYTES_MAX < RECORD_BYTES_MAX
assert MESSAGE_PAYLOAD_BYTES_MAX < RECORD_QUEUE_BYTES_MAX < RECORD_FILE_BYTES_MAX
assert ADDRESS_NEW_BUCKETS_PER_SOURCE_GROUP <= ADDRESS_NEW_BUCKETS
assert ADDRESS_TRIED_BUCKETS_PER_GROUP <= ADDRESS_TRIED_BUCKETS
assert ADDRESS_SAMPLE_SMALL <= ADDRESSES_PER_MESSAGE_MAX
assert SEND_QUEUE_LOW_BYTES < SEND_QUEUE_HIGH_BYTES < SEND_QUEUE_BYTES_MAX
assert MESSAGE_PAYLOAD_BYTES_MAX < SEND_QUEUE_BYTES_MAX
assert BLOCKS_IN_FLIGHT_PER_PEER_MAX <= BLOCK_WINDOW
assert BLOCKS_PER_INV_REPLY_MAX <= INVENTORY_PER_MESSAGE_MAX
assert ACTIVATE_BLOCKS_MAX <= BLOCK_WINDOW
assert KAD_NEIGHBOURS_MAX + KAD_NEAREST < OVERLAY_SLOTS_MAX
assert KAD_MESSAGE_BYTES_MAX == STREAM_QUESTION_BYTES_MAX
assert KAD_GROUP_IN_BUCKET_MAX <= KAD_GROUP_IN_TABLE_MAX
assert KAD_PROVIDER_RECORDS_PER_GROUP_MAX < KAD_PROVIDER_RECORDS_MAX
assert HEADERS_PER_MESSAGE_MAX < STRAY_HEADERS_KEPT < STRAY_HEADERS_MAX
assert HEADERS_PER_MESSAGE_MAX < PRESYNC_BUFFER_HEADERS
assert ADMISSION_BODY_BYTES_MAX <= SIGNER_FRAME_BYTES_MAX // 2
assert 2 * EVIDENCE_BYTES_MAX < AUDIT_ENTRY_BYTES_MAX < AUDIT_FILE_BYTES_MAX
assert 3 * ROUNDS_KEPT_MAX < AUDIT_VOTES_REMEMBERED_MAX
assert MEMBERS_MAX <= SHEADERS_SIGNATURES_MAX
assert VERIFICATIONS_IN_FLIGHT_MAX <= VERIFICATIONS_WAITING_MAX
# There are always connections that are in no call, so a newcomer finds a place.
assert RPC_CALLS_WAITING_MAX + RPC_CALLS_HELD_MAX < RPC_CONNECTIONS_MAX
assert ORPHAN_WEIGHT_MAX <= ORPHAN_WEIGHT_PER_PEER
assert TX_ANNOUNCEMENTS_PER_PEER_MAX <= TX_ANNOUNCEMENTS_PER_TRUSTED_PEER_MAX
assert HELD_PARENTS_PER_SOURCE_MAX <= HELD_PARENTS_MAX
assert ADDRESS_BURST_PER_PEER_MAX >= ADDRESSES_PER_MESSAGE_MAX
assert (
    YAMUX_STREAMS_INBOUND_MAX + YAMUX_STREAMS_OUTBOUND_MAX
) * YAMUX_WINDOW_INITIAL_BYTES <= YAMUX_CONNECTION_WINDOW_BYTES_MAX
assert YAMUX_WINDOW_BYTES_MAX <= YAMUX_CONNECTION_WINDOW_BYTES_MAX
assert MESSAGE_PAYLOAD_BYTES_MAX + SEND_QUEUE_HIGH_BYTES <= YAMUX_SEND_QUEUE_BYTES_MAX
assert INBOUND_SLOTS < INBOUND_SOCKETS_MAX
assert OVERLAY_SLOTS_MAX <= OVERLAY_ADDRESSES_MAX
assert REGISTRY_ADDRESSES_PER_NODE_MAX <= NEEDED_ADDRESSES_PER_PEER_MAX
# A wait is a quarter longer at most.
assert SIGNERS_RETRY_MAX_US * 5 // 4 + DIAL_TIMEOUT_US <= 30 * SECOND_US
assert GOSSIP_VIEW_PER_GROUP_MAX <= GOSSIP_VIEW_PER_SOURCE_MAX < GOSSIP_VIEW_MAX
assert DIAL_TIMEOUT_US + TRANSPORT_HANDSHAKE_TIMEOUT_US <= GOSSIP_NEIGHBOUR_PATIENCE_US < GOSSIP_NEIGHBOUR_AGAIN_US
assert INBOUND_PER_ADDRESS_MAX <= INBOUND_PER_GROUP_MAX <= INBOUND_SLOTS // 2
assert INBOUND_SLOTS + HALF_OPEN_PER_ADDRESS_MAX < INBOUND_SOCKETS_MAX
assert HALF_OPEN_PER_ADDRESS_MAX <= HALF_OPEN_PER_GROUP_MAX < INBOUND_SLOTS
assert BLOCK_WINDOW <= BLOCK_SOURCES_MAX
assert SUPER_LINKS_MAX < OVERLAY_SLOTS_MAX
assert LETTERS_WAITING_PER_PEER_MAX <= LETTERS_WAITING_PER_GROUP_MAX <= LETTERS_WAITING_MAX
assert LETTERS_PER_SECOND_PER_PEER <= LETTERS_PER_SECOND_PER_GROUP <= LETTERS_PER_SECOND
assert LETTERS_KEPT_MAX <= LETTER_HASHES_REMEMBERED_MAX
assert SIGNED_RECORDS_MESSAGE_BYTES_MAX <= REGISTRY_VALUE_BYTES_MAX < REGISTRY_ANSWER_BYTES_MAX // 2
