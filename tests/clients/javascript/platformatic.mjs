// Plays scenarios of Kafka against the broker at process.argv[2] (host:port) with @platformatic/kafka 1.35, the last that runs on
// Node.js 20. It speaks newer versions of the protocol than kafkajs, and KIP-848. tests/clients/kafka/test_platformatic.py judges.

import { Admin, Consumer, MessagesStreamModes, Producer, stringDeserializers, stringSerializers } from "@platformatic/kafka";

import { play } from "./play.mjs";

const base = { bootstrapBrokers: [process.argv[2]], clientId: "platformatic", retries: 3, retryDelay: 50 };
const admin = new Admin(base);

async function topic(name, partitions = 1, configs = []) {
  await admin.createTopics({ topics: [name], partitions, replicas: 1, configs });
  return name;
}

async function producing(options, work) {
  const producer = new Producer({ ...base, serializers: stringSerializers, ...options });
  try {
    return await work(producer);
  } finally {
    await producer.close(true);
  }
}

const send = (name, values, options = {}) =>
  producing({}, (producer) => producer.send({ messages: values.map((value) => ({ topic: name, key: "k", value })), ...options }));

function reader(groupId, options = {}) {
  return new Consumer({ ...base, groupId, deserializers: stringDeserializers, heartbeatInterval: 100, maxWaitTime: 100, ...options });
}

// Consumes and keeps what comes; `until(count)` waits for so many messages.
async function reading(consumer, name, options = {}) {
  const stream = await consumer.consume({ topics: [name], mode: MessagesStreamModes.EARLIEST, autocommit: false, ...options });
  const messages = [];
  let look = () => {};
  stream.on("data", (message) => {
    messages.push(message);
    look();
  });
  const until = (count) =>
    new Promise((resolve, reject) => {
      stream.once("error", reject);
      look = () => messages.length >= count && resolve();
      look();
    });
  return { stream, messages, until };
}

async function consume(groupId, name, count, options = {}) {
  const consumer = reader(groupId);
  try {
    const { messages, until } = await reading(consumer, name, options);
    await until(count);
    return messages;
  } finally {
    await consumer.close(true);
  }
}

const values = (messages) => messages.map((message) => message.value);
const numbers = (count) => Array.from({ length: count }, (_, number) => `value ${number}`);

// Waits until something holds; what holds is set by events, so every turn of the loop may be the one.
async function until(holds) {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const held = (consumer) => (consumer.assignments ?? []).flatMap((one) => one.partitions).sort();

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    const found = [];
    const search = (one) => {
      if (one?.apiId) found.push([one.apiId, one.apiCode]);
      for (const inner of one?.errors ?? []) search(inner);
      if (one?.cause) search(one.cause);
    };
    search(error);
    return { message: error.message, errors: found };
  }
  throw new Error("nothing was refused");
}

const codec = (compression) => async () => {
  const name = await topic(`platformatic-${compression}`);
  await send(name, numbers(200), { compression });
  return values(await consume(name, name, 200));
};

// Two members share four partitions, then one of them leaves.
async function sharing(name, options) {
  await topic(name, 4);
  const [first, second] = [reader(name, options), reader(name, options)];
  const one = await reading(first, name);
  await until(() => held(first).length === 4);
  const two = await reading(second, name);
  await until(() => held(first).length === 2 && held(second).length === 2);
  const shared = [held(first), held(second)];
  await producing({}, (producer) => producer.send({ messages: [0, 1, 2, 3].map((partition) => ({ topic: name, partition, value: "x" })) }));
  await Promise.all([one.until(2), two.until(2)]);
  const seen = [one, two].map(({ messages }) => messages.map((message) => message.partition).sort());
  await second.close(true);
  await until(() => held(first).length === 4);
  const left = held(first);
  await first.close(true);
  return { shared, seen, left };
}

// Members of a KIP-848 group are told what they hold in answer to heartbeats, one each 5 s: played beside the rest.
const sharing848 = sharing("platformatic-848", { groupProtocol: "consumer" });
sharing848.catch(() => {}); // the scenario tells

