"""The AWS CLI as a person runs it: the program of the virtual environment, with nothing set but what is given here."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from tests.support.server import SCRIPTS, Server, environment

CLIENT_ERROR = 255
"""What version 1 exits with when the service refuses (version 2: 254)."""

Aws = Callable[..., subprocess.CompletedProcess[str]]


def run_aws(server: Server, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `aws` with arguments against a server; `variables` change its environment."""
    chosen = {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }
    return subprocess.run(
        [str(SCRIPTS / "aws"), *arguments],
        env=environment(**(chosen | variables)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
