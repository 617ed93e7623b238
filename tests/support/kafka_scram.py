"""SCRAM clients of other people, to hold our server's side against."""

from __future__ import annotations

import warnings
from typing import Any

with warnings.catch_warnings():
    # kafka-python reads its schemas by a function that Python 3.11 calls deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka.net.sasl.scram import ScramClient


def kafka_python(user: str, password: str, mechanism: str) -> Any:
    """kafka-python's client; it does not escape names."""
    return ScramClient(user, password, mechanism)


def aiokafka(user: str, password: str, mechanism: str) -> Any:
    """aiokafka's client."""
    from aiokafka.conn import ScramAuthenticator

    return ScramAuthenticator(
        loop=None, sasl_plain_username=user, sasl_plain_password=password, sasl_mechanism=mechanism
    )