const scenarios = {
  none: codec("none"),
  gzip: codec("gzip"),
  snappy: codec("snappy"),
  lz4: codec("lz4"),

  async acks() {
    const name = await topic("platformatic-acks");
    const answers = [];
    for (const acks of [0, 1, -1]) answers.push((await send(name, [`acks ${acks}`], { acks })).offsets?.map((one) => String(one.offset)));
    return { answers, values: values(await consume("platformatic-acks", name, 3)) };
  },

  async message() {
    const name = await topic("platformatic-message", 2);
    const headers = new Map([["trace", "1"]]);
    const message = { topic: name, partition: 1, key: "k", value: "v", headers, timestamp: 1767225600123n };
    await producing({}, (producer) => producer.send({ messages: [message] }));
    const [taken] = await consume("platformatic-message", name, 1);
    const { partition, offset, key, value, timestamp } = taken;
    return { partition, offset: String(offset), key, value, timestamp: String(timestamp), headers: [...taken.headers] };
  },

  async idempotent() {
    const name = await topic("platformatic-idempotent");
    const offsets = await producing({ idempotent: true }, async (producer) => {
      const found = [];
      for (let round = 0; round < 10; round++) {
        const { offsets: [one] } = await producer.send({ messages: numbers(5).map((value) => ({ topic: name, value })), acks: -1 });
        found.push(Number(one.offset));
      }
      return found;
    });
    return { offsets, count: (await consume("platformatic-idempotent", name, 50)).length };
  },

  async resumed() {
    const name = await topic("platformatic-resumed");
    await send(name, numbers(10));
    const consumer = reader("platformatic-resumed");
    const { messages, until: took } = await reading(consumer, name);
    await took(10);
    await messages[3].commit();
    const committed = await consumer.listCommittedOffsets({ topics: [{ topic: name, partitions: [0] }] });
    const lag = await consumer.getLag({ topics: [name] });
    await consumer.close(true);
    const rest = await consume("platformatic-resumed", name, 6, { mode: MessagesStreamModes.COMMITTED });
    return { committed: String(committed.get(name)[0]), lag: lag.get(name).map(String), values: values(rest) };
  },

  sharing: () => sharing("platformatic-sharing", {}),

  sharing848: () => sharing848,

  async transactions() {
    const name = await topic("platformatic-transactions");
    await producing({ transactionalId: name, idempotent: true }, async (producer) => {
      for (const [value, commit] of [["yes 1", true], ["no", false], ["yes 2", true]]) {
        const transaction = await producer.beginTransaction();
        await transaction.send({ messages: [{ topic: name, value }] });
        await (commit ? transaction.commit() : transaction.abort());
      }
    });
    const committed = values(await consume("platformatic-committed", name, 2, { isolationLevel: 1 }));
    const uncommitted = values(await consume("platformatic-uncommitted", name, 3, { isolationLevel: 0 }));
    return { committed, uncommitted };
  },

  async offsetsInTransactions() {
    const source = await topic("platformatic-source");
    await send(source, ["a", "b"]);
    const consumer = reader("platformatic-loop");
    const { messages, until: took } = await reading(consumer, source);
    await took(2);
    const committed = async () => String((await consumer.listCommittedOffsets({ topics: [{ topic: source, partitions: [0] }] })).get(source)[0]);
    const seen = await producing({ transactionalId: "platformatic-loop", idempotent: true }, async (producer) => {
      const found = [];
      for (const commit of [false, true]) {
        const transaction = await producer.beginTransaction();
        await transaction.addConsumer(consumer);
        await transaction.addOffset(messages[1]);
        await (commit ? transaction.commit() : transaction.abort());
        found.push(await committed());
      }
      return found;
    });
    await consumer.close(true);
    return seen;
  },

  async topics() {
    const name = "platformatic-topics";
    const made = await admin.createTopics({ topics: [name], partitions: 2, replicas: 1, configs: [{ name: "retention.ms", value: "60000" }] });
    await admin.createPartitions({ topics: [{ name, count: 3, assignments: null }] });
    const { topics } = await admin.metadata({ topics: [name], forceUpdate: true });
    const { id, partitions } = topics.get(name);
    const before = await admin.listTopics();
    await admin.deleteTopics({ topics: [name] });
    const after = await admin.listTopics();
    const [{ id: made_id, partitions: count, replicas, configuration }] = made;
    const listed = [before.includes(name), after.includes(name)];
    return { sameId: id === made_id, count, replicas, retention: configuration["retention.ms"], leaders: partitions.map((one) => one.leader), listed };
  },

  refusedTopics: async () => [
    await refusal(admin.createTopics({ topics: ["bad name"], partitions: 1, replicas: 1 })),
    await refusal(admin.createTopics({ topics: ["platformatic-copies"], partitions: 1, replicas: 3 })),
    await refusal(admin.deleteTopics({ topics: ["platformatic-missing"] })),
  ],

  async configs() {
    const name = await topic("platformatic-configs");
    const resource = { resourceType: 2, resourceName: name };
    const value = async () => {
      const [{ configs }] = await admin.describeConfigs({ resources: [{ ...resource, configurationKeys: ["retention.ms"] }] });
      return configs.map((one) => [one.name, one.value, one.configSource]);
    };
    const seen = [await value()];
    const change = [{ name: "retention.ms", configOperation: 0, value: "1000" }];
    await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs: change }] });
    seen.push(await value());
    await admin.alterConfigs({ resources: [{ ...resource, configs: [{ name: "retention.ms", value: "2000" }] }] });
    seen.push(await value());
    return seen;
  },

  async groups() {
    const name = await topic("platformatic-groups");
    const groupId = "platformatic-groups";
    await send(name, ["x", "y", "z"]);
    const consumer = reader(groupId);
    const { until: took } = await reading(consumer, name);
    await took(3);
    const described = (await admin.describeGroups({ groups: [groupId] })).get(groupId);
    const listed = (await admin.listGroups()).get(groupId);
    const busy = await refusal(admin.deleteGroups({ groups: [groupId] }));
    await consumer.close(true);
    await admin.alterConsumerGroupOffsets({ groupId, topics: [{ name, partitionOffsets: [{ partition: 0, offset: 2n }] }] });
    const offsets = async () => {
      const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] });
      return group.topics.flatMap((one) => one.partitions.map((partition) => String(partition.committedOffset)));
    };
    const set = await offsets();
    await admin.deleteConsumerGroupOffsets({ groupId, topics: [{ name, partitionIndexes: [0] }] });
    const forgotten = await offsets();
    await admin.deleteGroups({ groups: [groupId] });
    const after = (await admin.listGroups()).has(groupId);
    const members = [...described.members.values()].map((one) => one.clientId);
    return { state: described.state, protocolType: described.protocolType, members, listed, busy, set, forgotten, after };
  },

  async offsets() {
    const name = await topic("platformatic-times");
    const messages = [0n, 1n, 2n].map((number) => ({ topic: name, value: "x", timestamp: 1767225600000n + number * 1000n }));
    await producing({}, (producer) => producer.send({ messages }));
    const at = async (timestamp) => {
      const [{ partitions: [found] }] = await admin.listOffsets({ topics: [{ name, partitions: [{ partitionIndex: 0, timestamp }] }] });
      return String(found.offset);
    };
    const seen = { earliest: await at(-2n), latest: await at(-1n), byTime: await at(1767225600500n) };
    const [{ partitions: [deleted] }] = await admin.deleteRecords({ topics: [{ name, partitions: [{ partition: 0, offset: 2n }] }] });
    return { ...seen, low: String(deleted.lowWatermark), earliestNow: await at(-2n) };
  },

  async quotas() {
    const entity = [{ entityType: "client-id", entityName: "platformatic" }];
    const ops = [{ key: "producer_byte_rate", value: 1e9, remove: false }];
    await admin.alterClientQuotas({ entries: [{ entities: entity, ops }], validateOnly: false });
    const components = [{ entityType: "client-id", matchType: 0, match: "platformatic" }];
    const found = await admin.describeClientQuotas({ components, strict: false });
    await admin.alterClientQuotas({ entries: [{ entities: entity, ops: [{ ...ops[0], remove: true }] }], validateOnly: false });
    return { found: found.map((one) => one.values), after: (await admin.describeClientQuotas({ components, strict: false })).length };
  },

  async logDirs() {
    const name = await topic("platformatic-dirs", 2);
    const [{ broker, results }] = await admin.describeLogDirs({ topics: [{ name, partitions: [0, 1] }] });
    return { broker, partitions: results.flatMap((one) => one.topics.flatMap((two) => two.partitions.map((three) => three.partitionIndex))) };
  },

  coordinator: () => admin.findCoordinator({ keyType: 0, keys: ["platformatic"] }),

  async acls() {
    const acl = { resourceType: 2, resourceName: "t", resourcePatternType: 3, principal: "User:a", host: "*", operation: 3, permissionType: 3 };
    return [await refusal(admin.describeAcls({ filter: acl })), await refusal(admin.createAcls({ creations: [acl] }))];
  },
};

await play(scenarios);
