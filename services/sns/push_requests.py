"""The requests of platform applications and endpoints as typed dicts."""

from __future__ import annotations

from typing import TypedDict

from services.sns.requests import PageRequest


class ApplicationRequest(TypedDict, total=False):
    """Any request about one platform application."""

    PlatformApplicationArn: str


class CreateApplicationRequest(TypedDict, total=False):
    """CreatePlatformApplication."""

    Name: str
    Platform: str
    Attributes: dict[str, str]


class SetApplicationAttributesRequest(ApplicationRequest, total=False):
    """SetPlatformApplicationAttributes."""

    Attributes: dict[str, str]


class ListEndpointsRequest(ApplicationRequest, PageRequest, total=False):
    """ListEndpointsByPlatformApplication."""


class CreateEndpointRequest(ApplicationRequest, total=False):
    """CreatePlatformEndpoint."""

    Token: str
    CustomUserData: str
    Attributes: dict[str, str]


class EndpointRequest(TypedDict, total=False):
    """Any request about one endpoint."""

    EndpointArn: str


class SetEndpointAttributesRequest(EndpointRequest, total=False):
    """SetEndpointAttributes."""

    Attributes: dict[str, str]
