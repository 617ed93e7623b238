"""AWS's service descriptions are read from botocore's files, and botocore itself stays unloaded."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import botocore.session
import pytest

from emulator.wire.model import Model, known_services, read_description
from services import ALL


def test_all_services_that_botocore_knows_are_known() -> None:
    assert known_services() == set(botocore.session.Session().get_available_services())


@pytest.mark.parametrize("name", [service.name for service in ALL])
def test_the_operations_are_those_that_botocore_has(name: str) -> None:
    theirs = botocore.session.Session().get_service_model(name)
    ours = Model(name)
    assert set(ours.operations) == set(theirs.operation_names)
    for operation_name, ours_of_it in ours.operations.items():
        operation = theirs.operation_model(operation_name)
        assert ours_of_it.input_shape == (operation.input_shape and operation.input_shape.name)
        assert ours_of_it.output_shape == (operation.output_shape and operation.output_shape.name)


def test_the_newest_of_several_descriptions_is_read() -> None:
    """CloudFront has more than ten."""
    versions = botocore.session.Session().get_component("data_loader").list_api_versions("cloudfront", "service-2")
    assert len(versions) > 1
    assert Model("cloudfront").api_version == max(versions)


def test_sqs_is_described_by_its_target_its_version_and_its_protocols() -> None:
    model = Model("sqs")
    assert model.service == "sqs"
    assert model.target_prefix == "AmazonSQS"
    assert model.api_version == "2012-11-05"
    assert model.protocols[0] == "json"


def test_sts_has_no_target_and_speaks_query() -> None:
    model = Model("sts")
    assert model.target_prefix is None
    assert model.api_version == "2011-06-15"
    assert model.protocols == ("query",)


def test_a_description_without_a_list_of_protocols_has_its_one() -> None:
    def forget(description: dict[str, Any]) -> None:
        del description["metadata"]["protocols"]
        description["metadata"]["protocol"] = "rest-json"

    assert Model("sqs", forget).protocols == ("rest-json",)


def test_what_a_service_adds_to_its_description_is_in_its_model_alone() -> None:
    def rename(description: dict[str, Any]) -> None:
        description["metadata"]["targetPrefix"] = "Mine"

    assert Model("sqs", rename).target_prefix == "Mine"
    assert Model("sqs").target_prefix == "AmazonSQS"
    assert read_description("sqs")["metadata"]["targetPrefix"] == "AmazonSQS"


def test_the_services_come_up_without_importing_botocore() -> None:
    program = (
        "import sys\n"
        "from services import ALL\n"
        "from emulator.app import Emulator\n"
        "Emulator(ALL).start()\n"
        "print(sorted({'botocore', 'boto3', 'starlette'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
