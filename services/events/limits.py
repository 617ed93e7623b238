"""AWS's numbers for Amazon EventBridge. Sources: the API pages and "Amazon EventBridge quotas"."""

# Buses, rules, targets.
BUSES_MAX = 100
RULES_MAX = 300
TARGETS_MAX = 5
TAGS_MAX = 50
POLICY_MAX_CHARS = 10_240
WILDCARD_RULES_MAX = 30
"""Rules with wildcards on a bus."""
PAGE_MAX = 100

# Events.
ENTRIES_MAX = 10
REQUEST_MAX_BYTES = 1_048_576
"""Of all entries of a PutEvents together; raised from 256 KiB in January 2026."""
DETAIL_TYPE_MAX_CHARS = 128
TIME_BYTES = 14
"""What a Time counts."""

# Delivery.
RETRIES_MAX = 185
AGE_MAX_S = 86_400
AGE_MIN_S = 60
LOG_EVENTS_MAX = 10_000
"""Captured log events of a log group; the oldest go first. (Ours: AWS has no such number.)"""

# Connections and API destinations.
CONNECTIONS_MAX = 3_000
DESTINATIONS_MAX = 3_000
INVOCATIONS_PER_SECOND = 300
"""Of an API destination that says nothing else."""
CALL_TIMEOUT_MS = 5_000
"""Of a call to an API destination, and of one to an authorization endpoint."""
TOKEN_REST_MS = 60_000
"""An OAuth token that ends so soon, or sooner, is replaced before it is used."""

# Partner event sources and global endpoints.
EVENT_SOURCE_PENDING_MAX_MS = 14 * 86_400_000
"""How long a partner event source may be pending."""
ENDPOINTS_MAX = 100

# Archives and replays.
REPLAYS_ACTIVE_MAX = 10
"""In one account and region."""
REPLAY_LISTED_MS = 90 * 86_400_000
"""How long a replay that has ended can be seen."""
REPLAY_BACKLOG_MAX = 1_000
"""A replay waits while a target has so many deliveries that wait for their turn. (Ours: AWS has no such number.)"""
