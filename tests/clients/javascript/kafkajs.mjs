// Plays scenarios of Kafka against the broker at process.argv[2] (host:port) with kafkajs, which no longer changes but is what many
// Node.js programs run on. tests/clients/kafka/test_kafkajs.py judges.

import kafkajs from "kafkajs";

import { play } from "./play.mjs";

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs;
const { ResourcePatternTypes } = kafkajs;
const kafka = new Kafka({ brokers: [process.argv[2]], clientId: "kafkajs", logLevel: logLevel.NOTHING, retry: { retries: 3 } });
const admin = kafka.admin();
await admin.connect();

async function topic(name, numPartitions = 1, more = {}) {
  await admin.createTopics({ topics: [{ topic: name, numPartitions, ...more }] });
  return name;
}

async function producing(options, work) {
  const producer = kafka.producer({ allowAutoTopicCreation: false, ...options });
  await producer.connect();
  try {
    return await work(producer);
  } finally {
    await producer.disconnect();
  }
}

async function administer(work) {
  const one = kafka.admin();
  await one.connect();
  try {
    return await work(one);
  } finally {
    await one.disconnect();
  }
}

const send = (name, values, more = {}, options = {}) =>
  producing(options, (producer) => producer.send({ topic: name, messages: values.map((value) => ({ key: "k", value })), ...more }));

// Joins a group, reads from the beginning and keeps what comes; `until(count)` waits for so many messages.
async function member(groupId, name, options = {}) {
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 100, maxWaitTimeInMs: 100, ...options });
  const joins = [];
  const messages = [];
  let look = () => {};
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    joins.push(payload.memberAssignment[name] ?? []);
    look();
  });
  await consumer.connect();
  await consumer.subscribe({ topic: name, fromBeginning: true });
  await consumer.run({
    autoCommit: options.autoCommit ?? false,
    eachMessage: async ({ partition, message }) => {
      messages.push({ partition, offset: message.offset, value: String(message.value), message });
      look();
    },
  });
  const until = (holds) =>
    new Promise((resolve) => {
      look = () => holds() && resolve();
      look();
    });
  return { consumer, joins, messages, when: until, until: (count) => until(() => messages.length >= count) };
}

async function consume(groupId, name, count, options = {}) {
  const one = await member(groupId, name, options);
  await one.until(count);
  await one.consumer.disconnect();
  return one.messages;
}

const values = (messages) => messages.map((message) => message.value);

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    const cause = error.errors?.[0] ?? error.groups?.[0]?.error ?? error.cause ?? error;
    return { name: error.name, type: cause.type ?? error.type, code: cause.code ?? error.code, message: error.message };
  }
  throw new Error("nothing was refused");
}

const numbers = (count) => Array.from({ length: count }, (_, number) => `value ${number}`);

// setOffsets and resetOffsets have a paused consumer of their own join the group, which sleeps for 5 s three times: played beside the rest.
async function playGroupOffsets() {
  const name = await topic("kafkajs-offsets", 2);
  await producing({}, (producer) => producer.send({ topic: name, messages: numbers(3).map((value) => ({ value, partition: 1 })) }));
  const offsets = async (groupId, resolveOffsets = false) => {
    const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [name], resolveOffsets });
    return partitions.map(({ partition, offset }) => [partition, offset]).sort();
  };
  const seen = { none: await offsets("kafkajs-none") };
  const partitions = [{ partition: 0, offset: "0" }, { partition: 1, offset: "2" }];
  await Promise.all([
    administer((one) => one.setOffsets({ groupId: "kafkajs-set", topic: name, partitions })),
    administer((one) => one.resetOffsets({ groupId: "kafkajs-earliest", topic: name, earliest: true })),
    administer((one) => one.resetOffsets({ groupId: "kafkajs-latest", topic: name, earliest: false })),
  ]);
  seen.set = await offsets("kafkajs-set");
  seen.earliest = await offsets("kafkajs-earliest", true);
  seen.latest = await offsets("kafkajs-latest", true);
  return seen;
}

const groupOffsets = playGroupOffsets();
groupOffsets.catch(() => {}); // the scenario tells

