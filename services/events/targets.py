"""Targets of rules: PutTargets, RemoveTargets, ListTargetsByRule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from emulator.arns import parse_arn
from emulator.router.json_path import PathError, parse_path
from emulator.router.transform import Fault, TransformError, compile_input
from emulator.service import operation
from services.events import delivery, errors, limits
from services.events.pages import answer
from services.events.rules import check_managed
from services.events.state import Target, find_rule

if TYPE_CHECKING:
    from emulator.arns import Arn
    from emulator.router.transform import Transform
    from services.events.state import EventsContext, Rule

ROLE_NEEDED = frozenset(
    {
        "appsync",
        "batch",
        "codebuild",
        "codepipeline",
        "ecs",
        "firehose",
        "glue",
        "kinesis",
        "redshift",
        "redshift-serverless",
        "sagemaker",
        "ssm",
        "states",
    }
)
"""Services, by their name in ARNs, that EventBridge calls with a role of the rule's owner."""


class RuleRequest(TypedDict, total=False):
    """Any request about the targets of one rule."""

    Rule: str
    EventBusName: str


class PutTargetsRequest(RuleRequest, total=False):
    """PutTargets. A target is kept in the API's own shape."""

    Targets: list[dict[str, Any]]


class RemoveTargetsRequest(RuleRequest, total=False):
    """RemoveTargets."""

    Ids: list[str]
    Force: bool


class ListTargetsRequest(RuleRequest, total=False):
    """ListTargetsByRule."""

    NextToken: str
    Limit: int


@operation("PutTargets")
def put_targets(ctx: EventsContext, request: PutTargetsRequest) -> dict[str, Any]:
    """Add targets to a rule, or put new ones in the place of those with the same ids. All are stored or none.

    Raises ResourceNotFoundException, LimitExceededException, ManagedRuleException, ValidationException.
    """
    rule = find_rule(ctx, request["Rule"], request.get("EventBusName"))
    check_managed(rule, force=False)
    made = {spec["Id"]: _new_target(ctx, rule, spec) for spec in request["Targets"]}
    if len(rule.targets.keys() | made.keys()) > limits.TARGETS_MAX and ctx.emulator.settings.quotas:
        raise errors.limit_exceeded()
    for target_id, target in made.items():
        old = rule.targets.get(target_id)
        if old is not None:
            ctx.emulator.router.deliveries.close(old.lane, "another target was put in its place")
        rule.targets[target_id] = target
    return {"FailedEntryCount": 0, "FailedEntries": []}


def _new_target(ctx: EventsContext, rule: Rule, spec: dict[str, Any]) -> Target:
    target_id, text = spec["Id"], spec["Arn"]
    arn = parse_arn(text)
    if arn is None:
        raise errors.not_valid(text, "Provided Arn is not in correct format.")
    _check_kind(spec, arn)
    _check_dead_letters(rule, spec)
    transform = _transform(target_id, spec)
    if transform is not None and _is_bus(arn) and arn.account != rule.bus.account:
        raise errors.validation(
            f"Input is not supported for target {target_id}: it is an event bus of another account."
        )
    return Target(target_id, text, spec, delivery.new_lane(ctx.emulator, rule, target_id, spec), transform)


def _is_bus(arn: Arn) -> bool:
    return arn.service == "events" and arn.resource.startswith("event-bus/")


def _check_dead_letters(rule: Rule, spec: dict[str, Any]) -> None:
    """Check that dead letters go to a standard queue in the rule's region, in whatever account."""
    text = spec.get("DeadLetterConfig", {}).get("Arn")
    if text is None:
        return
    arn = parse_arn(text)
    if arn is None or arn.service != "sqs" or arn.resource.endswith(".fifo"):
        raise errors.not_valid("DeadLetterConfig.Arn", "Must be the ARN of a standard SQS queue.")
    if arn.region != rule.bus.region:
        raise errors.not_valid("DeadLetterConfig.Arn", "Must be in the region of the rule.")


