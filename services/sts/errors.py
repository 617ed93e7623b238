"""AWS's words for STS."""

from __future__ import annotations

from emulator.errors import AwsError


def validation_error(value: object, parameter: str, constraint: str) -> AwsError:
    """Refuse a value in the words of AWS's validation framework."""
    shown = "null" if value is None else f"'{value}'"
    message = f"1 validation error detected: Value {shown} at '{parameter}' failed to satisfy constraint: {constraint}"
    return AwsError("ValidationError", message)


def invalid_role_arn(arn: str) -> AwsError:
    """Refuse a role ARN that is none."""
    return AwsError("ValidationError", f"{arn} is invalid")
