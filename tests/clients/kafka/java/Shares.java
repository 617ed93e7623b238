import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.TopicPartition;

/** Share groups (KIP-932): records handed out one by one, acknowledged one by one. */
final class Shares {
    private static final String[] EXPLICIT = {"share.acknowledgement.mode", "explicit"};

    private Shares() {
    }

    static void add(Map<String, Scenario> scenarios) {
        scenarios.put("shareTwo", Shares::two);
        scenarios.put("shareAcknowledge", Shares::acknowledge);
        scenarios.put("shareReleases", Shares::releases);
        scenarios.put("shareImplicit", Shares::implicit);
        scenarios.put("shareLeaves", Shares::leaves);
        scenarios.put("shareRenew", Shares::renew);
        scenarios.put("shareCommitted", Shares::committed);
        scenarios.put("shareAdmin", Shares::admin);
    }

    private static List<ConsumerRecord<String, String>> take(KafkaShareConsumer<String, String> consumer, int count) {
        List<ConsumerRecord<String, String>> taken = new ArrayList<>();
        Stage.until("records of " + count, () -> {
            consumer.poll(Stage.POLL).forEach(taken::add);
            return taken.size() >= count;
        });
        return taken;
    }

    private static List<Object> told(List<ConsumerRecord<String, String>> records) {
        List<Object> told = new ArrayList<>();
        records.forEach(one -> told.add(Stage.list(one.value(), one.deliveryCount().map(Short::intValue).orElse(null))));
        return told;
    }

    private static Map<TopicPartition, Long> starts(Stage stage) throws Exception {
        Map<TopicPartition, Long> starts = new LinkedHashMap<>();
        stage.admin().listShareGroupOffsets(Map.of(stage.name("group"), new ListShareGroupOffsetsSpec()))
            .partitionsToOffsetInfo(stage.name("group")).get()
            .forEach((place, info) -> starts.put(place, info == null ? null : info.startOffset()));
        return starts;
    }

    /** Two consumers on one partition: each record is handed to one of them. */
    private static Object two(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        List<KafkaShareConsumer<String, String>> consumers = new ArrayList<>();
        for (int number = 0; number < 2; number++) {
            consumers.add(stage.shareConsumer(stage.name("group"), "max.poll.records", "5"));
            consumers.get(number).subscribe(List.of(topic));
        }
        String group = stage.name("group");
        Stage.until("both assigned", () -> {
            consumers.forEach(one -> one.poll(Stage.POLL));
            var members = stage.admin().describeShareGroups(List.of(group)).all().get().get(group).members();
            return members.size() == 2 && members.stream().allMatch(one -> one.assignment().topicPartitions().size() == 1);
        });
        String[] values = java.util.stream.IntStream.range(0, 40).mapToObj(String::valueOf).toArray(String[]::new);
        stage.write(topic, values);
        List<Integer> read = new ArrayList<>();
        Stage.until("all forty", () -> {
            consumers.forEach(one -> one.poll(Stage.POLL).forEach(record -> read.add(Integer.valueOf(record.value()))));
            return read.size() >= 40;
        });
        consumers.forEach(one -> one.poll(Stage.POLL).forEach(record -> read.add(Integer.valueOf(record.value()))));
        return Stage.saw("read", read.stream().sorted().toList());
    }

    private static Object acknowledge(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        stage.write(topic, "accept", "release", "reject");
        KafkaShareConsumer<String, String> consumer = stage.shareConsumer(stage.name("group"), EXPLICIT);
        consumer.subscribe(List.of(topic));
        List<ConsumerRecord<String, String>> first = take(consumer, 3);
        for (ConsumerRecord<String, String> record : first) {
            consumer.acknowledge(record, AcknowledgeType.valueOf(record.value().toUpperCase()));
        }
        Map<String, Object> outcomes = new LinkedHashMap<>();
        consumer.commitSync().forEach((place, error) -> outcomes.put("" + place.partition(), Stage.orNull(error)));
        List<ConsumerRecord<String, String>> again = take(consumer, 1);
        again.forEach(consumer::acknowledge);
        consumer.commitSync();
        stage.write(topic, "next");
        List<ConsumerRecord<String, String>> last = take(consumer, 1);
        last.forEach(consumer::acknowledge);
        consumer.commitSync();
        return Stage.saw("first", told(first), "outcomes", outcomes, "again", told(again), "last", told(last),
            "start", starts(stage).get(Stage.at(topic, 0)));
    }

    /** A record that is always released is archived after five deliveries. */
    private static Object releases(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        stage.write(topic, "poison");
        KafkaShareConsumer<String, String> consumer = stage.shareConsumer(stage.name("group"), EXPLICIT);
        consumer.subscribe(List.of(topic));
        List<Object> counts = new ArrayList<>();
        for (int delivery = 1; delivery <= 5; delivery++) {
            ConsumerRecord<String, String> record = take(consumer, 1).get(0);
            counts.add(record.deliveryCount().map(Short::intValue).orElse(null));
            consumer.acknowledge(record, AcknowledgeType.RELEASE);
            consumer.commitSync();
        }
        stage.write(topic, "good");
        ConsumerRecord<String, String> next = take(consumer, 1).get(0);
        consumer.acknowledge(next);
        return Stage.saw("counts", counts, "next", next.value());
    }

