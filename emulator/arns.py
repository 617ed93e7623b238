"""Amazon Resource Names: `arn:<partition>:<service>:<region>:<account>:<resource>`."""

from __future__ import annotations

import functools
from typing import NamedTuple


class Arn(NamedTuple):
    """The parts of an ARN; `str()` joins them again."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return ":".join(("arn", *self))


@functools.lru_cache(maxsize=4096)
def parse_arn(text: str) -> Arn | None:
    """Read an ARN, or answer None where one of the five colons or the resource is missing."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not (parts[1] and parts[2] and parts[5]):
        return None
    return Arn(*parts[1:])


def partition(region: str) -> str:
    """Tell the partition of a region: aws, aws-cn or aws-us-gov (AWS: ARN format)."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def make_arn(service: str, region: str, account: str, resource: str) -> str:
    """Write the ARN of a resource in its region's partition."""
    return f"arn:{partition(region)}:{service}:{region}:{account}:{resource}"
