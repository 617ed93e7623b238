"""AWS's numbers for Amazon SNS. Sources: the API pages, "Amazon SNS endpoints and quotas", the developer guide."""

# Topics and subscriptions.
TOPIC_NAME_MAX_CHARS = 256
DISPLAY_NAME_MAX_CHARS = 100
POLICY_MAX_BYTES = 30 * 1024
POLICY_STATEMENTS_MAX = 100
POLICY_PRINCIPALS_MAX = 200
TOPICS_MAX = 100_000
FIFO_TOPICS_MAX = 1_000
FIFO_SUBSCRIPTIONS_MAX = 100
SUBSCRIPTIONS_MAX = 12_500_000
FILTER_POLICIES_PER_TOPIC_MAX = 200
FILTER_POLICIES_PER_ACCOUNT_MAX = 10_000
PAGE_MAX = 100
TAGS_MAX = 50
TAG_KEY_MAX_CHARS = 128
TAG_VALUE_MAX_CHARS = 256

# Messages.
MESSAGE_MAX_BYTES = 262_144
"""The default of a topic's MaximumMessageSize."""
MESSAGE_SIZE_LOWEST_BYTES = 1_024
MESSAGE_SIZE_HIGHEST_BYTES = 1_048_576
LARGE_MESSAGE_SUBSCRIPTIONS_MAX = 100
LARGE_MESSAGE_PROTOCOLS = frozenset({"sqs", "lambda", "firehose"})
"""Who can take a message of more than 256 KiB, and how many of them at most."""
SUBJECT_MAX_CHARS = 100
BATCH_MAX = 10
BATCH_ID_MAX_CHARS = 80
ATTRIBUTE_NAME_MAX_CHARS = 256
TOKEN_MAX_CHARS = 128
"""Of a message group id and of a deduplication id."""
RAW_ATTRIBUTES_MAX = 10
DEDUPLICATION_WINDOW_MS = 300_000
ARCHIVE_DAYS_MAX = 365
HELD_MAX = 10_000
"""Messages that may wait for a replay to end. (Ours: AWS has no such number.)"""

# Subscriptions that wait for confirmation.
TOKEN_VALID_MS = 2 * 24 * 3_600_000
"""The API page of Subscribe says two days; the developer guide says three."""
TOKEN_CHARS = 288

CAPTURES_MAX = 10_000
"""Captured text messages, push messages and e-mails of each kind; the oldest go first. (Ours: AWS has no such number.)"""

# Delivery policies.
DELIVERY_DELAY_MAX_S = 3_600
DELIVERY_RETRIES_MAX = 100
DELIVERY_TOTAL_MAX_S = 3_600
"""Of all delays of a policy together."""
CONTENT_TYPES = (
    "text/css",
    "text/csv",
    "text/html",
    "text/plain",
    "text/xml",
    "application/atom+xml",
    "application/json",
    "application/octet-stream",
    "application/rss+xml",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
)
"""What a headerContentType may name, with or without `; charset=UTF-8`."""

# People and devices.
APPLICATION_NAME_MAX_CHARS = 256
CUSTOM_USER_DATA_MAX_BYTES = 2_048
SMS_MAX_CHARS = 1_600
SENDER_ID_MAX_CHARS = 11
OPT_IN_WAIT_MS = 30 * 24 * 3_600_000
"""A number can be opted in once in 30 days."""
ORIGINATION_NUMBERS_PAGE_MAX = 30
SANDBOX_NUMBERS_MAX = 10
SANDBOX_CODE_DIGITS = 6
SANDBOX_CODE_VALID_MS = 15 * 60_000
SANDBOX_ATTEMPTS_MAX = 5
"""Wrong passwords until a new one has to be asked for. (AWS publishes neither this number nor the one above.)"""

# Data protection policies.
PROTECTION_MAX_CHARS = 30_720
AUDIT_RATE_MAX = 99
"""Percent."""
AUDIT_STATEMENTS_MAX = 1
FINDINGS_MAX = 1_000
"""Audit findings of one topic; the oldest go first. (Ours, as the next.)"""
DETECTIONS_MAX = 1_000
"""Positions that one finding shows for one data identifier; the count beside them is always whole."""

HTTP_TIMEOUT_MS = 15_000
"""A subscriber over HTTP has this long to answer."""
