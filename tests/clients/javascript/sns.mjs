// Plays scenarios of SNS against the server at process.argv[2] with the AWS SDK for JavaScript v3; what has come it reads from queues,
// or it is a web server itself. tests/clients/test_sns_javascript.py judges.

import { once } from "node:events";
import http from "node:http";
import https from "node:https";

import * as snsSdk from "@aws-sdk/client-sns";
import * as sqsSdk from "@aws-sdk/client-sqs";
import MessageValidator from "sns-validator";

import { play, refusal } from "./play.mjs";

const endpoint = process.argv[2];
const credentials = { accessKeyId: "111122223333", secretAccessKey: "secret" };
const options = { endpoint, credentials, region: "eu-west-1", maxAttempts: 1 };
const sns = new snsSdk.SNS(options);
const sqs = new sqsSdk.SQS(options);

// AWS's validator fetches certificates from AWS's hosts only, by https.get. The server names such a host (--sns-cert-url-host); here
// the name leads to the server, as DNS and a TLS proxy could do it. The validator itself is as it was installed.
const fetched = [];
https.get = (url, answered) => {
  fetched.push(url);
  return http.get(new URL(new URL(url).pathname, endpoint), answered);
};

async function topic(name, Attributes = {}) {
  return (await sns.createTopic({ Name: name, Attributes })).TopicArn;
}

async function queue(name, attributes = {}) {
  const { QueueUrl } = await sqs.createQueue({ QueueName: name, Attributes: attributes });
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["QueueArn"] });
  return { QueueUrl, Endpoint: Attributes.QueueArn };
}

async function subscribe(TopicArn, { Endpoint }, Attributes = {}) {
  return (await sns.subscribe({ TopicArn, Protocol: "sqs", Endpoint, Attributes })).SubscriptionArn;
}

async function receive({ QueueUrl }) {
  const request = { QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ["All"] };
  return (await sqs.receiveMessage(request)).Messages ?? [];
}

const bodies = async (box) => (await receive(box)).map((message) => message.Body);
const text = (StringValue, DataType = "String") => ({ DataType, StringValue });

function validate(message) {
  return new Promise((resolve) => new MessageValidator().validate(message, (error) => resolve(error?.message ?? "valid")));
}

// Runs `work(url, next)` beside a web server; `next` waits for the next request and gives its headers and its body.
async function served(work) {
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    response.end();
    server.emit("told", { headers: request.headers, body });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const next = async () => (await once(server, "told"))[0];
    return await work(`http://127.0.0.1:${server.address().port}/hook`, next);
  } finally {
    server.close();
  }
}

async function signed(SignatureVersion) {
  const [TopicArn, box] = [await topic(`signed-${SignatureVersion}`, { SignatureVersion }), await queue(`v${SignatureVersion}`)];
  await subscribe(TopicArn, box);
  await sns.publish({ TopicArn, Subject: "hello", Message: "grüße 🎉\n" });
  const envelope = JSON.parse((await bodies(box))[0]);
  return {
    version: envelope.SignatureVersion,
    url: envelope.SigningCertURL,
    envelope: await validate({ ...envelope }),
    changed: await validate({ ...envelope, Message: "other" }),
    fetched: fetched.includes(envelope.SigningCertURL),
  };
}

