import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Header;

/** Records produced and consumed. */
final class Records {
    private Records() {
    }

    static void add(Map<String, Scenario> scenarios) {
        scenarios.put("compression", Records::compression);
        scenarios.put("whole", Records::whole);
        scenarios.put("acks", Records::acks);
        scenarios.put("idempotent", Records::idempotent);
        scenarios.put("refused", Records::refused);
        scenarios.put("autoCreate", Records::autoCreate);
        scenarios.put("logAppendTime", Records::logAppendTime);
    }

    private static Object compression(Stage stage) throws Exception {
        Map<String, Object> saw = new LinkedHashMap<>();
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            String topic = stage.topic(codec, 1);
            KafkaProducer<String, String> producer = stage.producer("compression.type", codec, "linger.ms", "5000");
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int number = 0; number < 300; number++) {
                sent.add(producer.send(new ProducerRecord<>(topic, "value " + number)));
            }
            producer.flush(); // all in one batch, so that there is something to compress
            List<Long> offsets = new ArrayList<>();
            for (Future<RecordMetadata> one : sent) {
                offsets.add(one.get().offset());
            }
            Number ratio = (Number) producer.metrics().entrySet().stream()
                .filter(one -> one.getKey().name().equals("compression-rate-avg") && one.getKey().group().equals("producer-metrics"))
                .findFirst().orElseThrow().getValue().metricValue();
            List<String> values = stage.all(topic, "read_uncommitted", 300);
            saw.put(codec, Stage.saw("offsets", offsets, "values", values, "smaller", ratio.doubleValue() < 0.9));
        }
        return saw;
    }

    private static Object whole(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        KafkaProducer<String, String> producer = stage.producer();
        ProducerRecord<String, String> full = new ProducerRecord<>(topic, 0, 1_767_225_600_123L, "käy", "välue");
        full.headers().add("trace", "1".getBytes()).add("none", null);
        producer.send(full);
        producer.send(new ProducerRecord<>(topic, 0, "tombstone", null)).get();
        KafkaConsumer<String, String> consumer = stage.consumer(stage.name("group"));
        consumer.subscribe(List.of(topic));
        List<Object> saw = new ArrayList<>();
        for (ConsumerRecord<String, String> record : Stage.take(consumer, 2)) {
            List<Object> headers = new ArrayList<>();
            for (Header header : record.headers()) {
                headers.add(Stage.list(header.key(), header.value() == null ? null : new String(header.value())));
            }
            saw.add(Stage.saw("key", record.key(), "value", record.value(), "headers", headers, "timestamp", record.timestamp(),
                "timestampType", record.timestampType().name(), "offset", record.offset(), "epoch", Stage.orNull(record.leaderEpoch())));
        }
        return saw;
    }

    private static Object acks(Stage stage) throws Exception {
        Map<String, Object> saw = new LinkedHashMap<>();
        for (String acks : List.of("0", "1", "all")) {
            String topic = stage.topic("acks-" + acks, 1);
            KafkaProducer<String, String> producer = stage.producer("acks", acks, "enable.idempotence", "false");
            for (int number = 0; number < 20; number++) {
                producer.send(new ProducerRecord<>(topic, "" + number));
            }
            RecordMetadata last = producer.send(new ProducerRecord<>(topic, "last")).get();
            saw.put(acks, Stage.saw("offset", last.offset(), "count", stage.all(topic, "read_uncommitted", 21).size()));
        }
        return saw;
    }

    private static Object idempotent(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        KafkaProducer<String, String> producer = stage.producer("batch.size", "200", "linger.ms", "0");
        List<String> values = new ArrayList<>();
        for (int number = 0; number < 2000; number++) {
            values.add("" + number);
            producer.send(new ProducerRecord<>(topic, "" + number));
        }
        producer.flush();
        var states = stage.admin().describeProducers(List.of(Stage.at(topic, 0))).partitionResult(Stage.at(topic, 0)).get();
        var state = states.activeProducers().get(0);
        List<String> read = stage.all(topic, "read_uncommitted", 2000);
        return Stage.saw("inOrder", read.equals(values), "producers", states.activeProducers().size(),
            "hasId", state.producerId() >= 0, "epoch", state.producerEpoch(), "lastSequence", state.lastSequence());
    }

    private static Object refused(Stage stage) throws Exception {
        String small = stage.topic("small", 1, "max.message.bytes", "1000");
        String compacted = stage.topic("compacted", 1, "cleanup.policy", "compact");
        KafkaProducer<String, String> producer = stage.producer();
        return Stage.saw(
            "tooLarge", Stage.refusal(() -> producer.send(new ProducerRecord<>(small, "x".repeat(2000)))),
            "noKey", Stage.refusal(() -> producer.send(new ProducerRecord<>(compacted, "x"))),
            "noKeyMessage", Stage.message(() -> producer.send(new ProducerRecord<>(compacted, "x"))),
            "badTopic", Stage.refusal(() -> producer.send(new ProducerRecord<>("no good", "x"))),
            "after", producer.send(new ProducerRecord<>(small, "y")).get().offset());
    }

    private static Object autoCreate(Stage stage) throws Exception {
        String made = stage.name("made");
        String missing = stage.name("missing");
        long offset = Stage.send(stage.producer(), made, "x").offset();
        KafkaConsumer<String, String> consumer = stage.consumer(stage.name("group"), "allow.auto.create.topics", "false");
        consumer.subscribe(List.of(missing));
        consumer.poll(java.time.Duration.ofMillis(300));
        List<String> topics = stage.admin().listTopics().names().get().stream().filter(name -> name.startsWith(stage.name(""))).toList();
        return Stage.saw("offset", offset, "topics", topics);
    }

    private static Object logAppendTime(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1, "message.timestamp.type", "LogAppendTime");
        RecordMetadata sent = stage.producer().send(new ProducerRecord<>(topic, 0, 1000L, "k", "v")).get();
        KafkaConsumer<String, String> consumer = stage.consumer(stage.name("group"));
        consumer.assign(List.of(Stage.at(topic, 0)));
        ConsumerRecord<String, String> record = Stage.take(consumer, 1).get(0);
        return Stage.saw("type", record.timestampType().name(), "same", sent.timestamp() == record.timestamp(), "later", sent.timestamp() > 1000);
    }
}
