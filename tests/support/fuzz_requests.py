"""What the requests of fuzz tests are drawn from: good values for the members of every service's requests, by the member's name, and
methods, paths, query strings, headers and bodies that are odd.
"""

from __future__ import annotations

import json
from typing import Any

QUEUE, FIFO = "http://localhost:4566/000000000000/jobs", "http://localhost:4566/000000000000/jobs.fifo"
QUEUE_ARN, FIFO_ARN = "arn:aws:sqs:us-east-1:000000000000:jobs", "arn:aws:sqs:us-east-1:000000000000:jobs.fifo"
TOPIC, FIFO_TOPIC = "arn:aws:sns:us-east-1:000000000000:news", "arn:aws:sns:us-east-1:000000000000:news.fifo"
EVENTS = "arn:aws:events:us-east-1:000000000000"
BUS, RULE, ARCHIVE = f"{EVENTS}:event-bus/orders", f"{EVENTS}:rule/orders/watch", f"{EVENTS}:archive/kept"
NOWHERE = "http://127.0.0.1:1/hook"
"""Nobody listens there."""
PATTERN = '{"source":["shop"],"detail":{"price":[{"numeric":[">",5,"<=",1e3]}],"$or":[{"a":[{"wildcard":"x*y"}]},{"b":[null]}]}}'
FILTER = '{"kind":["a",{"prefix":"b"},{"anything-but":["c"]},{"numeric":["=",3]},{"exists":false}]}'
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "s", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "SQS:*", "Resource": QUEUE_ARN}
        ],
    }
)
REDRIVE = json.dumps({"deadLetterTargetArn": QUEUE_ARN, "maxReceiveCount": 3})
ARCHIVE_POLICY = '{"MessageRetentionPeriod":"3"}'
DEAD_LETTERS = json.dumps({"deadLetterTargetArn": QUEUE_ARN})
TOPIC_POLICY = POLICY.replace("SQS:*", "SNS:Publish").replace(QUEUE_ARN, TOPIC)
REDRIVE_ALLOW = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [FIFO_ARN]})
REPLAY = json.dumps({"PointType": "Timestamp", "StartingPoint": "2026-01-01T00:00:00.000Z"})
DELIVERY = json.dumps(
    {"healthyRetryPolicy": {"numRetries": 3, "minDelayTarget": 1, "maxDelayTarget": 2, "backoffFunction": "linear"}}
)
TOPIC_DELIVERY = json.dumps({"http": {"defaultHealthyRetryPolicy": json.loads(DELIVERY)["healthyRetryPolicy"]}})
PROTECTION = json.dumps(
    {
        "Name": "p",
        "Version": "2021-06-01",
        "Statement": [
            {
                "Sid": "s",
                "DataDirection": "Inbound",
                "Principal": ["*"],
                "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
                "Operation": {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}},
            }
        ],
    }
)
ATTRIBUTES = {
    "a": {"DataType": "String", "StringValue": "v"},
    "n": {"DataType": "Number", "StringValue": "1.5e3"},
    "b": {"DataType": "Binary", "BinaryValue": "AA=="},
    "l": {"DataType": "String.Array", "StringValue": '["a",1,null]'},
}
TRANSFORMER = {
    "InputPathsMap": {"id": "$.id", "all": "$", "one": "$.detail.a[0]"},
    "InputTemplate": '{"x": <id>, "y": "<all> <one>"}',
}
TARGET = {"Id": "1", "Arn": QUEUE_ARN, "InputTransformer": TRANSFORMER, "RetryPolicy": {"MaximumRetryAttempts": 2}}
HTTP_PARAMETERS = {
    "HeaderParameters": [{"Key": "k", "Value": "v", "IsValueSecret": False}],
    "BodyParameters": [{"Key": "a", "Value": "b"}],
}
BASIC = {"BasicAuthParameters": {"Username": "u", "Password": "p"}, "InvocationHttpParameters": HTTP_PARAMETERS}
API_KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "n", "ApiKeyValue": "v"}}
OAUTH = {
    "OAuthParameters": {
        "ClientParameters": {"ClientID": "c", "ClientSecret": "s"},
        "AuthorizationEndpoint": NOWHERE,
        "HttpMethod": "POST",
        "OAuthHttpParameters": HTTP_PARAMETERS,
    }
}
ROUTING = {
    "FailoverConfig": {
        "Primary": {"HealthCheck": "arn:aws:route53:::healthcheck/11111111-1111-1111-1111-111111111111"},
        "Secondary": {"Route": "us-west-2"},
    }
}
EVENT = json.dumps(
    {
        "id": "1",
        "source": "shop",
        "detail-type": "t",
        "account": "1",
        "time": "2026-01-01T00:00:00Z",
        "region": "r",
        "resources": [],
        "detail": {},
    }
)
ENTRY = {
    "Source": "shop",
    "DetailType": "t",
    "Detail": '{"price":7,"a":"xy"}',
    "EventBusName": "orders",
    "Time": 1_767_225_600,
}
POOLS: dict[str, dict[str, tuple[Any, ...]]] = {
    "sqs": {
        "queueurl": (QUEUE, FIFO),
        "queuename": ("jobs", "other", "other.fifo"),
        "queueownerawsaccountid": ("000000000000",),
        "messagebody": ("hello", "{}"),
        "messagegroupid": ("g",),
        "messageattributes": (ATTRIBUTES, {}),
        "messagesystemattributes": ({"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}},),
        "messageattributenames": (["All"], ["a", "b.*"]),
        "messagesystemattributenames": (["All"], ["SentTimestamp"]),
        "attributenames": (["All"], ["Policy"]),
        "delayseconds": (0,),
        "waittimeseconds": (0, 0, 1),
        "visibilitytimeout": (0, 30),
        "maxnumberofmessages": (1, 10),
        "maxresults": (1, 10),
        "sourcearn": (QUEUE_ARN,),
        "destinationarn": (FIFO_ARN,),
        "label": ("l",),
        "awsaccountids": (["111122223333"],),
        "actions": (["SendMessage"],),
        "tags": ({"a": "b"},),
        "tagkeys": (["a"],),
        "attributes": (
            {"VisibilityTimeout": "3", "Policy": POLICY},
            {"RedrivePolicy": REDRIVE, "KmsMasterKeyId": ""},
            {},
        ),
        "entries": (
            [{"Id": "1", "MessageBody": "b", "ReceiptHandle": "r", "VisibilityTimeout": 1, "MessageGroupId": "g"}],
        ),
    },
    "sns": {
        "topicarn": (TOPIC, FIFO_TOPIC),
        "targetarn": (TOPIC,),
        "resourcearn": (TOPIC,),
        "name": ("news", "fresh", "mobile"),
        "protocol": ("sqs", "http", "email", "sms", "lambda", "application"),
        "endpoint": (QUEUE_ARN, NOWHERE, "a@b.example", "+15555550100"),
        "message": ("hello", '{"default":"d","sqs":"s"}'),
        "messagestructure": ("json", "json", ""),
        "messageattributes": (ATTRIBUTES, {}),
        "messagegroupid": ("g",),
        "messagededuplicationid": ("d",),
        "subject": ("s",),
        "attributename": (
            *("Policy", "FilterPolicy", "FilterPolicyScope", "DeliveryPolicy", "RedrivePolicy", "RawMessageDelivery"),
            *("ArchivePolicy", "ReplayPolicy", "DisplayName", "DataProtectionPolicy"),
        ),
        "attributevalue": (POLICY, FILTER, DELIVERY, REDRIVE, "true", "MessageBody", '{"MessageRetentionPeriod":"3"}'),
        "attributes": (
            {"FilterPolicy": FILTER, "FilterPolicyScope": "MessageBody", "RawMessageDelivery": "true"},
            {"DeliveryPolicy": DELIVERY},
            {"DisplayName": "n", "Policy": POLICY},
            {"PlatformCredential": "k", "PlatformPrincipal": "p"},
            {"Enabled": "true", "Token": "t"},
            {"MonthlySpendLimit": "1"},
            {},
        ),
        "dataprotectionpolicy": (PROTECTION,),
        "phonenumber": ("+15555550100",),
        "platform": ("GCM", "APNS"),
        "token": ("t",),
        "tags": ([{"Key": "a", "Value": "b"}],),
        "tagkeys": (["a"],),
        "label": ("l",),
        "awsaccountid": (["111122223333"],),
        "actionname": (["Publish"],),
        "publishbatchrequestentries": (
            [{"Id": "1", "Message": "m", "MessageAttributes": ATTRIBUTES, "MessageGroupId": "g"}],
        ),
    },
    "events": {
        "name": ("orders", "watch", "fresh", "c", "aws.partner/x/y"),
        "rule": ("watch",),
        "eventbusname": ("orders", "orders", BUS),
        "eventpattern": (PATTERN,),
        "event": (EVENT,),
        "scheduleexpression": ("rate(5 minutes)", "cron(0/5 8-17 ? JAN-DEC MON-FRI *)"),
        "targets": (
            [TARGET],
            [{"Id": "1", "Arn": QUEUE_ARN, "InputPath": "$.detail"}, {"Id": "2", "Arn": FIFO_ARN, "Input": "{}"}],
        ),
        "ids": (["1"],),
        "entries": ([ENTRY],),
        "archivename": ("kept", "fresh"),
        "eventsourcearn": (BUS, ARCHIVE),
        "eventstarttime": (1_767_220_000,),
        "eventendtime": (1_767_225_000,),
        "replayname": ("again",),
        "destination": ({"Arn": BUS, "FilterArns": [RULE]},),
        "invocationendpoint": (NOWHERE,),
        "httpmethod": ("POST",),
        "authorizationtype": ("BASIC", "API_KEY", "OAUTH_CLIENT_CREDENTIALS"),
        "authparameters": (BASIC, API_KEY, OAUTH),
        "resourcearn": (BUS, RULE),
        "tags": ([{"Key": "a", "Value": "b"}],),
        "tagkeys": (["a"],),
        "targetarn": (QUEUE_ARN,),
        "policy": (POLICY.replace("SQS:*", "events:PutEvents").replace(QUEUE_ARN, BUS),),
        "statementid": ("s",),
        "principal": ("*", "111122223333"),
        "action": ("events:PutEvents",),
        "account": ("000000000000",),
        "eventsourcename": ("aws.partner/x/y",),
        "routingconfig": (ROUTING,),
        "eventbuses": ([{"EventBusArn": BUS}, {"EventBusArn": BUS.replace("us-east-1", "us-west-2")}],),
        "limit": (1, 10),
        "retentiondays": (1,),
    },
    "sts": {
        "rolearn": ("arn:aws:iam::000000000000:role/r",),
        "rolesessionname": ("me",),
        "durationseconds": (900,),
        "policy": ("{}",),
        "tags": ([{"Key": "a", "Value": "b"}],),
    },
}
SET_UP: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("sqs", "CreateQueue", {"QueueName": "jobs"}),
    (
        "sqs",
        "CreateQueue",
        {"QueueName": "jobs.fifo", "Attributes": {"FifoQueue": "true", "ContentBasedDeduplication": "true"}},
    ),
    ("sqs", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": "m", "MessageAttributes": ATTRIBUTES}),
    ("sns", "CreateTopic", {"Name": "news"}),
    ("sns", "CreateTopic", {"Name": "news.fifo", "Attributes": {"FifoTopic": "true", "ArchivePolicy": ARCHIVE_POLICY}}),
    (
        "sns",
        "Subscribe",
        {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE_ARN, "Attributes": {"FilterPolicy": FILTER}},
    ),
    (
        "sns",
        "CreatePlatformApplication",
        {"Name": "mobile", "Platform": "GCM", "Attributes": {"PlatformCredential": "k"}},
    ),
    ("events", "CreateEventBus", {"Name": "orders"}),
    ("events", "PutRule", {"Name": "watch", "EventBusName": "orders", "EventPattern": PATTERN}),
    ("events", "PutTargets", {"Rule": "watch", "EventBusName": "orders", "Targets": [TARGET]}),
    ("events", "CreateArchive", {"ArchiveName": "kept", "EventSourceArn": BUS}),
    ("events", "CreateConnection", {"Name": "c", "AuthorizationType": "BASIC", "AuthParameters": BASIC}),
    (
        "events",
        "CreateApiDestination",
        {"Name": "c", "ConnectionArn": "$ConnectionArn", "InvocationEndpoint": NOWHERE, "HttpMethod": "POST"},
    ),
    ("events", "PutEvents", {"Entries": [ENTRY]}),
    ("sns", "CreatePlatformEndpoint", {"PlatformApplicationArn": "$PlatformApplicationArn", "Token": "t"}),
    ("sqs", "ReceiveMessage", {"QueueUrl": QUEUE, "VisibilityTimeout": 40}),
)

METHODS = ("POST", "POST", "POST", "GET", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "BREW")
PATHS = (
    *(
        "/",
        "/",
        "/",
        "//",
        "/000000000000/jobs",
        "/000000000000/jobs.fifo/",
        "/queue/us-east-1/000000000000/jobs",
        "/x",
        "*",
        "",
    ),
    *(
        "/service/GraniteServiceVersion20100801/operation/PutMetricData",
        "/_aws/sqs/messages",
        "/_aws/sqs/messages/x/y/z",
        "/_aws/",
    ),
    *(
        "/_aws/sns/platform-endpoint-messages",
        "/_aws/sns/sms-messages",
        "/_aws/sns/subscription-tokens/x",
        "/_aws/sns/\x00",
    ),
    *(
        "/health",
        "/_eventyard/health",
        "/_eventyard/deliveries",
        "/_eventyard/explain",
        "/_eventyard/kafka",
        "/_eventyard/\ufffd",
    ),
    *(
        "/_localstack/info",
        "/_localstack/state/x/reset",
        "/_eventyard/certificate.pem",
        "/_eventyard/../",
        "/" + "a/" * 3000,
    ),
)
QUERIES = (
    *(
        b"",
        b"",
        b"",
        b"Action=ListQueues",
        b"Action=ListTopics&Version=2010-03-31",
        b"Action=",
        b"Action=Nonsense",
        b"%zz&=&==&%ff=1",
    ),
    *(
        b"Version=2012-11-05",
        b"limit=-1",
        b"limit=" + b"9" * 5000,
        b"limit=\xc3\xa9",
        b"QueueUrl=http://[::1",
        b"&" * 20_000,
    ),
    *(
        b"accountId=%00&region=%00",
        b"X-Amz-Credential=%ff/a/b/sqs/aws4_request",
        b"Action=SendMessage&MessageBody=" + b"%41" * 5000,
    ),
    b"a." * 5000 + b"=1",
)
HEADERS: dict[str, tuple[bytes, ...]] = {
    "x-amz-target": (
        *(
            b"AmazonSQS.ListQueues",
            b"AWSEvents.ListRules",
            b"AmazonSQS.",
            b".",
            b"",
            b"AmazonSQS.ListQueues\x00",
            b"\xff.\xff",
        ),
        *(
            b"DynamoDB_20120810.ListTables",
            b"AmazonSQS.AmazonSQS.ListQueues",
            b"x" * 9000,
            b"AWSEvents.TestEventPattern",
        ),
    ),
    "content-type": (
        *(
            b"application/x-amz-json-1.0",
            b"application/x-www-form-urlencoded",
            b"application/json",
            b"text/xml",
            b"\xff",
            b"a" * 9000,
        ),
        b"application/x-www-form-urlencoded; charset=\xff",
    ),
    "authorization": (
        *(
            b"",
            b"Basic eA==",
            b"AWS4-HMAC-SHA256 Credential=",
            b"Credential=a/b/c/d/aws4_request",
            b"Credential=////aws4_request",
        ),
        *(
            b"Credential=\xff/1/\xff/sqs/aws4_request",
            b"Credential=test/1/us-east-1/s3/aws4_request",
            b"Credential=" + b"/" * 9000,
        ),
        *(
            b"Credential=test/1/eu-west-1/sns/aws4_request",
            b"Credential=LSIA/1/r/sts/aws4_request",
            b"Credential=LSIA\xff/1/r/sts/aws4_request",
        ),
        b"Credential=\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2/1/r/sqs/aws4_request",
    ),
    "smithy-protocol": (b"rpc-v2-cbor", b""),
    "origin": (
        b"http://localhost:3000",
        b"null",
        b"http://evil.example",
        b"\xff",
        b"http://[",
        b"http://localhost:99999",
        b"://",
    ),
    "referer": (b"http://localhost:3000/x", b"\xff", b"http://["),
    "host": (
        b"",
        b"\xff",
        b"sqs.us-east-1.localhost",
        b"[::1]:4566",
        b"a" * 9000,
        b"eu-west-1.queue.amazonaws.com",
        b"<x>:\"'",
    ),
    "x-forwarded-proto": (b"https", b"\xff", b"javascript"),
    "access-control-request-headers": (b"*", b"x-amz-target, \xff"),
    "access-control-request-method": (b"POST", b"\xff"),
    "content-encoding": (b"gzip", b"aws-chunked", b"\xff"),
    "x-amz-date": (b"20260101T000000Z", b"\xff"),
    "expect": (b"100-continue",),
}
BODIES = (
    *(
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{",
        b"\xef\xbb\xbf{}",
        b"\x1f\x8b\x08\x00",
        b"\x00" * 100,
        b'{"a":' * 5000,
    ),
    *(
        b"Action=ListQueues",
        b"Action=SendMessage&QueueUrl=x&MessageBody=%ff",
        b"Action=%ED%A0%80",
        b"&" * 20_000,
        b"a=1&" * 11_000,
    ),
    *(
        b'{"EventPattern":"{}","Event":"{}"}',
        b'{"event":{},"pattern":{}}',
        b'{"event":[],"bus":7,"account":null}',
        b"7",
    ),
)
