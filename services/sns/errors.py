"""AWS's words for Amazon SNS. Each function makes one error; the API page of each operation says when it comes.

The query protocol shows the code only (`InvalidParameter`); SDKs choose their exception class by it.
"""

from __future__ import annotations

from emulator.arns import parse_arn
from emulator.errors import AwsError


def _modelled(code: str, message: str, status: int = 400) -> AwsError:
    """Make an error that AWS's description lists; its name there is the code with a suffix, but for a few."""
    return AwsError(code, message, status, type=_NAMES.get(code, f"{code}Exception"), modelled=True)


_NAMES = {"ParameterValueInvalid": "InvalidParameterValueException", "VerificationException": "VerificationException"}


def invalid_parameter(reason: str) -> AwsError:
    """Refuse a value; nearly all of SNS's refusals have this form."""
    return _modelled("InvalidParameter", f"Invalid parameter: {reason}")


def parameter_value_invalid(message: str) -> AwsError:
    """Refuse a message attribute."""
    return _modelled("ParameterValueInvalid", message)


def validation_error(value: object, member: str, constraint: str) -> AwsError:
    """Refuse a value in the words of AWS's validation framework."""
    shown = "null" if value is None else f"'{value}'"
    message = f"1 validation error detected: Value {shown} at '{member}' failed to satisfy constraint: {constraint}"
    return AwsError("ValidationError", message)


def missing(member: str) -> AwsError:
    """Refuse a request that lacks a required member; `member` is in lower camel case, as AWS writes it."""
    return validation_error(None, member, "Member must not be null")


def not_found(what: str) -> AwsError:
    """No such thing: `Topic`, `Subscription`, `Endpoint`, `PlatformApplication`."""
    return _modelled("NotFound", f"{what} does not exist", 404)


def resource_not_found() -> AwsError:
    """No such thing, in the words of the tag operations."""
    return _modelled("ResourceNotFound", "Resource does not exist", 404)


def authorization_error(message: str) -> AwsError:
    """Refuse a caller."""
    return _modelled("AuthorizationError", message, 403)


# Topics.


def topic_limit_exceeded() -> AwsError:
    """The account has as many topics as it may."""
    return _modelled("TopicLimitExceeded", "Topic limit exceeded", 403)


def archive_is_active(topic_arn: str) -> AwsError:
    """DeleteTopic found an archive that somebody may still want."""
    message = f"Invalid state: the topic {topic_arn} has an active archive policy; the archive policy must be deactivated first"
    return _modelled("InvalidState", message)


def too_many_for_large_messages(prefix: str = "") -> AwsError:
    """A topic of large messages has few subscriptions."""
    return invalid_parameter(
        f"{prefix}MaximumMessageSize: a topic with messages above 256 KiB can have at most 100 subscriptions"
    )


def no_large_messages(protocol: str, prefix: str = "") -> AwsError:
    """A subscriber that cannot take large messages."""
    return invalid_parameter(
        f"{prefix}MaximumMessageSize: subscriptions of protocol {protocol} cannot take messages above 256 KiB"
    )


# Subscriptions.


def subscription_limit_exceeded() -> AwsError:
    """The topic has as many subscriptions as it may."""
    return _modelled("SubscriptionLimitExceeded", "Subscription limit exceeded", 403)


def filter_policy_limit_exceeded() -> AwsError:
    """The topic or the account has as many filter policies as it may."""
    return _modelled("FilterPolicyLimitExceeded", "Filter policy limit exceeded", 403)


# Messages.


def attribute_name_character(code_point: int) -> AwsError:
    """A message attribute's name has a character that it must not have."""
    return parameter_value_invalid(
        f"Invalid non-alphanumeric character '#x{code_point:X}' was found in the message attribute name. "
        "Can only include alphanumeric characters, hyphens, underscores, or dots."
    )


def attribute_type(name: str) -> AwsError:
    """A message attribute is of no type that there is."""
    return parameter_value_invalid(
        f"The message attribute '{name}' has an invalid message attribute type, "
        "the set of supported type prefixes is Binary, Number, and String."
    )


