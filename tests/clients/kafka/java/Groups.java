import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** Groups whose members share partitions, and what they commit. */
final class Groups {
    static final String[] CONSUMER = {"group.protocol", "consumer"};
    private static final String ASSIGNORS = "org.apache.kafka.clients.consumer.";

    private Groups() {
    }

    static void add(Map<String, Scenario> scenarios) {
        scenarios.put("sharedConsumer", stage -> shared(stage, CONSUMER));
        scenarios.put("sharedConsumerRange", stage -> shared(stage, "group.protocol", "consumer", "group.remote.assignor", "range"));
        for (String assignor : List.of("Range", "RoundRobin", "Sticky", "CooperativeSticky")) {
            String[] configs = {"partition.assignment.strategy", ASSIGNORS + assignor + "Assignor"};
            scenarios.put("shared" + assignor, stage -> shared(stage, configs));
        }
        scenarios.put("cooperative", Groups::cooperative);
        scenarios.put("patternConsumer", Groups::patternOfBroker);
        scenarios.put("pattern", Groups::patternOfClient);
        scenarios.put("commits", stage -> commits(stage));
        scenarios.put("commitsConsumer", stage -> commits(stage, CONSUMER));
        scenarios.put("autoCommit", Groups::autoCommit);
        scenarios.put("noOffset", Groups::noOffset);
    }

    /** Two members share six partitions; then one leaves. */
    private static Object shared(Stage stage, String... configs) throws Exception {
        String topic = stage.topic("orders", 6);
        KafkaConsumer<String, String> first = stage.consumer(stage.name("group"), configs);
        KafkaConsumer<String, String> second = stage.consumer(stage.name("group"), configs);
        first.subscribe(List.of(topic));
        second.subscribe(List.of(topic));
        Stage.until("three each", () -> {
            first.poll(Stage.POLL);
            second.poll(Stage.POLL);
            return held(first) == 3 && held(second) == 3;
        });
        writeEach(stage, topic, 6);
        List<Integer> read = new ArrayList<>();
        for (KafkaConsumer<String, String> one : List.of(first, second)) {
            Stage.take(one, 3).forEach(record -> read.add(record.partition()));
            one.commitSync();
        }
        second.close();
        Stage.until("all six", () -> {
            first.poll(Stage.POLL);
            return held(first) == 6;
        });
        writeEach(stage, topic, 6);
        List<Object> after = new ArrayList<>();
        for (ConsumerRecord<String, String> record : Stage.take(first, 6)) {
            after.add(Stage.list(record.partition(), record.offset()));
        }
        return Stage.saw("read", read.stream().sorted().toList(), "after", after);
    }

    static int held(KafkaConsumer<String, String> consumer) {
        return consumer.assignment().size();
    }

    static void writeEach(Stage stage, String topic, int partitions) {
        KafkaProducer<String, String> producer = stage.producer();
        for (int partition = 0; partition < partitions; partition++) {
            producer.send(new ProducerRecord<>(topic, partition, "k", "x"));
        }
        producer.close();
    }

    /** What the listener of the first member hears when a second one joins: only what moves is taken from it. */
    private static Object cooperative(Stage stage) throws Exception {
        String topic = stage.topic("orders", 4);
        String[] configs = {"partition.assignment.strategy", ASSIGNORS + "CooperativeStickyAssignor"};
        KafkaConsumer<String, String> first = stage.consumer(stage.name("group"), configs);
        KafkaConsumer<String, String> second = stage.consumer(stage.name("group"), configs);
        List<Object> heard = new ArrayList<>();
        first.subscribe(List.of(topic), listener(heard));
        Stage.until("all four", () -> {
            first.poll(Stage.POLL);
            return held(first) == 4;
        });
        second.subscribe(List.of(topic));
        Stage.until("two each", () -> {
            first.poll(Stage.POLL);
            second.poll(Stage.POLL);
            return held(first) == 2 && held(second) == 2;
        });
        return Stage.saw("heard", List.copyOf(heard));
    }

