"""Amazon Resource Names and partitions."""

from __future__ import annotations

import pytest

from emulator.arns import Arn, make_arn, parse_arn, partition


@pytest.mark.parametrize(
    ("text", "arn"),
    [
        ("arn:aws:sqs:us-east-1:123456789012:jobs", Arn("aws", "sqs", "us-east-1", "123456789012", "jobs")),
        ("arn:aws:iam::123456789012:role/a/b", Arn("aws", "iam", "", "123456789012", "role/a/b")),
        ("arn:aws:s3:::bucket/key", Arn("aws", "s3", "", "", "bucket/key")),
        (
            "arn:aws:events:eu-west-1:123456789012:rule/bus:x:y",
            Arn("aws", "events", "eu-west-1", "123456789012", "rule/bus:x:y"),
        ),
        (
            "arn:aws-cn:sqs:cn-north-1:000000000000:a.fifo",
            Arn("aws-cn", "sqs", "cn-north-1", "000000000000", "a.fifo"),
        ),
    ],
)
def test_an_arn_is_read_into_its_parts_and_written_again(text: str, arn: Arn) -> None:
    assert parse_arn(text) == arn
    assert str(arn) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jobs",
        "arn:aws:sqs:us-east-1:123456789012",
        "arn:aws:sqs:us-east-1:123456789012:",
        "arn::sqs:us-east-1:123456789012:jobs",
        "arn:aws::us-east-1:123456789012:jobs",
        "ARN:aws:sqs:us-east-1:123456789012:jobs",
        " arn:aws:sqs:us-east-1:123456789012:jobs",
        "http://localhost:4566/123456789012/jobs",
    ],
)
def test_a_text_that_is_no_arn_is_told(text: str) -> None:
    assert parse_arn(text) is None


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("us-east-1", "aws"),
        ("eu-central-2", "aws"),
        ("cn-north-1", "aws-cn"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-east-1", "aws-us-gov"),
        ("us-gov-west-1", "aws-us-gov"),
        ("ca-central-1", "aws"),
    ],
)
def test_a_region_belongs_to_a_partition_and_arns_name_it(region: str, expected: str) -> None:
    assert partition(region) == expected
    assert make_arn("sqs", region, "123456789012", "jobs") == f"arn:{expected}:sqs:{region}:123456789012:jobs"
