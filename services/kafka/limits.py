"""Kafka's numbers: the defaults of Apache Kafka 4.3's broker and topic configs, and the bounds that hold here."""

from __future__ import annotations

INTERNAL_TOPICS = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})
"""Names that only the broker itself may use."""

TOPIC_NAME_MAX = 249
REQUEST_BYTES_MAX = 100 * 1024 * 1024
"""socket.request.max.bytes"""
BATCH_OVERHEAD_BYTES = 61
"""The header of a record batch."""
FETCH_BYTES_MAX = 55 * 1024 * 1024
"""fetch.max.bytes of the broker: what one answer may hold beside its first batch."""
PRODUCER_BATCHES = 5
"""How many batches of a producer are remembered (ProducerStateEntry.NUM_BATCHES_TO_RETAIN)."""
PRODUCER_ID_EXPIRATION_MS = 86_400_000
"""producer.id.expiration.ms"""
TRANSACTION_TIMEOUT_MAX_MS = 900_000
"""transaction.max.timeout.ms"""
TRANSACTIONAL_ID_EXPIRATION_MS = 7 * 86_400_000
"""transactional.id.expiration.ms"""
SESSION_TIMEOUT_MIN_MS = 6_000
"""group.min.session.timeout.ms"""
SESSION_TIMEOUT_MAX_MS = 1_800_000
"""group.max.session.timeout.ms"""
GROUP_INITIAL_REBALANCE_DELAY_MS = 0
"""group.initial.rebalance.delay.ms; Kafka's own default is 3,000, its single-node quickstart and every test setup set 0."""
OFFSETS_RETENTION_MS = 7 * 86_400_000
"""offsets.retention.minutes"""
OFFSET_METADATA_MAX = 4096
"""offset.metadata.max.bytes"""
LEADER_EPOCH = 0
"""Leaders never change here, so there is one epoch."""

# Groups

NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000
"""group.coordinator's bound for a first JoinGroup that is parked: a client that gave up comes back as somebody else."""


# Security.

SASL_TOKEN_BYTES_MAX = 512 * 1024
"""sasl.server.max.receive.size: what a client that has not logged in may send at once."""
SCRAM_ITERATIONS_MIN = 4096
"""ScramMechanism.minIterations; also what credentials of users from the settings are made with."""
SCRAM_ITERATIONS_MAX = 16_384
"""ScramControlManager.MAX_ITERATIONS"""
ACL_CHANGES_MAX = 10_000
"""QuorumController.MAX_RECORDS_PER_USER_OP: how many rules one request may create or delete."""
ACL_DECISIONS_MAX = 100_000
"""How many decisions on access are remembered, so that they need not be made again."""

# Transactions

PRODUCER_ID_BLOCK = 1000
"""How many producer ids are reserved at once (ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE)."""
MARKER_RETRY_MS = 1000
"""When markers that could not be written, because the memory for records was full, are tried again."""
