// Plays scenarios of EventBridge against the server at process.argv[2] with the AWS SDK for JavaScript v3; what has come it reads from
// queues. tests/clients/test_events_clients.py judges.

import * as eventsSdk from "@aws-sdk/client-eventbridge";
import * as sqsSdk from "@aws-sdk/client-sqs";

import { play, refusal } from "./play.mjs";

const endpoint = process.argv[2];
const credentials = { accessKeyId: "111122223333", secretAccessKey: "secret" };
const options = { endpoint, credentials, region: "eu-west-1", maxAttempts: 1 };
const events = new eventsSdk.EventBridge(options);
const sqs = new sqsSdk.SQS(options);

async function queue(name) {
  const { QueueUrl } = await sqs.createQueue({ QueueName: name });
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["QueueArn"] });
  return { QueueUrl, Arn: Attributes.QueueArn };
}

// Makes a bus, a rule for everything from "shop" and a queue, all of one name, and gives the queue and the rule's ARN.
async function flow(name, target = {}, pattern = { source: ["shop"] }) {
  const box = await queue(name);
  await events.createEventBus({ Name: name });
  const rule = { Name: name, EventBusName: name, EventPattern: JSON.stringify(pattern) };
  const { RuleArn } = await events.putRule(rule);
  const Targets = [{ Id: "1", Arn: box.Arn, ...target }];
  await events.putTargets({ Rule: name, EventBusName: name, Targets });
  return { ...box, RuleArn };
}

function put(name, ...entries) {
  const Entries = entries.map((entry) => ({ EventBusName: name, Source: "shop", DetailType: "Order", Detail: "{}", ...entry }));
  return events.putEvents({ Entries });
}

// Events are delivered after PutEvents has answered: a long poll waits for the first.
async function bodies({ QueueUrl }) {
  const { Messages } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 });
  return (Messages ?? []).map((message) => message.Body);
}

const scenarios = {
  async event() {
    const box = await flow("event");
    const Time = new Date("2026-01-02T03:04:05.678Z");
    const sent = await put("event", { Detail: JSON.stringify({ s: "grüße 🎉" }), Time, Resources: ["r"] });
    return { rule: box.RuleArn, sent: sent.Entries, failed: sent.FailedEntryCount, event: JSON.parse((await bodies(box))[0]) };
  },

  async partial() {
    const box = await flow("partial");
    const sent = await put("partial", { Detail: "[]" }, { Detail: '{"n":1}' }, { Source: "aws.s3" });
    return { sent: sent.Entries, failed: sent.FailedEntryCount, details: (await bodies(box)).map((one) => JSON.parse(one).detail) };
  },

  async transformed() {
    const InputTransformer = { InputPathsMap: { n: "$.detail.n" }, InputTemplate: '{"order": <n>, "by": "<aws.events.rule-name>"}' };
    const box = await flow("transformed", { InputTransformer });
    await put("transformed", { Detail: '{"n":7}' });
    return bodies(box);
  },

  async described() {
    const box = await flow("described");
    const { State, EventPattern, EventBusName, CreatedBy } = await events.describeRule({ Name: "described", EventBusName: "described" });
    const { Targets } = await events.listTargetsByRule({ Rule: "described", EventBusName: "described" });
    const { CreationTime } = await events.describeEventBus({ Name: "described" });
    return { State, EventPattern, EventBusName, CreatedBy, targets: Targets, arn: box.Arn, isDate: CreationTime instanceof Date };
  },

  async pattern() {
    const EventPattern = JSON.stringify({ detail: { price: [{ numeric: [">", 10] }] } });
    const event = (price) => JSON.stringify({
      id: "1", account: "111122223333", source: "shop", time: "2026-01-01T00:00:00Z", region: "eu-west-1", resources: [],
      "detail-type": "Order", detail: { price },
    });
    const answers = [];
    for (const price of [10, 10.5]) answers.push((await events.testEventPattern({ EventPattern, Event: event(price) })).Result);
    return answers;
  },

  noRule: () => refusal(eventsSdk, events.describeRule({ Name: "none" })),

  badPattern: () => refusal(eventsSdk, events.putRule({ Name: "bad", EventPattern: '{"source": "shop"}' })),

  noExpression: () => refusal(eventsSdk, events.putRule({ Name: "bad" })),

  sameBus: async () => {
    await events.createEventBus({ Name: "same" });
    return refusal(eventsSdk, events.createEventBus({ Name: "same" }));
  },
};

await play(scenarios);