const scenarios = {
  async plain() {
    const name = await topic("kafkajs-plain");
    const [sent] = await send(name, numbers(200));
    return { sent, values: values(await consume("kafkajs-plain", name, 200)) };
  },

  async gzip() {
    const name = await topic("kafkajs-gzip");
    const [sent] = await send(name, numbers(200), { compression: CompressionTypes.GZIP });
    return { sent, values: values(await consume("kafkajs-gzip", name, 200)) };
  },

  async acks() {
    const name = await topic("kafkajs-acks");
    const answers = [];
    for (const acks of [0, 1, -1]) answers.push((await send(name, [`acks ${acks}`], { acks }))?.[0]?.baseOffset ?? null);
    return { answers, values: values(await consume("kafkajs-acks", name, 3)) };
  },

  async message() {
    const name = await topic("kafkajs-message", 2);
    const messages = [
      { key: "k", value: "v", headers: { trace: "1", twice: ["a", "b"] }, timestamp: "1767225600123", partition: 1 },
      { key: "tombstone", value: null, partition: 1 },
    ];
    await producing({}, (producer) => producer.send({ topic: name, messages }));
    const taken = await consume("kafkajs-message", name, 2);
    return taken.map(({ partition, offset, message }) => ({
      partition,
      offset,
      key: String(message.key),
      value: message.value === null ? null : String(message.value),
      timestamp: message.timestamp,
      headers: Object.fromEntries(Object.entries(message.headers).map(([key, value]) => [key, [value].flat().map(String)])),
    }));
  },

  async autoCreated() {
    const producer = kafka.producer({ allowAutoTopicCreation: true });
    await producer.connect();
    const [sent] = await producer.send({ topic: "kafkajs-made", messages: [{ value: "x" }] });
    await producer.disconnect();
    return { sent, listed: (await admin.listTopics()).includes("kafkajs-made") };
  },

  async idempotent() {
    const name = await topic("kafkajs-idempotent", 3);
    await producing({ idempotent: true, maxInFlightRequests: 1 }, async (producer) => {
      for (let round = 0; round < 20; round++) {
        const messages = numbers(10).map((value) => ({ key: value, value: `${round} ${value}` }));
        await producer.send({ topic: name, messages });
      }
    });
    const found = values(await consume("kafkajs-idempotent", name, 200));
    return { count: found.length, different: new Set(found).size };
  },

  async resumed() {
    const name = await topic("kafkajs-resumed");
    await send(name, numbers(10));
    const first = await member("kafkajs-resumed", name);
    await first.until(10);
    await first.consumer.commitOffsets([{ topic: name, partition: 0, offset: "4", metadata: "here" }]);
    await first.consumer.disconnect();
    const committed = await admin.fetchOffsets({ groupId: "kafkajs-resumed", topics: [name] });
    return { committed, values: values(await consume("kafkajs-resumed", name, 6)) };
  },

  async sharing() {
    const name = await topic("kafkajs-sharing", 4);
    const first = await member("kafkajs-sharing", name);
    await first.when(() => first.joins.at(-1)?.length === 4);
    const second = await member("kafkajs-sharing", name);
    await first.when(() => first.joins.at(-1)?.length === 2);
    await second.when(() => second.joins.at(-1)?.length === 2);
    const shared = [first, second].map((one) => one.joins.at(-1));
    const spread = [0, 1, 2, 3].map((partition) => ({ partition, value: `to ${partition}` }));
    await producing({}, (producer) => producer.send({ topic: name, messages: spread }));
    await Promise.all([first.until(2), second.until(2)]);
    const { groups } = await admin.describeGroups(["kafkajs-sharing"]);
    const [{ state, protocolType, protocol, members }] = groups;
    const seen = [first, second].map((one) => one.messages.map((message) => message.partition).sort());
    await second.consumer.disconnect();
    await first.when(() => first.joins.at(-1)?.length === 4);
    await first.consumer.disconnect();
    const ids = members.map((one) => one.clientId);
    return { shared, seen, left: first.joins.at(-1), group: { state, protocolType, protocol, ids } };
  },

  async seeking() {
    const name = await topic("kafkajs-seeking");
    await send(name, numbers(5));
    const one = await member("kafkajs-seeking", name);
    await one.until(5);
    one.consumer.seek({ topic: name, partition: 0, offset: "3" });
    await one.until(7);
    await one.consumer.disconnect();
    return values(one.messages);
  },

  async transactions() {
    const name = await topic("kafkajs-transactions");
    const options = { transactionalId: "kafkajs-transactions", idempotent: true, maxInFlightRequests: 1 };
    await producing(options, async (producer) => {
      for (const [value, commit] of [["yes 1", true], ["no", false], ["yes 2", true]]) {
        const transaction = await producer.transaction();
        await transaction.send({ topic: name, messages: [{ value }] });
        await (commit ? transaction.commit() : transaction.abort());
      }
    });
    const committed = values(await consume("kafkajs-committed", name, 2));
    const uncommitted = values(await consume("kafkajs-uncommitted", name, 3, { readUncommitted: true }));
    return { committed, uncommitted };
  },

  async offsetsInTransactions() {
    const source = await topic("kafkajs-source");
    await send(source, ["a", "b"]);
    const consumerGroupId = "kafkajs-loop";
    const topics = [{ topic: source, partitions: [{ partition: 0, offset: "2" }] }];
    const committed = async () => (await admin.fetchOffsets({ groupId: consumerGroupId, topics: [source] }))[0].partitions[0].offset;
    const options = { transactionalId: "kafkajs-loop", idempotent: true, maxInFlightRequests: 1 };
    return producing(options, async (producer) => {
      const seen = [];
      for (const commit of [false, true]) {
        const transaction = await producer.transaction();
        await transaction.sendOffsets({ consumerGroupId, topics });
        await (commit ? transaction.commit() : transaction.abort());
        seen.push(await committed());
      }
      return seen;
    });
  },

  async fenced() {
    const name = await topic("kafkajs-fenced");
    const options = { transactionalId: "kafkajs-fenced", idempotent: true, maxInFlightRequests: 1 };
    return producing(options, async (first) => {
      const transaction = await first.transaction();
      await transaction.send({ topic: name, messages: [{ value: "zombie" }] });
      await producing(options, async (second) => {
        const good = await second.transaction();
        await good.send({ topic: name, messages: [{ value: "good" }] });
        await good.commit();
      });
      const refused = await refusal(transaction.commit());
      return { refused, values: values(await consume("kafkajs-fenced", name, 1)) };
    });
  },

  async topics() {
    const name = "kafkajs-topics";
    const configEntries = [{ name: "retention.ms", value: "60000" }];
    const made = await admin.createTopics({ topics: [{ topic: name, numPartitions: 2, configEntries }] });
    const again = await admin.createTopics({ topics: [{ topic: name }] });
    const onlyChecked = await admin.createTopics({ validateOnly: true, waitForLeaders: false, topics: [{ topic: "kafkajs-checked" }] });
    await admin.createPartitions({ topicPartitions: [{ topic: name, count: 3 }] });
    const { topics: [metadata] } = await admin.fetchTopicMetadata({ topics: [name] });
    const before = await admin.listTopics();
    await admin.deleteTopics({ topics: [name] });
    const after = await admin.listTopics();
    const missing = await refusal(admin.fetchTopicMetadata({ topics: [name] }));
    const listed = [before.includes(name), before.includes("kafkajs-checked"), after.includes(name)];
    return { made, again, onlyChecked, metadata, listed, missing };
  },

  refusedTopics: async () => [
    await refusal(admin.createTopics({ topics: [{ topic: "bad name" }] })),
    await refusal(admin.createTopics({ topics: [{ topic: "kafkajs-copies", replicationFactor: 3 }] })),
    await refusal(admin.createTopics({ topics: [{ topic: "kafkajs-bad", configEntries: [{ name: "retention.ms", value: "soon" }] }] })),
    await refusal(admin.deleteTopics({ topics: ["kafkajs-missing"] })),
  ],

  async configs() {
    const name = await topic("kafkajs-configs");
    const entry = async () => {
      const resources = [{ type: ConfigResourceTypes.TOPIC, name, configNames: ["retention.ms", "cleanup.policy"] }];
      const { resources: [found] } = await admin.describeConfigs({ resources, includeSynonyms: true });
      return Object.fromEntries(found.configEntries.map((one) => [one.configName, [one.configValue, one.configSource]]));
    };
    const before = await entry();
    const configEntries = [{ name: "retention.ms", value: "1000" }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries }] });
    return { before, after: await entry() };
  },

  groupOffsets: () => groupOffsets,

  async groups() {
    const name = await topic("kafkajs-groups");
    await send(name, ["x"]);
    const reader = await member("kafkajs-groups", name, { autoCommit: true });
    await reader.until(1);
    const listed = async () => (await admin.listGroups()).groups.filter((group) => group.groupId === "kafkajs-groups");
    const seen = { listed: await listed() };
    seen.busy = await refusal(admin.deleteGroups(["kafkajs-groups"]));
    await reader.consumer.disconnect();
    seen.described = (await admin.describeGroups(["kafkajs-groups"])).groups.map(({ state, members }) => [state, members.length]);
    seen.deleted = await admin.deleteGroups(["kafkajs-groups"]);
    seen.after = await listed();
    return seen;
  },

  async topicOffsets() {
    const name = await topic("kafkajs-times");
    const messages = [0, 1, 2].map((number) => ({ value: "x", timestamp: String(1767225600000 + number * 1000) }));
    await producing({}, (producer) => producer.send({ topic: name, messages }));
    const ends = await admin.fetchTopicOffsets(name);
    const byTime = await admin.fetchTopicOffsetsByTimestamp(name, 1767225600500);
    const behind = await admin.fetchTopicOffsetsByTimestamp(name, 1767225699999);
    await admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: "2" }] });
    const deleted = await admin.fetchTopicOffsets(name);
    return { ends, byTime, behind, deleted, left: (await consume("kafkajs-times", name, 1)).map((message) => message.offset) };
  },

  async cluster() {
    const { brokers, controller, clusterId } = await admin.describeCluster();
    return { brokers, controller, clusterId };
  },

  acls: async () => {
    const acl = { resourceType: AclResourceTypes.TOPIC, resourceName: "t", resourcePatternType: ResourcePatternTypes.LITERAL };
    const rule = { principal: "User:a", host: "*", operation: AclOperationTypes.READ, permissionType: AclPermissionTypes.ALLOW };
    return [await refusal(admin.describeAcls({ ...acl, ...rule })), await refusal(admin.createAcls({ acl: [{ ...acl, ...rule }] }))];
  },

  async reassignments() {
    return admin.listPartitionReassignments({});
  },
};

await play(scenarios);
