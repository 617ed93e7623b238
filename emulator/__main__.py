"""The command line: settings -> services -> server. The one file of the engine that knows the services.

Heavy imports come after the settings are known to be good, so that `--help` and a mistake answer at once.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from emulator import __version__
from emulator.settings import Address, AddressError, SettingsError, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.app import Emulator
    from emulator.settings import Settings

EPILOG = """\
Every option has a variable: --log-level is EVENTYARD_LOG_LEVEL. LocalStack's GATEWAY_LISTEN, DEBUG, LS_LOG, LOCALSTACK_HOST,
SERVICES, SQS_ENDPOINT_STRATEGY, SNS_CERT_URL_HOST, DISABLE_CORS_CHECKS and EXTRA_CORS_ALLOWED_ORIGINS are understood as well.
An option beats EVENTYARD_*, which beats LocalStack's name.

\b
Then, in another terminal:
  export AWS_ENDPOINT_URL=http://localhost:4566 AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  aws --endpoint-url $AWS_ENDPOINT_URL sqs create-queue --queue-name jobs
(Version 1 of the AWS CLI needs its own --endpoint-url for sqs; SDKs and version 2 do without.)
"""


@click.command(
    name="eventyard", epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}
)
@click.option(
    "--host", metavar="HOST", help="Address to listen on. 0.0.0.0 for all of this machine's.  [default: 127.0.0.1]"
)
@click.option("--port", metavar="PORT", help="Port to listen on; 0 takes a free one.  [default: 4566]")
@click.option(
    "--account-id",
    metavar="DIGITS",
    help="Account of callers whose access key is not 12 digits itself.  [default: 000000000000]",
)
@click.option("--region", metavar="REGION", help="Region of callers whose request names none.  [default: us-east-1]")
@click.option("--services", metavar="NAMES", help="Run only these services, separated by commas.  [default: all]")
@click.option(
    "--public-host", metavar="HOST[:PORT]", help="Host that URLs in answers name.  [default: the caller's Host header]"
)
@click.option(
    "--endpoint-strategy",
    metavar="FORM",
    help="Form of queue URLs: dynamic, standard, domain or path.  [default: dynamic]",
)
@click.option(
    "--sns-cert-url-host",
    metavar="HOST",
    help="Host of SigningCertURL in SNS messages, for verifiers that accept AWS's only.  [default: the caller's Host header]",
)
@click.option(
    "--cors-origins", metavar="ORIGINS", help="Origins of web pages that may call, besides those of this machine."
)
@click.option("--cors-checks", metavar="0|1", help="Whether web pages of other origins are refused.  [default: 1]")
@click.option(
    "--cooldowns", metavar="0|1", help="Whether AWS's waits of 60 s hold (recreate a queue, purge twice).  [default: 1]"
)
@click.option(
    "--quotas",
    metavar="0|1",
    help="Whether the quotas hold that AWS raises on request (topics, subscriptions, filter policies).  [default: 1]",
)
@click.option("--data-dir", metavar="FOLDER", help="Keep Kafka's topics and offsets there.  [default: in memory only]")
@click.option(
    "--kafka-port",
    metavar="PORT",
    help="Port of the first Kafka broker; 0 for no Kafka, free for a free one.  [default: 9092]",
)
@click.option("--kafka-brokers", metavar="N", help="How many brokers to show, on consecutive ports.  [default: 1]")
@click.option(
    "--kafka-advertised-host",
    metavar="HOST[:PORT]",
    help="Where Kafka clients are sent.  [default: the address they dialled]",
)
@click.option(
    "--kafka-auto-create-topics",
    metavar="0|1",
    help="Whether a topic is made when it is first asked for.  [default: 1]",
)
@click.option(
    "--kafka-any-replication",
    metavar="0|1",
    help="Whether topics may ask for more replicas than brokers.  [default: 0]",
)
@click.option(
    "--kafka-memory", metavar="BYTES", help="Records that Kafka keeps in memory, such as 512M or 2G.  [default: 1G]"
)
@click.option(
    "--kafka-security", metavar="PROTOCOL", help="plaintext, ssl, sasl_plaintext or sasl_ssl.  [default: plaintext]"
)
@click.option(
    "--kafka-users",
    metavar="NAME:PASSWORD,...",
    help="Who may log in, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.  [default: nobody]",
)
@click.option("--kafka-tls-cert", metavar="FILE", help="Certificate, PEM.  [default: one made at the start]")
@click.option("--kafka-tls-key", metavar="FILE", help="The certificate's key, PEM.")
@click.option("--kafka-authorizer", metavar="0|1", help="Whether Kafka's access control lists hold.  [default: 0]")
@click.option("--kafka-super-users", metavar="NAMES", help="Users whom no access control list holds back.")
@click.option(
    "--log-level", metavar="LEVEL", help="debug, info (a line for each request), warning or error.  [default: warning]"
)
@click.option("--log-format", metavar="FORM", help="text or json.  [default: text]")
@click.version_option(__version__, message="eventyard %(version)s")
def command(**flags: str | None) -> None:
    """Emulate Amazon SQS, SNS, EventBridge and Apache Kafka on this machine, for development and tests.

    Point any AWS SDK, the AWS CLI or Terraform at it with AWS_ENDPOINT_URL=http://localhost:4566, and Kafka clients at localhost:9092.
    """
    run(read_settings(flags))


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    from emulator import logs
    from emulator.app import Emulator
    from emulator.server import EmulatorServer, bind
    from emulator.service import StartError
    from services import ALL

    logs.set_up(settings.log_level, settings.log_format)
    have = {service.name for service in ALL}
    if settings.services is not None and (left_out := sorted(settings.services - have)):
        if not settings.services & have:
            raise SettingsError(
                f"none of the wanted services is emulated: {', '.join(left_out)}; these are: {', '.join(sorted(have))}"
            )
        print(f"eventyard: not emulated, so left out: {', '.join(left_out)}", file=sys.stderr)
    sockets = bind(settings.addresses)
    own = {
        service.name: bind(service.addresses(settings), f"--{service.name}-port")
        for service in ALL
        if service.addresses is not None and service.runs(settings)
    }
    # With port 0 only the bound socket knows the port that URLs must name.
    emulator = Emulator(ALL, settings.model_copy(update={"port": sockets[0].getsockname()[1]}), sockets=own)
    server = EmulatorServer(emulator, on_ready=lambda: print(banner(emulator), flush=True))
    server.run(sockets)
    if emulator.failure:
        raise StartError(emulator.failure)


def banner(emulator: Emulator) -> str:
    """Write what a user needs to begin, ending with the line `Ready.` that scripts wait for."""
    settings = emulator.settings
    everywhere = settings.host in ("0.0.0.0", "::", "127.0.0.1")  # noqa: S104 - compared, not bound
    url = f"http://{Address('localhost' if everywhere else settings.host, settings.port)}"
    more = "".join(
        f"  {service.greeting(emulator)}\n"
        for service in emulator.services.values()
        if service.greeting is not None and emulator.sockets.get(service.name)
    )
    return (
        f"Eventyard {__version__}: {', '.join(sorted(emulator.services))} at {url}\n"
        f"\n"
        f"  export AWS_ENDPOINT_URL={url} AWS_REGION={settings.region} AWS_DEFAULT_REGION={settings.region} "
        f"AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n"
        f"{more}"
        f"\n"
        f"Ready."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. A mistake of the user's is one line on stderr and exit code 2."""
    from emulator.service import StartError

    options: dict[str, Any] = {"args": arguments, "prog_name": "eventyard", "standalone_mode": False}
    try:
        command.main(**options)
    except click.ClickException as error:
        sys.exit(_mistake(error.format_message()))
    except (SettingsError, AddressError, StartError) as error:
        sys.exit(_mistake(str(error)))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


def _mistake(text: str) -> int:
    print(f"eventyard: {text}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
