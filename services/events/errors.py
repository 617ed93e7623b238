"""AWS's words for Amazon EventBridge. Each function makes one error; the API page of each operation says when it comes."""

from __future__ import annotations

from emulator.errors import AwsError, validation_exception


def _modelled(name: str, message: str, status: int = 400) -> AwsError:
    return AwsError(name, message, status, modelled=True)


def validation(message: str) -> AwsError:
    """Refuse a value; EventBridge's own refusals have the name of those that AWS's front end makes."""
    return validation_exception(message)


def not_valid(parameter: str, reason: str = "") -> AwsError:
    """Refuse a parameter."""
    return validation(f"Parameter {parameter} is not valid." + (f" Reason: {reason}" if reason else ""))


def not_found(message: str) -> AwsError:
    """No such thing."""
    return _modelled("ResourceNotFoundException", message)


def already_exists(message: str) -> AwsError:
    """The name is taken."""
    return _modelled("ResourceAlreadyExistsException", message)


def limit_exceeded(message: str = "The requested resource exceeds the maximum number allowed.") -> AwsError:
    """There are as many as there may be."""
    return _modelled("LimitExceededException", message)


def invalid_pattern(reason: str) -> AwsError:
    """An event pattern is not valid; the reason is the engine's, with its location."""
    return _modelled("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}")


def managed_rule(name: str) -> AwsError:
    """A rule that AWS manages is not to be touched without force."""
    return _modelled("ManagedRuleException", f"{name} is a managed rule. Set 'force' parameter to true to override.")


def illegal_status(message: str) -> AwsError:
    """The thing is in a state in which this cannot be done."""
    return _modelled("IllegalStatusException", message)


def invalid_state(message: str) -> AwsError:
    """The event source is in a state in which this cannot be done."""
    return _modelled("InvalidStateException", message)


def policy_too_long() -> AwsError:
    """A bus's policy is too long."""
    return _modelled("PolicyLengthExceededException", "The policy is too long: at most 10240 characters are allowed.")


# Buses and rules.


def no_bus(name: str) -> AwsError:
    """No such bus."""
    return not_found(f"Event bus {name} does not exist.")


def no_rule(name: str, bus: str) -> AwsError:
    """No such rule."""
    return not_found(f"Rule {name} does not exist on EventBus {bus}.")


# Tags.


def no_resource(arn: str) -> AwsError:
    """Nothing that can have tags has this ARN."""
    return not_found(f"Resource {arn} does not exist.")


def duplicate_tags() -> AwsError:
    """Two tags of a request have the same key."""
    return not_valid("Tags", "Duplicate tag keys are not allowed.")


def reserved_tag() -> AwsError:
    """AWS keeps this prefix for itself."""
    return not_valid("Tags", "Tag keys must not begin with aws:.")


def too_many_tags() -> AwsError:
    """A resource would have more tags than it may; the operations' models have no LimitExceededException for that."""
    return not_valid("Tags", "A resource has at most 50 tags.")


# Permissions.


def parameters_missing(names: str) -> AwsError:
    """Something must be named that the model does not ask for."""
    return validation(f"Parameter(s) {names} must be specified.")


def action_not_supported() -> AwsError:
    """Only events:PutEvents can be permitted by statement."""
    return validation("Provided value in parameter 'action' is not supported.")


def no_policy() -> AwsError:
    """There is no policy to take anything from."""
    return not_found("EventBus does not have a policy.")


def no_statement() -> AwsError:
    """The policy has no statement of this id."""
    return not_found("Statement with the provided id does not exist.")


# Partner event sources.


def no_event_source(name: str) -> AwsError:
    """No such event source."""
    return not_found(f"Event source {name} does not exist.")


def event_source_exists(name: str) -> AwsError:
    """The name is taken, by whomever."""
    return already_exists(f"Event source {name} already exists.")


def event_source_state(name: str, state: str) -> AwsError:
    """The event source is in a state in which this cannot be done."""
    return invalid_state(f"Event source {name} is in state {state}, which does not allow this operation.")


# Global endpoints.


def no_endpoint(name: str) -> AwsError:
    """No such global endpoint."""
    return not_found(f"Endpoint {name} does not exist.")


def endpoint_exists(name: str) -> AwsError:
    """The name is taken."""
    return already_exists(f"Endpoint {name} already exists.")


# Connections and API destinations.


def no_connection(name: str) -> AwsError:
    """No such connection."""
    return not_found(f"Connection '{name}' does not exist.")


def connection_exists(name: str) -> AwsError:
    """The connection's name is taken."""
    return already_exists(f"Connection {name} already exists.")


def no_destination(name: str) -> AwsError:
    """No such API destination."""
    return not_found(f"An api-destination '{name}' does not exist.")


def destination_exists(name: str) -> AwsError:
    """The API destination's name is taken."""
    return already_exists(f"An api-destination '{name}' already exists.")


# Archives and replays.


def no_archive(name: str) -> AwsError:
    """No such archive."""
    return not_found(f"Archive {name} does not exist.")


def archive_exists(name: str) -> AwsError:
    """The archive's name is taken."""
    return already_exists(f"Archive {name} already exists.")


def archive_rule_exists(name: str) -> AwsError:
    """The name of the archive's own rule is taken."""
    return already_exists(f"Rule {name} already exists.")


def no_replay(name: str) -> AwsError:
    """No such replay."""
    return not_found(f"Replay {name} does not exist.")


def replay_exists(name: str) -> AwsError:
    """The replay's name is taken."""
    return already_exists(f"Replay {name} already exists.")


def replay_state(name: str) -> AwsError:
    """The replay has ended, or is about to."""
    return illegal_status(f"Replay {name} is not in a valid state for this operation.")


def several_filters(operation: str) -> AwsError:
    """A list takes one filter at most."""
    return validation(
        f"At most one filter is allowed for {operation}. Use either : State, EventSourceArn, or NamePrefix."
    )