def attribute_empty(name: str, kind: str) -> AwsError:
    """A message attribute has no value."""
    return parameter_value_invalid(
        f"The message attribute '{name}' must contain non-empty message attribute value "
        f"for message attribute type '{kind}'."
    )


def attribute_field(name: str, kind: str, field: str) -> AwsError:
    """A message attribute's value stands in the other field."""
    return parameter_value_invalid(f"The message attribute '{name}' with type '{kind}' must use field '{field}'.")


def token(name: str) -> AwsError:
    """A message group id or a deduplication id is not well formed."""
    return invalid_parameter(
        f"{name} Reason: {name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    )


def no_group_id() -> AwsError:
    """A FIFO topic needs a group."""
    return invalid_parameter("The MessageGroupId parameter is required for FIFO topics")


def no_deduplication_id() -> AwsError:
    """A FIFO topic needs to know what a duplicate is."""
    return invalid_parameter(
        "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )


def deduplication_on_standard() -> AwsError:
    """A standard topic knows no duplicates."""
    return invalid_parameter(
        "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter "
        "that is not valid for this topic type"
    )


def no_target() -> AwsError:
    """Publish to nobody."""
    return invalid_parameter("TopicArn or TargetArn Reason: no value for required parameter")


def too_many_targets() -> AwsError:
    """Publish to more than one."""
    return invalid_parameter("TopicArn, TargetArn or PhoneNumber Reason: only one of them can be given")


def too_many_entries() -> AwsError:
    """A batch of more than 10."""
    return _modelled("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")


def ids_not_distinct() -> AwsError:
    """Two entries of a batch go by one id."""
    return _modelled("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")


def batch_id_too_long(entry_id: str) -> AwsError:
    """An entry's id is too long."""
    return _modelled("InvalidBatchEntryId", f"The Id of a batch entry in the batch request is too long: {entry_id}")


def batch_id_character(entry_id: str) -> AwsError:
    """An entry's id has a character that it must not have."""
    message = f"The Id of a batch entry in the batch request contains an impermissible character: {entry_id}"
    return _modelled("InvalidBatchEntryId", message)


def batch_too_long() -> AwsError:
    """A batch's messages are too large together."""
    message = "The length of all the messages put together is more than the limit."
    return _modelled("BatchRequestTooLong", message)


# People and devices.


def not_the_owner(action: str, caller: str, arn: str) -> AwsError:
    """Platform applications and endpoints have no policies, so that nothing could open them to another account."""
    parsed = parse_arn(arn)
    partition = "aws" if parsed is None else parsed.partition
    action = f"SNS:{action}"
    return authorization_error(
        f"User: arn:{partition}:iam::{caller}:root is not authorized to perform: {action} on resource: {arn} "
        f"because no resource-based policy allows the {action} action"
    )


def wrong_slashes(parameter: str) -> AwsError:
    """An ARN whose last part is not of the form `app/<platform>/<name>` or `endpoint/<platform>/<name>/<id>`."""
    return invalid_parameter(f"{parameter} Reason: Wrong number of slashes in relative portion of the ARN.")


def invalid_attribute_name(name: str) -> AwsError:
    """Refuse an attribute that platform applications or endpoints do not have."""
    return invalid_parameter(f"Attributes Reason: Invalid attribute name: {name}")


def invalid_attribute_value(name: str, reason: str) -> AwsError:
    """Refuse the value of an attribute of a platform application or an endpoint."""
    return invalid_parameter(f"Attributes Reason: Invalid value for attribute: {name}: {reason}")


def token_taken(endpoint_arn: str) -> AwsError:
    """Another endpoint has the token. Programs read the ARN out of this very text."""
    return invalid_parameter(
        f"Token Reason: Endpoint {endpoint_arn} already exists with the same Token, but different attributes."
    )


def no_endpoint() -> AwsError:
    """Publish found nobody at its TargetArn."""
    return invalid_parameter("TargetArn Reason: No endpoint found for the target arn specified")


def endpoint_disabled() -> AwsError:
    """Publish found an endpoint that is switched off."""
    return _modelled("EndpointDisabled", "Endpoint is disabled")


def platform_application_disabled() -> AwsError:
    """Publish found an endpoint whose application is switched off."""
    return _modelled("PlatformApplicationDisabled", "Platform application is disabled")


def hidden_validation_error(member: str, constraint: str) -> AwsError:
    """Refuse a value that AWS's model calls sensitive: the message does not repeat it."""
    message = f"1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
    return AwsError("ValidationError", message)


def bad_phone_number() -> AwsError:
    """A number that is no phone number, in the words of all operations but Publish."""
    return invalid_parameter("PhoneNumber Reason: input incorrectly formatted")


def cannot_publish_to(number: str) -> AwsError:
    """Publish was given a number that is no phone number."""
    return invalid_parameter(f"PhoneNumber Reason: {number} is not valid to publish to")


def unknown_sms_attribute(name: str) -> AwsError:
    """SetSMSAttributes has no such attribute; AWS leaves its usual prefix out here."""
    return _modelled("InvalidParameter", f"{name} is not a valid attribute")


def invalid_sms_attribute(name: str) -> AwsError:
    """SetSMSAttributes does not take this value."""
    return _modelled("InvalidParameter", f"{name} is invalid")


def opted_out() -> AwsError:
    """The person behind a number does not want messages."""
    return _modelled("OptedOut", "Phone number is opted out")


def user_error(message: str) -> AwsError:
    """Refuse what the state of the SMS sandbox does not allow."""
    return _modelled("UserError", message)


def verification_failed(message: str) -> AwsError:
    """The one-time password is not, or no longer, the right one."""
    return _modelled("VerificationException", message)


# Access policies, tags, data protection.


def policy_error(reason: str, prefix: str = "") -> AwsError:
    """A topic's access policy is wrong; AWS's own reason is mostly `null`."""
    return invalid_parameter(f"{prefix}Policy Error: {reason}")


def policy_action(prefix: str = "") -> AwsError:
    """A policy or a permission speaks of an action that it cannot speak of."""
    return invalid_parameter(f"{prefix}Policy statement action out of service scope!")


def policy_resource(prefix: str = "") -> AwsError:
    """A policy's statement names no resource or several."""
    return invalid_parameter(f"{prefix}Policy statement must apply to a single resource!")


def principal_not_found(prefix: str = "") -> AwsError:
    """A policy or a permission names a principal that there cannot be."""
    return policy_error("PrincipalNotFound", prefix)


def statement_exists() -> AwsError:
    """AddPermission with a label that a statement of the policy has."""
    return invalid_parameter("Statement already exists")


def tag_limit_exceeded() -> AwsError:
    """A topic would have more tags than it may ("of per" is AWS's own slip)."""
    return _modelled("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")


def duplicate_tags() -> AwsError:
    """One request names one key twice."""
    return invalid_parameter("Duplicated keys are not allowed.")


def reserved_tag() -> AwsError:
    """A key of AWS's own."""
    return invalid_parameter("Tags Reason: aws: prefixed tag key names are not allowed for external use.")


def bad_tag_text(what: str) -> AwsError:
    """A tag's `key` or `value` has a character that it must not have."""
    return invalid_parameter(f"Tags Reason: a tag's {what} can have letters, digits, spaces and _ . : / = + - @ only")


def bad_data_protection(reason: str) -> AwsError:
    """A data protection policy is wrong."""
    return invalid_parameter(f"DataProtectionPolicy Reason: {reason}")


def sensitive_data(principal_arn: str, topic_arn: str, names: str) -> AwsError:
    """Publish of what the topic's data protection policy denies; `names` are the data identifiers that were found."""
    return authorization_error(
        f"User: {principal_arn} is not authorized to perform: SNS:Publish on resource: {topic_arn} with an explicit deny "
        f"in a data protection policy: the message contains sensitive data ({names})"
    )
