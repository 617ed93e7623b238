"""Log in with kafka-python: bootstrap, mechanism, user, password. In a process of its own: a constructor that fails leaves sockets."""

from __future__ import annotations

import sys

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError


def main() -> None:
    bootstrap, mechanism, user, password = sys.argv[1:]
    try:
        producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=1000,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism=mechanism,
            sasl_plain_username=user,
            sasl_plain_password=password,
        )
    except KafkaTimeoutError:
        print("refused")
    else:
        producer.close()
        print("logged in")


if __name__ == "__main__":
    main()
