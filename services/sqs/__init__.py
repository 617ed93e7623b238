"""Amazon SQS: all 23 operations, over JSON 1.0 and over the query protocol.

Where to find what: queues.py, messages.py, batches.py, moves.py, permissions.py, tags.py hold the operations;
attributes.py and policies.py the rules of queue attributes; payload.py and select.py what is in a message and what of
it is shown; redrive.py dead letters; deliver.py what comes through the router; lookups.py LocalStack's developer
look-ups. AWS's words are in errors.py, its numbers in limits.py, names on the wire in names.py.

What is not emulated: refusals by policy (every caller may do everything but what only a queue's owner may), throttling,
KMS (settings are kept, nothing is encrypted), and the delays by which AWS's own answers are eventually consistent.
"""

from emulator.service import Service
from services.sqs import batches, lookups, messages, moves, names, permissions, queues, tags
from services.sqs.deliver import deliver
from services.sqs.state import SqsState

SERVICE = Service(
    name="sqs",
    modules=(queues, messages, batches, moves, permissions, tags),
    new_state=SqsState,
    namespace="com.amazonaws.sqs",
    xml_namespace=names.XML_NAMESPACE,
    error_detail=True,
    protocols=("json", "query"),
    hosts=("sqs", "queue"),
    amend=names.amend,
    path_parameters=names.queue_path_parameters,
    root_only=frozenset({"CreateQueue", "ListQueues"}),
    routes={lookups.PATH: lookups.list_messages},
    deliver=deliver,
)