    private static ConsumerRebalanceListener listener(List<Object> heard) {
        return new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                heard.add(Stage.list("revoked", partitions.size()));
            }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                if (!partitions.isEmpty()) {
                    heard.add(Stage.list("assigned", partitions.size()));
                }
            }
        };
    }

    private static Object patternOfBroker(Stage stage) throws Exception {
        KafkaConsumer<String, String> consumer = stage.consumer(stage.name("group"), CONSUMER);
        consumer.subscribe(new SubscriptionPattern(stage.name("[ab]")));
        return pattern(stage, consumer);
    }

    private static Object patternOfClient(Stage stage) throws Exception {
        KafkaConsumer<String, String> consumer = stage.consumer(stage.name("group"), "metadata.max.age.ms", "200");
        consumer.subscribe(Pattern.compile(stage.name("[ab]")));
        return pattern(stage, consumer);
    }

    /** One topic that fits is there before, another comes, and one that does not fit is never read. */
    private static Object pattern(Stage stage, KafkaConsumer<String, String> consumer) throws Exception {
        stage.write(stage.topic("a", 1), "of a");
        stage.write(stage.topic("c", 1), "of c");
        List<String> before = Stage.values(Stage.take(consumer, 1));
        consumer.commitSync();
        stage.write(stage.topic("b", 1), "of b");
        List<String> after = Stage.values(Stage.take(consumer, 1));
        return Stage.saw("before", before, "after", after, "topics", consumer.assignment().stream().map(TopicPartition::topic).sorted().toList());
    }

    private static Object commits(Stage stage, String... configs) throws Exception {
        String topic = stage.topic("orders", 1);
        TopicPartition place = Stage.at(topic, 0);
        stage.write(topic, "0", "1", "2", "3", "4");
        KafkaConsumer<String, String> first = stage.consumer(stage.name("group"), configs);
        first.subscribe(List.of(topic));
        Stage.take(first, 5);
        OffsetAndMetadata never = first.committed(Set.of(place)).get(place);
        List<Object> calledBack = new ArrayList<>();
        first.commitAsync(Map.of(place, new OffsetAndMetadata(1)), (offsets, error) -> calledBack.add(error == null ? "done" : error));
        Stage.until("the callback", () -> {
            first.poll(Stage.POLL);
            return !calledBack.isEmpty();
        });
        first.commitSync(Map.of(place, new OffsetAndMetadata(3, java.util.Optional.of(0), "note")));
        OffsetAndMetadata committed = first.committed(Set.of(place)).get(place);
        first.close();
        KafkaConsumer<String, String> second = stage.consumer(stage.name("group"), configs);
        second.subscribe(List.of(topic));
        List<String> read = Stage.values(Stage.take(second, 2));
        return Stage.saw("never", never, "calledBack", calledBack, "offset", committed.offset(), "note", committed.metadata(),
            "epoch", Stage.orNull(committed.leaderEpoch()), "read", read);
    }

    private static Object autoCommit(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        stage.write(topic, "0", "1", "2");
        KafkaConsumer<String, String> first = stage.consumer(
            stage.name("group"), "enable.auto.commit", "true", "auto.commit.interval.ms", "60000");
        first.subscribe(List.of(topic));
        Stage.take(first, 3);
        first.close();
        var committed = stage.admin().listConsumerGroupOffsets(stage.name("group")).partitionsToOffsetAndMetadata().get();
        return Stage.saw("committed", committed.get(Stage.at(topic, 0)).offset());
    }

    /** Where a member without a committed offset begins, by auto.offset.reset. */
    private static Object noOffset(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        TopicPartition place = Stage.at(topic, 0);
        KafkaProducer<String, String> producer = stage.producer();
        long now = System.currentTimeMillis();
        producer.send(new ProducerRecord<>(topic, 0, now - 7_200_000, "k", "old")).get();
        producer.send(new ProducerRecord<>(topic, 0, now, "k", "new")).get();
        Map<String, Object> saw = new LinkedHashMap<>();
        for (String reset : List.of("earliest", "latest", "none", "by_duration:PT1H")) {
            KafkaConsumer<String, String> consumer = stage.consumer(stage.name(reset.substring(0, 4)), "auto.offset.reset", reset);
            consumer.assign(List.of(place));
            Object[] position = new Object[1];
            String refused = Stage.refusal(() -> position[0] = consumer.position(place, Duration.ofSeconds(20)));
            saw.put(reset, refused == null ? position[0] : refused);
        }
        return saw;
    }
}
