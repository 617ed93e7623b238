"""What a client sees of an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError


class Seen(NamedTuple):
    """An error as boto3 shows it."""

    code: str
    message: str
    status: int


def error_of(call: Callable[..., Any], **arguments: Any) -> Seen:
    """Make a call that must fail with an error of AWS's."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return Seen(response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"])