    /** Without acknowledgements of its own a consumer accepts with its next poll. */
    private static Object implicit(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        stage.write(topic, "a", "b");
        KafkaShareConsumer<String, String> consumer = stage.shareConsumer(stage.name("group"));
        consumer.subscribe(List.of(topic));
        List<Object> read = told(take(consumer, 2));
        Stage.until("acceptance", () -> {
            consumer.poll(Stage.POLL);
            return Long.valueOf(2).equals(starts(stage).get(Stage.at(topic, 0)));
        });
        return Stage.saw("read", read);
    }

    /** What a member that leaves has not acknowledged goes to the others at once. */
    private static Object leaves(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        stage.write(topic, "a", "b");
        KafkaShareConsumer<String, String> first = stage.shareConsumer(stage.name("group"), EXPLICIT);
        first.subscribe(List.of(topic));
        List<ConsumerRecord<String, String>> taken = take(first, 2);
        first.acknowledge(taken.get(0));
        first.close();
        KafkaShareConsumer<String, String> second = stage.shareConsumer(stage.name("group"), EXPLICIT);
        second.subscribe(List.of(topic));
        List<ConsumerRecord<String, String>> again = take(second, 1);
        again.forEach(second::acknowledge);
        return Stage.saw("first", told(taken), "second", told(again));
    }

    /** RENEW keeps a record for longer, with the same delivery count; it is accepted later. */
    private static Object renew(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        stage.write(topic, "slow");
        KafkaShareConsumer<String, String> consumer = stage.shareConsumer(stage.name("group"), EXPLICIT);
        consumer.subscribe(List.of(topic));
        List<ConsumerRecord<String, String>> first = take(consumer, 1);
        first.forEach(record -> consumer.acknowledge(record, AcknowledgeType.RENEW));
        List<Object> errors = new ArrayList<>();
        consumer.commitSync().values().forEach(error -> errors.add(Stage.orNull(error)));
        List<ConsumerRecord<String, String>> again = take(consumer, 1);
        again.forEach(consumer::acknowledge);
        consumer.commitSync().values().forEach(error -> errors.add(Stage.orNull(error)));
        return Stage.saw("first", told(first), "again", told(again), "errors", errors, "lockMs", Stage.orNull(consumer.acquisitionLockTimeoutMs()),
            "start", starts(stage).get(Stage.at(topic, 0)));
    }

    /** share.isolation.level=read_committed: what was aborted is never handed out. */
    private static Object committed(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        var producer = stage.producer("transactional.id", stage.name("tx"));
        producer.initTransactions();
        for (String value : List.of("no", "yes")) {
            producer.beginTransaction();
            Stage.send(producer, topic, value);
            if (value.equals("no")) {
                producer.abortTransaction();
            } else {
                producer.commitTransaction();
            }
        }
        stage.configure(org.apache.kafka.common.config.ConfigResource.Type.GROUP, stage.name("group"),
            "share.isolation.level", "read_committed");
        KafkaShareConsumer<String, String> consumer = stage.shareConsumer(stage.name("group"));
        consumer.subscribe(List.of(topic));
        return Stage.saw("read", told(take(consumer, 1)));
    }

    private static Object admin(Stage stage) throws Exception {
        String topic = stage.topic("orders", 2);
        String group = stage.name("group");
        TopicPartition place = Stage.at(topic, 0);
        stage.write(topic, "a", "b", "c");
        KafkaShareConsumer<String, String> consumer = stage.shareConsumer(group);
        consumer.subscribe(List.of(topic));
        take(consumer, 3);
        Stage.until("acceptance", () -> {
            consumer.poll(Stage.POLL);
            return Long.valueOf(3).equals(starts(stage).get(place));
        });
        var described = stage.admin().describeShareGroups(List.of(group)).all().get().get(group);
        var member = described.members().iterator().next();
        String busy = Stage.refusal(() -> stage.admin().alterShareGroupOffsets(group, Map.of(place, 0L)).all());
        consumer.close();
        stage.admin().alterShareGroupOffsets(group, Map.of(place, 1L)).all().get();
        long altered = starts(stage).get(place);
        List<String> listed = stage.admin().listGroups(ListGroupsOptions.forShareGroups()).all().get().stream()
            .filter(one -> one.groupId().equals(group)).map(one -> one.type().orElseThrow() + " " + one.groupState().orElseThrow()).toList();
        stage.admin().deleteShareGroupOffsets(group, Set.of(topic)).all().get();
        boolean offsetsLeft = starts(stage).containsKey(place);
        stage.admin().deleteShareGroups(List.of(group)).all().get();
        String gone = Stage.refusal(() -> stage.admin().describeShareGroups(List.of(group)).all());
        return Stage.saw("state", described.groupState().toString(), "assigned", member.assignment().topicPartitions().size(),
            "busy", busy, "altered", altered, "listed", listed, "offsetsLeft", offsetsLeft, "gone", gone);
    }
}
