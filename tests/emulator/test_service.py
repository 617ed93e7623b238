"""What a service is, what it refuses to be, and that all its state hangs on one Emulator."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from emulator.app import Emulator
from emulator.clock import ManualClock
from emulator.ids import Ids
from emulator.service import Service, ServiceState, operation
from services import ALL
from tests.support.errors import error_of
from tests.support.harness import Harness


def module_with(name: str, **functions: Any) -> ModuleType:
    """Make a module that holds functions as its own."""
    module = ModuleType(name)
    for key, function in functions.items():
        function.__module__ = name
        setattr(module, key, function)
    return module


def new_operation(name: str) -> Callable[..., Any]:
    @operation(name)
    def run(_ctx: Any, _request: Any) -> dict[str, Any]:
        return {}

    return run


def service_of(*modules: ModuleType) -> Service:
    return Service("sqs", modules, new_state=lambda *_: ServiceState())


def test_the_functions_that_are_marked_are_the_operations() -> None:
    send, create = new_operation("SendMessage"), new_operation("CreateQueue")
    found = service_of(module_with("a", send=send, other=lambda: None), module_with("b", create=create)).operations
    assert found == {"SendMessage": send, "CreateQueue": create}


def test_a_name_that_awss_model_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="mine: AWS's model of sqs has no operation SendMessages"):
        _ = service_of(module_with("mine", send=new_operation("SendMessages"))).operations


def test_a_name_given_twice_is_refused_in_one_module_and_in_two() -> None:
    one = module_with("one", a=new_operation("SendMessage"), b=new_operation("SendMessage"))
    with pytest.raises(ValueError, match="one: operation SendMessage of sqs stands twice"):
        _ = service_of(one).operations
    two = [module_with(name, send=new_operation("SendMessage")) for name in ("first", "second")]
    with pytest.raises(ValueError, match="second: operation SendMessage of sqs stands twice"):
        _ = service_of(*two).operations


def test_an_operation_that_a_module_only_imports_is_not_its_own() -> None:
    send = new_operation("SendMessage")
    home = module_with("home", send=send)
    guest = ModuleType("guest")
    guest.send = send  # type: ignore[attr-defined]
    assert service_of(home, guest).operations == {"SendMessage": send}


def test_a_service_with_a_wrong_name_does_not_start() -> None:
    service = service_of(module_with("mine", send=new_operation("Nonsense")))
    with pytest.raises(ValueError, match="no operation Nonsense"):
        Emulator([service]).start()


@pytest.mark.parametrize("service", [one for one in ALL if one.protocols], ids=lambda service: service.name)
def test_each_service_compiles_and_has_operations(service: Service) -> None:
    service.compile()
    assert set(service.operations) <= set(service.model.operations)
    assert service.operations
    assert set(service.protocols) <= {"json", "query"}


def test_sqs_has_all_23_operations() -> None:
    (sqs,) = (service for service in ALL if service.name == "sqs")
    assert len(sqs.operations) == 23
    assert set(sqs.operations) == set(sqs.model.operations)


# Two emulators in one process.


def test_two_emulators_in_one_process_share_nothing(cloud_with: Callable[..., Harness]) -> None:
    one, two = cloud_with(), cloud_with(account_id="111122223333")
    clients = one._clients
    sqs = one.client("sqs")

    clients.harness = one
    url = sqs.create_queue(QueueName="jobs", tags={"of": "one"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")

    clients.harness = two
    assert "QueueUrls" not in sqs.list_queues()
    assert error_of(sqs.get_queue_url, QueueName="jobs").code == "AWS.SimpleQueueService.NonExistentQueue"
    other = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    assert other == "http://localhost:4566/111122223333/jobs"
    assert "Messages" not in sqs.receive_message(QueueUrl=other)
    two.advance(3600)
    two.run(lambda emulator: emulator.reset())

    clients.harness = one
    assert one.now_ms == two.now_ms - 3_600_000
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"of": "one"}
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "x"


def test_two_emulators_with_one_seed_make_the_same_ids() -> None:
    one, two = (Emulator(ALL, clock=ManualClock(), ids=Ids(5)) for _ in range(2))
    assert one.session_id == two.session_id
    assert Emulator(ALL, clock=ManualClock()).session_id != one.session_id


def test_the_state_of_an_account_and_a_region_is_made_when_first_asked_for() -> None:
    emulator = Emulator(ALL, clock=ManualClock())
    assert list(emulator.storage.states()) == []
    state = emulator.state("sqs", "111122223333", "eu-west-1")
    assert emulator.state("sqs", "111122223333", "eu-west-1") is state
    assert emulator.state("sqs", "111122223333", "eu-west-2") is not state
    assert emulator.state("sqs", "000000000000", "eu-west-1") is not state
    assert len(list(emulator.storage.states())) == 3
    assert len(list(emulator.storage.states("sts"))) == 0


def test_looking_for_a_state_makes_none() -> None:
    emulator = Emulator(ALL, clock=ManualClock())
    assert emulator.find_state("sqs", "111122223333", "eu-west-1") is None
    assert list(emulator.storage.states()) == []


def test_a_reset_of_one_service_leaves_the_others() -> None:
    emulator = Emulator(ALL, clock=ManualClock())
    sts = emulator.state("sts", "000000000000", "us-east-1")
    emulator.state("sqs", "000000000000", "us-east-1")
    emulator.reset("sqs")
    assert list(emulator.storage.states()) == [sts]
    emulator.reset()
    assert list(emulator.storage.states()) == []
