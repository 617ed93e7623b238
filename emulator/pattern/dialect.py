"""What one service knows of the pattern language: its operators, its limits, its words for them.

A new dialect is a new constant here; a new operator is a new file in `operators/` and its name in the dialects that have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Counting(Enum):
    """What the limit of combinations counts. The alternatives that `$or` opens always add up."""

    ALTERNATIVES = "alternatives"
    """Each alternative is one."""
    VALUES = "values"
    """In each alternative the sizes of the arrays are multiplied."""
    VALUES_BY_DEPTH = "values by depth"
    """As VALUES, and each array also by the number of keys that lead to it."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The pattern language as one service speaks it."""

    name: str
    operators: frozenset[str]
    """The names of the operators; what may stand inside another operator is named `anything-but/prefix`."""
    counting: Counting
    combinations_max: int
    too_complex: str
    """The error of more combinations than that, and of a text longer than `bytes_max`."""
    bytes_max: int
    keys_max: int | None = None
    """How many different paths a pattern may name, and the error of more."""
    too_many_keys: str = ""
    nested: bool = True
    """Whether objects may nest, and the error if they may not but do."""
    not_nested: str = ""
    not_json: str | None = None
    """The one error of all texts that are not JSON, which are then told before anything else; None for Jackson's own sentences."""
    or_strict: bool = True
    """Whether `$or` is always the operator, and an error where it cannot be; otherwise it is an ordinary key there."""
    numeric_upper_first: bool = False
    """Whether a numeric range may name its upper bound first."""
    wildcard_score_max: int | None = None
    """How hard to match the wildcards of one path may be (complexity.py), and the error of more."""
    too_many_wildcards: str = ""


_SNS_OPERATORS = frozenset(
    {
        "exactly",
        "prefix",
        "suffix",
        "equals-ignore-case",
        "anything-but",
        "anything-but/prefix",
        "numeric",
        "exists",
        "cidr",
    }
)

SNS_ATTRIBUTES = Dialect(
    name="SNS filter policy on message attributes",
    operators=_SNS_OPERATORS,
    counting=Counting.VALUES,
    combinations_max=150,
    too_complex="Filter policy is too complex",
    bytes_max=256 * 1024,
    keys_max=5,
    too_many_keys="Filter policy can not have more than 5 keys",
    nested=False,
    not_nested="Filter policy scope MessageAttributes does not support nested filter policy",
    not_json="failed to parse JSON.",
    or_strict=False,
    numeric_upper_first=True,
)

SNS_BODY = Dialect(
    name="SNS filter policy on the message body",
    operators=_SNS_OPERATORS,
    counting=Counting.VALUES_BY_DEPTH,
    combinations_max=150,
    too_complex="Filter policy is too complex",
    bytes_max=256 * 1024,
    keys_max=5,
    too_many_keys="Filter policy can not have more than 5 keys",
    not_json="failed to parse JSON.",
    or_strict=False,
    numeric_upper_first=True,
)

EVENTBRIDGE = Dialect(
    name="EventBridge event pattern",
    operators=_SNS_OPERATORS
    | {
        "wildcard",
        "prefix/equals-ignore-case",
        "suffix/equals-ignore-case",
        "anything-but/suffix",
        "anything-but/equals-ignore-case",
        "anything-but/wildcard",
    },
    counting=Counting.ALTERNATIVES,
    combinations_max=1000,
    too_complex="Event pattern has more than 1000 combinations of the alternatives in $or",
    bytes_max=4 * 4096,
    wildcard_score_max=10,
    too_many_wildcards="Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after "
    "a wildcard character",
)
"""Of AWS's engine nothing is left out. The API's model bounds the text to 4096 characters."""
