"""A service's description, read from the `service-2.json` that botocore ships. botocore itself is not imported: that
alone would cost more than the whole start of the server.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ShapeDict = dict[str, Any]
Made = TypeVar("Made")


class Operation(NamedTuple):
    """One operation of the description: its name and the names of its shapes, None where it takes or gives nothing."""

    name: str
    input_shape: str | None
    output_shape: str | None
    result_wrapper: str | None
    """The element around the result in the query protocol."""


@functools.cache
def data_folder() -> Path:
    """Find botocore's data without importing botocore."""
    spec = importlib.util.find_spec("botocore")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("botocore is not installed; Eventyard reads AWS's service descriptions from it")
    return Path(spec.submodule_search_locations[0]) / "data"


def known_services() -> frozenset[str]:
    """Name all services that AWS's SDK knows, by their botocore folder (`sqs`, `s3`, ...)."""
    return frozenset(folder.name for folder in data_folder().iterdir() if folder.is_dir())


def read_description(service: str) -> dict[str, Any]:
    """Read the newest description of a service."""
    versions = sorted(folder for folder in (data_folder() / service).iterdir() if folder.is_dir())
    packed = versions[-1] / "service-2.json.gz"
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else packed.with_suffix("").read_bytes()
    description: dict[str, Any] = orjson.loads(text)
    return description


class Model:
    """A description with a service's own additions, and its operations by name."""

    def __init__(self, service: str, amend: Callable[[dict[str, Any]], None] | None = None) -> None:
        description = read_description(service)
        if amend is not None:
            amend(description)
        self.service = service
        self.metadata: Mapping[str, Any] = description["metadata"]
        self.shapes: Mapping[str, ShapeDict] = description["shapes"]
        self.operations: Mapping[str, Operation] = {
            name: _operation(raw) for name, raw in description["operations"].items()
        }

    @property
    def target_prefix(self) -> str | None:
        """The text before the dot of X-Amz-Target."""
        prefix: str | None = self.metadata.get("targetPrefix")
        return prefix

    @property
    def api_version(self) -> str:
        """The Version of query requests."""
        version: str = self.metadata["apiVersion"]
        return version

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols that the description lists, the first being the SDKs' choice."""
        return tuple(self.metadata.get("protocols") or (self.metadata["protocol"],))


class ByOperation(dict[str, Made | None]):
    """What is compiled from the shape of each operation's input or output, by the operation's name; None where it has none.

    It is made when it is first looked up by `[...]`, which takes well under a millisecond, and then kept: a start that made all of it
    would wait for operations that nobody calls.
    """

    __slots__ = ("_compile", "_shapes")

    def __init__(self, shapes: Mapping[str, str | None], compile_shape: Callable[[str], Made | None]) -> None:
        super().__init__()
        self._shapes = shapes
        self._compile = compile_shape

    def __missing__(self, operation: str) -> Made | None:
        if operation not in self._shapes:
            return None  # a name that the description does not have is not kept
        shape = self._shapes[operation]
        made = self[operation] = None if shape is None else self._compile(shape)
        return made


def _operation(raw: dict[str, Any]) -> Operation:
    output = raw.get("output") or {}
    return Operation(
        raw["name"], (raw.get("input") or {}).get("shape"), output.get("shape"), output.get("resultWrapper")
    )
