"""Every operation over each of its protocols, with what botocore knows of its input."""

from __future__ import annotations

from typing import NamedTuple

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from emulator.service import Service
from services import ALL


class Route(NamedTuple):
    """One operation over one protocol."""

    service: Service
    protocol: str
    operation: str

    @property
    def shape(self) -> Shape | None:
        return MODELS[self.service.name].operation_model(self.operation).input_shape

    def __str__(self) -> str:
        return f"{self.service.name}-{self.protocol}-{self.operation}"


SERVICES = {service.name: service for service in ALL if service.protocols}
MODELS = {name: ServiceModel(Loader().load_service_model(name, "service-2"), name) for name in SERVICES}
ROUTES = [
    Route(service, protocol, operation)
    for service in SERVICES.values()
    for protocol in service.protocols
    for operation in sorted(service.operations)
]
