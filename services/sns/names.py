"""What AWS's XML has in another order than its description."""

from __future__ import annotations

from typing import Any

FIRST = {"PublishBatchResponse": "Failed", "Tag": "Value"}
"""The member that AWS writes first, by shape; as recorded."""


def amend(description: dict[str, Any]) -> None:
    """Put the members into the order in which AWS writes them."""
    for shape, first in FIRST.items():
        members = description["shapes"][shape]["members"]
        description["shapes"][shape]["members"] = {first: members[first], **members}