const scenarios = {
  async envelope() {
    const [TopicArn, box] = [await topic("envelope"), await queue("envelope")];
    const SubscriptionArn = await subscribe(TopicArn, box);
    const MessageAttributes = {
      kind: text("grüße"),
      raw: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
    };
    const sent = await sns.publish({ TopicArn, Message: "hällo 🎉", Subject: "hello", MessageAttributes });
    const messages = await receive(box);
    return { TopicArn, SubscriptionArn, sent, envelope: JSON.parse(messages[0].Body), count: messages.length };
  },

  async raw() {
    const [TopicArn, box] = [await topic("raw"), await queue("raw")];
    await subscribe(TopicArn, box, { RawMessageDelivery: "true" });
    const MessageAttributes = {
      count: text("7", "Number"),
      tags: text('["a"]', "String.Array"),
      raw: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
    };
    await sns.publish({ TopicArn, Message: "hällo 🎉", MessageAttributes });
    const [message] = await receive(box);
    const { count, tags, raw } = message.MessageAttributes;
    return { body: message.Body, count, tags, raw: Array.from(raw.BinaryValue) };
  },

  async filtered() {
    const [TopicArn, box] = [await topic("filtered"), await queue("filtered")];
    const FilterPolicy = JSON.stringify({ price: [{ numeric: [">", 10] }], kind: ["mail", { prefix: "e-" }] });
    await subscribe(TopicArn, box, { FilterPolicy, RawMessageDelivery: "true" });
    for (const [kind, price] of [["mail", "5"], ["mail", "11"], ["order", "11"], ["e-mail", "10.5"]]) {
      const MessageAttributes = { kind: text(kind), price: text(price, "Number") };
      await sns.publish({ TopicArn, Message: `${kind} at ${price}`, MessageAttributes });
    }
    return (await bodies(box)).sort();
  },

  async batch() {
    const [TopicArn, box] = [await topic("batch"), await queue("batch")];
    await subscribe(TopicArn, box, { RawMessageDelivery: "true" });
    const { Successful, Failed } = await sns.publishBatch({
      TopicArn,
      PublishBatchRequestEntries: [
        { Id: "a", Message: "one", MessageAttributes: { n: text("1", "Number") } },
        { Id: "b", Message: "" },
        { Id: "c", Message: "three", Subject: "third" },
      ],
    });
    return { successful: Successful.map((entry) => entry.Id), failed: Failed, bodies: (await bodies(box)).sort() };
  },

  async fifo() {
    const TopicArn = await topic("order.fifo", { FifoTopic: "true" });
    const box = await queue("order.fifo", { FifoQueue: "true" });
    await subscribe(TopicArn, box, { RawMessageDelivery: "true" });
    const numbers = [];
    for (const [Message, MessageDeduplicationId] of [["a", "1"], ["b", "2"], ["again", "2"], ["c", "3"]]) {
      const sent = await sns.publish({ TopicArn, Message, MessageDeduplicationId, MessageGroupId: "g" });
      numbers.push(sent.SequenceNumber);
    }
    return { numbers, bodies: await bodies(box) };
  },

  async webServer() {
    return served(async (Endpoint, next) => {
      const TopicArn = await topic("web");
      let told = next();
      const { SubscriptionArn } = await sns.subscribe({ TopicArn, Protocol: "http", Endpoint });
      const question = await told;
      const asked = JSON.parse(question.body);
      const confirmed = await sns.confirmSubscription({ TopicArn, Token: asked.Token });
      told = next();
      await sns.publish({ TopicArn, Message: "hällo 🎉" });
      const notification = await told;
      return {
        before: SubscriptionArn,
        after: confirmed.SubscriptionArn,
        kinds: [question, notification].map((one) => one.headers["x-amz-sns-message-type"]),
        subscription: notification.headers["x-amz-sns-subscription-arn"],
        message: JSON.parse(notification.body).Message,
        valid: [await validate(question.body), await validate(notification.body)],
      };
    });
  },

  signedOne: () => signed("1"),
  signedTwo: () => signed("2"),

  async lists() {
    for (let n = 0; n < 101; n++) await topic(`page-${n}`);
    const arns = [];
    for await (const page of snsSdk.paginateListTopics({ client: sns }, {})) {
      arns.push(...page.Topics.map((one) => one.TopicArn));
    }
    return { listed: arns.filter((arn) => arn.includes(":page-")).length, distinct: new Set(arns).size === arns.length };
  },

  async attributes() {
    const [TopicArn, box] = [await topic("attributes", { DisplayName: "Our topic" }), await queue("attributes")];
    const SubscriptionArn = await subscribe(TopicArn, box);
    const change = { SubscriptionArn, AttributeName: "FilterPolicy", AttributeValue: '{"kind": ["mail"]}' };
    await sns.setSubscriptionAttributes(change);
    const { Attributes } = await sns.getSubscriptionAttributes({ SubscriptionArn });
    const ofTopic = (await sns.getTopicAttributes({ TopicArn })).Attributes;
    await sns.unsubscribe({ SubscriptionArn });
    const { Subscriptions } = await sns.listSubscriptionsByTopic({ TopicArn });
    return {
      policy: Attributes.FilterPolicy,
      confirmed: ofTopic.SubscriptionsConfirmed,
      displayName: ofTopic.DisplayName,
      left: Subscriptions,
    };
  },

  noTopic: () => refusal(snsSdk, sns.publish({ TopicArn: "arn:aws:sns:eu-west-1:111122223333:none", Message: "x" })),

  noTags: () => refusal(snsSdk, sns.listTagsForResource({ ResourceArn: "arn:aws:sns:eu-west-1:111122223333:none" })),

  badName: () => refusal(snsSdk, topic("no spaces")),

  async badAttribute() {
    const TopicArn = await topic("attribute");
    return refusal(snsSdk, sns.publish({ TopicArn, Message: "x", MessageAttributes: { a: text("x", "Odd") } }));
  },

  async sameIds() {
    const entry = { Id: "a", Message: "x" };
    const TopicArn = await topic("ids");
    return refusal(snsSdk, sns.publishBatch({ TopicArn, PublishBatchRequestEntries: [entry, entry] }));
  },
};

await play(scenarios);
