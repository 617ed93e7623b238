import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** Where a consumer stands and how it gets elsewhere. */
final class Positions {
    private Positions() {
    }

    static void add(Map<String, Scenario> scenarios) {
        scenarios.put("times", Positions::times);
        scenarios.put("seeks", Positions::seeks);
        scenarios.put("pause", Positions::pause);
        scenarios.put("outOfRange", Positions::outOfRange);
        scenarios.put("lag", Positions::lag);
        scenarios.put("fetchSession", Positions::fetchSession);
        scenarios.put("recreated", Positions::recreated);
    }

    private static KafkaConsumer<String, String> at(Stage stage, String topic, String... configs) {
        KafkaConsumer<String, String> consumer = stage.consumer(stage.name("group"), configs);
        consumer.assign(List.of(Stage.at(topic, 0)));
        return consumer;
    }

    private static Object times(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        TopicPartition place = Stage.at(topic, 0);
        KafkaProducer<String, String> producer = stage.producer("linger.ms", "50");
        for (int number = 0; number < 3; number++) {
            producer.send(new ProducerRecord<>(topic, 0, 1_767_225_600_000L + number * 1000, "k", "x"));
        }
        producer.flush();
        KafkaConsumer<String, String> consumer = at(stage, topic);
        List<Object> found = new ArrayList<>();
        for (long time : new long[] {0, 1_767_225_600_500L, 1_767_225_602_000L, 1_767_225_602_001L}) {
            OffsetAndTimestamp one = consumer.offsetsForTimes(Map.of(place, time)).get(place);
            found.add(one == null ? null : Stage.list(one.offset(), one.timestamp(), Stage.orNull(one.leaderEpoch())));
        }
        return Stage.saw("found", found, "beginning", consumer.beginningOffsets(List.of(place)).get(place),
            "end", consumer.endOffsets(List.of(place)).get(place));
    }

    private static Object seeks(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        TopicPartition place = Stage.at(topic, 0);
        stage.write(topic, "0", "1", "2", "3");
        KafkaConsumer<String, String> consumer = at(stage, topic);
        List<Object> read = new ArrayList<>();
        consumer.seek(place, 2);
        read.add(Stage.take(consumer, 1).get(0).value());
        consumer.seek(place, new OffsetAndMetadata(1, Optional.of(0), "")); // its epoch is asked for: OffsetForLeaderEpoch
        read.add(Stage.take(consumer, 1).get(0).value());
        consumer.seekToBeginning(Set.of(place));
        read.add(Stage.take(consumer, 1).get(0).value());
        consumer.seekToEnd(Set.of(place));
        long end = consumer.position(place);
        consumer.commitSync(Map.of(place, new OffsetAndMetadata(3, Optional.of(0), "")));
        OffsetAndMetadata committed = consumer.committed(Set.of(place)).get(place);
        consumer.seek(place, committed);
        read.add(Stage.take(consumer, 1).get(0).value());
        return Stage.saw("read", read, "end", end, "epoch", Stage.orNull(committed.leaderEpoch()));
    }

    private static Object pause(Stage stage) throws Exception {
        String topic = stage.topic("orders", 2);
        Groups.writeEach(stage, topic, 2);
        KafkaConsumer<String, String> consumer = stage.consumer(stage.name("group"));
        consumer.assign(List.of(Stage.at(topic, 0), Stage.at(topic, 1)));
        consumer.pause(List.of(Stage.at(topic, 0)));
        int first = Stage.take(consumer, 1).get(0).partition();
        int meanwhile = consumer.poll(java.time.Duration.ofMillis(200)).count();
        consumer.resume(List.of(Stage.at(topic, 0)));
        return Stage.saw("first", first, "meanwhile", meanwhile, "second", Stage.take(consumer, 1).get(0).partition());
    }

    private static Object outOfRange(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        TopicPartition place = Stage.at(topic, 0);
        stage.write(topic, "0", "1", "2");
        KafkaConsumer<String, String> resets = at(stage, topic);
        resets.seek(place, 50);
        String first = Stage.take(resets, 1).get(0).value();
        KafkaConsumer<String, String> strict = at(stage, topic, "auto.offset.reset", "none");
        strict.seek(place, 50);
        String[] refused = new String[1];
        Stage.until("a refusal", () -> (refused[0] = Stage.refusal(() -> strict.poll(Stage.POLL))) != null);
        return Stage.saw("first", first, "refused", refused[0]);
    }

    private static Object lag(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        TopicPartition place = Stage.at(topic, 0);
        stage.write(topic, "0", "1", "2", "3");
        KafkaConsumer<String, String> consumer = at(stage, topic, "max.poll.records", "1");
        Stage.take(consumer, 1);
        return Stage.saw("lag", consumer.currentLag(place).orElse(-1));
    }

    /** Partitions are read in turn over one incremental fetch session: what comes late in one is still found. */
    private static Object fetchSession(Stage stage) throws Exception {
        String topic = stage.topic("orders", 3);
        KafkaConsumer<String, String> consumer = stage.consumer(stage.name("group"));
        consumer.assign(List.of(Stage.at(topic, 0), Stage.at(topic, 1)));
        KafkaProducer<String, String> producer = stage.producer("linger.ms", "0");
        List<Object> read = new ArrayList<>();
        for (int turn = 0; turn < 6; turn++) {
            if (turn == 4) {
                consumer.assign(List.of(Stage.at(topic, 1), Stage.at(topic, 2))); // one is forgotten, one is new
            }
            int partition = turn < 4 ? turn % 2 : turn % 2 + 1;
            producer.send(new ProducerRecord<>(topic, partition, "k", "x")).get();
            var record = Stage.take(consumer, 1).get(0);
            read.add(Stage.list(record.partition(), record.offset()));
        }
        return Stage.saw("read", read);
    }

    /** A topic is deleted and made again under the same name: the consumer and the producer find the new one. */
    private static Object recreated(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        KafkaProducer<String, String> producer = stage.producer("metadata.max.age.ms", "300");
        producer.send(new ProducerRecord<>(topic, 0, "k", "old 1")).get();
        producer.send(new ProducerRecord<>(topic, 0, "k", "old 2")).get();
        KafkaConsumer<String, String> consumer = at(stage, topic, "metadata.max.age.ms", "300");
        List<String> read = new ArrayList<>(Stage.values(Stage.take(consumer, 2)));
        stage.admin().deleteTopics(List.of(topic)).all().get();
        stage.topic("orders", 1);
        long[] offset = new long[1];
        Stage.until("a send", () -> Stage.refusal(() -> {
            offset[0] = producer.send(new ProducerRecord<>(topic, 0, "k", "new")).get().offset();
            return null;
        }) == null);
        read.addAll(Stage.values(Stage.take(consumer, 1)));
        return Stage.saw("read", read, "offset", offset[0]);
    }
}
