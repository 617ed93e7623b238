"""AwsError, and the errors that every AWS service shares. A service's own words live in its own errors.py.

Source: the "Common errors" page of each service's API reference, and the behaviour of AWS's front end (namespace
`com.amazon.coral.service`).
"""

from __future__ import annotations


class AwsError(Exception):
    """An error that a client sees.

    `code` is what the query protocol shows and what `x-amzn-query-error` says; `type` is the name behind `__type` in
    JSON, by which SDKs choose the exception class. The two differ for Amazon SQS, whose JSON protocol came later.
    `modelled` says that the service's model lists the error, which decides the namespace of `__type`.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        type: str | None = None,  # noqa: A002 - AWS's word
        modelled: bool = False,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.type = type or code
        self.modelled = modelled

    @property
    def sender_fault(self) -> bool:
        """Whether the caller is to blame (`Sender`) and not the service (`Receiver`)."""
        return self.status < 500


def invalid_parameter_value(message: str) -> AwsError:
    """Refuse a value."""
    return AwsError("InvalidParameterValue", message, type="InvalidParameterValueException")


def missing_parameter(name: str) -> AwsError:
    """Refuse a request that lacks `name`."""
    message = f"The request must contain the parameter {name}."
    return AwsError("MissingParameter", message, type="MissingRequiredParameterException")


def malformed_input(message: str) -> AwsError:
    """Refuse a body that cannot be read, or that holds a value of the wrong kind."""
    return AwsError("MalformedInput", message, type="SerializationException")


def validation_exception(message: str) -> AwsError:
    """Refuse a request that breaks the constraints of AWS's model, in the words of AWS's front end (wire/constraints.py)."""
    return AwsError("ValidationException", message)


def access_denied(message: str) -> AwsError:
    """Refuse a caller."""
    return AwsError("AccessDenied", message, 403, type="AccessDeniedException")


def invalid_action(name: str) -> AwsError:
    """Refuse an operation that the AWS model does not have."""
    return AwsError(
        "InvalidAction", f"The action {name} is not valid for this endpoint.", type="UnknownOperationException"
    )


def missing_action() -> AwsError:
    """Refuse a query request without an Action."""
    message = (
        "Could not find operation to perform: the request has neither an Action parameter nor an X-Amz-Target header."
    )
    return AwsError("MissingAction", message, type="UnknownOperationException")


def unknown_operation() -> AwsError:
    """Refuse a request to a resource's own URL that names no action; AWS answers this name and nothing else."""
    return AwsError("UnknownOperationException", "", 404)


def request_too_large(size_max_bytes: int) -> AwsError:
    """Refuse a body beyond what any AWS operation takes."""
    return AwsError(
        "RequestEntityTooLarge",
        f"Request must be smaller than {size_max_bytes} bytes.",
        413,
        type="RequestEntityTooLargeException",
    )


def operation_not_emulated(service: str, operation: str) -> AwsError:
    """Say that AWS has this operation and that Eventyard does not."""
    message = f"The operation {operation} of service {service} is not emulated by Eventyard."
    return AwsError("NotImplemented", message, 501, type="NotImplementedException")


def service_not_emulated(service: str, served: str) -> AwsError:
    """Say that Eventyard does not run this service."""
    message = f"The service {service} is not emulated by Eventyard. Services that are: {served}."
    return AwsError("NotImplemented", message, 501, type="NotImplementedException")


def service_not_enabled(service: str) -> AwsError:
    """Say that the SERVICES setting leaves this service out."""
    message = f"Service '{service}' is not enabled. Please check your 'SERVICES' configuration variable."
    return AwsError("NotImplemented", message, 501, type="NotImplementedException")


def service_unavailable() -> AwsError:
    """Answer what cannot be answered any more: the server is stopping."""
    return AwsError("ServiceUnavailable", "Eventyard is stopping.", 503, type="ServiceUnavailableException")


def internal_failure(request_id: str) -> AwsError:
    """Answer for a bug of ours; the log has the traceback under the same request id."""
    message = f"Eventyard failed to process this request; its log tells why under request id {request_id}."
    return AwsError("InternalFailure", message, 500, type="InternalFailureException")
