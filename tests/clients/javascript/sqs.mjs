// Plays scenarios against the server at process.argv[2] with the AWS SDK for JavaScript v3, and prints as JSON what each one
// saw: {"<scenario>": {"saw": ...}} or {"<scenario>": {"failed": "<stack>"}}. tests/clients/test_javascript.py judges.

import * as sqsSdk from "@aws-sdk/client-sqs";
import * as stsSdk from "@aws-sdk/client-sts";

const endpoint = process.argv[2];
const credentials = { accessKeyId: "111122223333", secretAccessKey: "secret" };
const options = { endpoint, credentials, region: "eu-west-1", maxAttempts: 1 };
const sqs = new sqsSdk.SQS(options);
const sts = new stsSdk.STS(options);

async function queue(name, attributes = {}) {
  return (await sqs.createQueue({ QueueName: name, Attributes: attributes })).QueueUrl;
}

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return {
      name: error.name,
      message: error.message,
      code: error.Code ?? error.Error?.Code,
      status: error.$metadata?.httpStatusCode,
      requestId: error.$metadata?.requestId,
      fault: error.$fault,
      isClass: sqsSdk[error.name] ? error instanceof sqsSdk[error.name] : false,
    };
  }
  throw new Error("nothing was refused");
}

const scenarios = {
  async life() {
    const QueueUrl = await queue("life");
    const MessageAttributes = {
      kind: { DataType: "String", StringValue: "grüße" },
      count: { DataType: "Number.int", StringValue: "7" },
      raw: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
    };
    const sent = await sqs.sendMessage({ QueueUrl, MessageBody: "hällo 🎉", MessageAttributes });
    const { Messages } = await sqs.receiveMessage({
      QueueUrl,
      MessageAttributeNames: ["All"],
      MessageSystemAttributeNames: ["All"],
    });
    const [message] = Messages;
    const raw = Array.from(message.MessageAttributes.raw.BinaryValue);
    const gone = await sqs.deleteMessage({ QueueUrl, ReceiptHandle: message.ReceiptHandle });
    const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["All"] });
    return { QueueUrl, sent, message, raw, Attributes, deleted: gone.$metadata.httpStatusCode, count: Messages.length };
  },

  async selectedAttributes() {
    const QueueUrl = await queue("selected");
    const attribute = (value) => ({ DataType: "String", StringValue: value });
    const MessageAttributes = { "app.one": attribute("1"), "app.two": attribute("2"), other: attribute("3") };
    await sqs.sendMessage({ QueueUrl, MessageBody: "x", MessageAttributes });
    const { Messages } = await sqs.receiveMessage({ QueueUrl, MessageAttributeNames: ["app.*"] });
    return Object.keys(Messages[0].MessageAttributes).sort();
  },

  async emptyReceive() {
    const answer = await sqs.receiveMessage({ QueueUrl: await queue("empty") });
    return { hasMessages: "Messages" in answer && answer.Messages !== undefined };
  },

  async batch() {
    const QueueUrl = await queue("batch");
    const sent = await sqs.sendMessageBatch({
      QueueUrl,
      Entries: [
        { Id: "a", MessageBody: "one" },
        { Id: "b", MessageBody: "two", MessageAttributes: { n: { DataType: "Number", StringValue: "1" } } },
        { Id: "c", MessageBody: "bad \u0000" },
      ],
    });
    const { Messages } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10 });
    const deleted = await sqs.deleteMessageBatch({
      QueueUrl,
      Entries: Messages.map((message, n) => ({ Id: `m${n}`, ReceiptHandle: message.ReceiptHandle })),
    });
    return {
      successful: sent.Successful.map((entry) => entry.Id),
      failed: sent.Failed,
      bodies: Messages.map((message) => message.Body).sort(),
      deleted: deleted.Successful.map((entry) => entry.Id),
    };
  },

  async fifo() {
    const QueueUrl = await queue("order.fifo", { FifoQueue: "true" });
    const numbers = [];
    for (const [body, id] of [["a", "1"], ["b", "2"], ["again", "2"], ["c", "3"]]) {
      const message = { QueueUrl, MessageBody: body, MessageGroupId: "g", MessageDeduplicationId: id };
      numbers.push((await sqs.sendMessage(message)).SequenceNumber);
    }
    const { Messages } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10 });
    return { numbers, bodies: Messages.map((message) => message.Body) };
  },

  async noQueue() {
    return refusal(sqs.getQueueUrl({ QueueName: "none" }));
  },

  async badReceiptHandle() {
    return refusal(sqs.deleteMessage({ QueueUrl: await queue("handle"), ReceiptHandle: "garbage" }));
  },

  async badValue() {
    return refusal(sqs.sendMessage({ QueueUrl: await queue("value"), MessageBody: "x", DelaySeconds: 901 }));
  },

  async emptyBatch() {
    return refusal(sqs.sendMessageBatch({ QueueUrl: await queue("none-sent"), Entries: [] }));
  },

  async longPoll() {
    const QueueUrl = await queue("poll");
    const poll = sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 20 });
    await sqs.listQueues({});
    await sqs.sendMessage({ QueueUrl, MessageBody: "wake" });
    return (await poll).Messages.map((message) => message.Body);
  },

  async abortedPoll() {
    const QueueUrl = await queue("aborted");
    const leaving = new AbortController();
    const poll = sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 20 }, { abortSignal: leaving.signal });
    await sqs.listQueues({});
    leaving.abort();
    const left = await poll.then(() => "answered", (error) => error.name);
    await sqs.listQueues({});
    await sqs.sendMessage({ QueueUrl, MessageBody: "kept" });
    const { Messages } = await sqs.receiveMessage({ QueueUrl });
    return { left, bodies: Messages?.map((message) => message.Body) };
  },

  async pages() {
    for (let n = 0; n < 5; n++) await queue(`page-${n}`);
    const sizes = [];
    for await (const page of sqsSdk.paginateListQueues({ client: sqs, pageSize: 2 }, { QueueNamePrefix: "page-" })) {
      sizes.push(page.QueueUrls.length);
    }
    return sizes;
  },

  async identity() {
    const { Account, Arn } = await sts.getCallerIdentity({});
    const RoleArn = "arn:aws:iam::444455556666:role/deploy";
    const { Credentials, AssumedRoleUser } = await sts.assumeRole({ RoleArn, RoleSessionName: "ci" });
    const assumed = new sqsSdk.SQS({
      ...options,
      credentials: {
        accessKeyId: Credentials.AccessKeyId,
        secretAccessKey: Credentials.SecretAccessKey,
        sessionToken: Credentials.SessionToken,
      },
    });
    const { QueueUrl } = await assumed.createQueue({ QueueName: "theirs" });
    return { Account, Arn, role: AssumedRoleUser.Arn, QueueUrl, expires: Credentials.Expiration instanceof Date };
  },
};

const seen = {};
for (const [name, play] of Object.entries(scenarios)) {
  try {
    seen[name] = { saw: await play() };
  } catch (error) {
    seen[name] = { failed: String(error.stack ?? error) };
  }
}
console.log(JSON.stringify(seen));
process.exit(0);