def _check_kind(spec: dict[str, Any], arn: Arn) -> None:
    """Check what the target's service needs."""
    target_id = spec["Id"]
    fifo = arn.resource.endswith(".fifo")
    if arn.service == "sqs" and fifo and not spec.get("SqsParameters", {}).get("MessageGroupId"):
        raise errors.validation(f"Parameter(s) SqsParameters must be specified for target: {target_id}.")
    if arn.service == "sns" and fifo:
        raise errors.not_valid(str(arn), "FIFO topics are not supported as targets.")
    if arn.service == "ecs" and "EcsParameters" not in spec:
        raise errors.validation(f"Parameter(s) EcsParameters must be specified for target: {target_id}.")
    if arn.service == "kafka":
        _check_record_key(spec.get("KinesisParameters", {}).get("PartitionKeyPath"))
    destination = arn.service == "events" and arn.resource.startswith("api-destination/")
    if (arn.service in ROLE_NEEDED or destination) and not spec.get("RoleArn"):
        raise errors.validation(f"RoleArn is required for target {arn}.")


def _check_record_key(path: str | None) -> None:
    if path is None:
        return
    try:
        parse_path(path)
    except PathError:
        raise errors.not_valid("KinesisParameters.PartitionKeyPath", "Must be a JSON path.") from None


def _transform(target_id: str, spec: dict[str, Any]) -> Transform | None:
    """Compile a target's input. Raises ValidationException in AWS's words for each fault."""
    transformer = spec.get("InputTransformer")
    given = [name for name in ("Input", "InputPath", "InputTransformer") if spec.get(name) is not None]
    if not given:
        return None
    try:
        return compile_input(
            input_text=spec.get("Input"),
            input_path=spec.get("InputPath"),
            paths_map=None if transformer is None else transformer.get("InputPathsMap", {}),
            template=None if transformer is None else transformer.get("InputTemplate"),
        )
    except TransformError as error:
        raise _refusal(target_id, error) from None


def _refusal(target_id: str, error: TransformError) -> Exception:
    if error.fault is Fault.SEVERAL_INPUTS:
        return errors.validation(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target_id}."
        )
    if error.fault is Fault.INPUT_NOT_JSON:
        return errors.validation(f"Input for target {target_id} is not a valid JSON text.")
    if error.fault is Fault.PLACEHOLDER_INVALID:
        return errors.validation(f"InputTemplate for target {target_id} contains invalid placeholder {error.name}.")
    if error.fault is Fault.TEMPLATE_NOT_JSON:
        return errors.validation(f"Invalid InputTemplate for target {target_id} : {error.location}.")
    return errors.validation(f"InputPathsMap for target {target_id} contains invalid name {error.name}.")


@operation("RemoveTargets")
def remove_targets(ctx: EventsContext, request: RemoveTargetsRequest) -> dict[str, Any]:
    """Take targets from a rule; ids that it does not have are no error. Raises ResourceNotFoundException, ManagedRuleException."""
    rule = find_rule(ctx, request["Rule"], request.get("EventBusName"))
    check_managed(rule, force=request.get("Force", False))
    for target_id in request["Ids"]:
        target = rule.targets.pop(target_id, None)
        if target is not None:
            ctx.emulator.router.deliveries.close(target.lane, "the target was removed")
    return {"FailedEntryCount": 0, "FailedEntries": []}


@operation("ListTargetsByRule")
def list_targets_by_rule(ctx: EventsContext, request: ListTargetsRequest) -> dict[str, Any]:
    """List the targets of a rule, by id. Raises ResourceNotFoundException."""
    rule = find_rule(ctx, request["Rule"], request.get("EventBusName"))
    found = ((target.id, target.spec) for target in rule.targets.values())
    return answer("Targets", found, request.get("NextToken"), request.get("Limit"))
