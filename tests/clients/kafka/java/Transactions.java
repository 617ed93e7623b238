import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** Transactions of the second version (KIP-890): partitions are added by Produce, the epoch rises with each end. */
final class Transactions {
    private Transactions() {
    }

    static void add(Map<String, Scenario> scenarios) {
        scenarios.put("transactionTimeout", Transactions::timeout);
        scenarios.put("readCommitted", Transactions::readCommitted);
        scenarios.put("offsetsInTransactions", Transactions::offsets);
        scenarios.put("staleMember", Transactions::staleMember);
        scenarios.put("fencing", Transactions::fencing);
        scenarios.put("epochs", Transactions::epochs);
        scenarios.put("exactlyOnce", Transactions::exactlyOnce);
    }

    private static KafkaProducer<String, String> begun(Stage stage, String... configs) {
        String[] all = new String[configs.length + 2];
        all[0] = "transactional.id";
        all[1] = stage.name("tx");
        System.arraycopy(configs, 0, all, 2, configs.length);
        KafkaProducer<String, String> producer = stage.producer(all);
        producer.initTransactions();
        return producer;
    }

    private static Object readCommitted(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        TopicPartition place = Stage.at(topic, 0);
        KafkaProducer<String, String> producer = begun(stage);
        for (String value : List.of("yes 1", "no", "yes 2")) {
            producer.beginTransaction();
            Stage.send(producer, topic, value);
            if (value.equals("no")) {
                producer.abortTransaction();
            } else {
                producer.commitTransaction();
            }
        }
        producer.beginTransaction();
        Stage.send(producer, topic, "open");
        KafkaConsumer<String, String> careful = stage.consumer(stage.name("careful"), "isolation.level", "read_committed");
        careful.assign(List.of(place));
        List<String> committed = Stage.values(Stage.take(careful, 2));
        int meanwhile = careful.poll(java.time.Duration.ofMillis(300)).count();
        long stable = careful.endOffsets(List.of(place)).get(place);
        long high = stage.consumer(stage.name("bold")).endOffsets(List.of(place)).get(place);
        List<String> uncommitted = stage.all(topic, "read_uncommitted", 4);
        producer.commitTransaction();
        List<String> after = Stage.values(Stage.take(careful, 1));
        return Stage.saw("committed", committed, "meanwhile", meanwhile, "stable", stable, "high", high,
            "uncommitted", uncommitted, "after", after, "position", careful.position(place));
    }

    private static Object offsets(Stage stage) throws Exception {
        String source = stage.topic("source", 1);
        TopicPartition place = Stage.at(source, 0);
        stage.write(source, "a", "b");
        KafkaProducer<String, String> producer = begun(stage);
        KafkaConsumer<String, String> consumer = stage.consumer(stage.name("group"));
        consumer.subscribe(List.of(source));
        Stage.take(consumer, 2);
        Map<TopicPartition, OffsetAndMetadata> offsets = Map.of(place, new OffsetAndMetadata(2, "note"));
        producer.beginTransaction();
        producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
        producer.abortTransaction();
        OffsetAndMetadata aborted = consumer.committed(Set.of(place)).get(place);
        producer.beginTransaction();
        producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
        producer.flush();
        Map<TopicPartition, OffsetAndMetadata> open = stage.admin().listConsumerGroupOffsets(stage.name("group"))
            .partitionsToOffsetAndMetadata().get();
        producer.commitTransaction();
        OffsetAndMetadata committed = consumer.committed(Set.of(place)).get(place);
        return Stage.saw("aborted", aborted, "open", open.get(place), "committed", committed.offset(), "note", committed.metadata());
    }

    private static Object staleMember(Stage stage) throws Exception {
        String source = stage.topic("source", 1);
        stage.write(source, "a");
        KafkaProducer<String, String> producer = begun(stage);
        KafkaConsumer<String, String> gone = stage.consumer(stage.name("group"));
        gone.subscribe(List.of(source));
        Stage.take(gone, 1);
        var stale = gone.groupMetadata();
        gone.close();
        producer.beginTransaction();
        String refused = Stage.refusal(() -> {
            producer.sendOffsetsToTransaction(Map.of(Stage.at(source, 0), new OffsetAndMetadata(1)), stale);
            return null;
        });
        producer.abortTransaction();
        producer.beginTransaction(); // an abort is enough to go on
        producer.sendOffsetsToTransaction(Map.of(Stage.at(source, 0), new OffsetAndMetadata(1)), stage.consumer(stage.name("group")).groupMetadata());
        producer.commitTransaction();
        return Stage.saw("refused", refused, "committed", stage.admin().listConsumerGroupOffsets(stage.name("group"))
            .partitionsToOffsetAndMetadata().get().get(Stage.at(source, 0)).offset());
    }

    private static Object fencing(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        KafkaProducer<String, String> first = begun(stage);
        first.beginTransaction();
        Stage.send(first, topic, "zombie");
        KafkaProducer<String, String> second = begun(stage);
        String commit = Stage.refusal(() -> {
            first.commitTransaction();
            return null;
        });
        String send = Stage.refusal(() -> first.send(new ProducerRecord<>(topic, "late")));
        second.beginTransaction();
        Stage.send(second, topic, "good");
        second.commitTransaction();
        return Stage.saw("commit", commit, "send", send, "values", stage.all(topic, "read_committed", 1));
    }

    private static Object epochs(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        KafkaProducer<String, String> producer = begun(stage);
        List<Object> saw = new ArrayList<>();
        saw.add(described(stage));
        for (boolean commit : new boolean[] {true, false, true}) {
            producer.beginTransaction();
            Stage.send(producer, topic, "x");
            saw.add(described(stage));
            if (commit) {
                producer.commitTransaction();
            } else {
                producer.abortTransaction();
            }
            Stage.until("completion", () -> described(stage).get(0).toString().startsWith("Complete"));
            saw.add(described(stage));
        }
        KafkaProducer<String, String> again = begun(stage);
        saw.add(described(stage));
        again.close();
        var state = stage.admin().describeProducers(List.of(Stage.at(topic, 0))).partitionResult(Stage.at(topic, 0)).get();
        return Stage.saw("coordinator", saw, "log", state.activeProducers().get(0).producerEpoch());
    }

    private static List<Object> described(Stage stage) throws Exception {
        String id = stage.name("tx");
        TransactionDescription found = stage.admin().describeTransactions(List.of(id)).description(id).get();
        return Stage.list(found.state().toString(), found.producerEpoch(), found.topicPartitions().size());
    }

    private static Object timeout(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        KafkaProducer<String, String> producer = begun(stage, "transaction.timeout.ms", "1000");
        producer.beginTransaction();
        Stage.send(producer, topic, "late");
        Stage.until("abort", () -> {
            Thread.sleep(50);
            return described(stage).get(0).equals("CompleteAbort");
        });
        String refused = Stage.refusal(() -> {
            producer.commitTransaction();
            return null;
        });
        KafkaProducer<String, String> next = begun(stage);
        next.beginTransaction();
        Stage.send(next, topic, "good");
        next.commitTransaction();
        return Stage.saw("refused", refused, "values", stage.all(topic, "read_committed", 1));
    }

    private static Object exactlyOnce(Stage stage) throws Exception {
        String source = stage.topic("source", 3);
        String sink = stage.topic("sink", 1);
        KafkaProducer<String, String> writer = stage.producer();
        for (int number = 0; number < 90; number++) {
            writer.send(new ProducerRecord<>(source, number % 3, "k", "" + number));
        }
        writer.flush();
        int done = 0;
        for (int enough : new int[] {40, 90}) { // the second life goes on where the first one ended
            KafkaProducer<String, String> producer = begun(stage);
            KafkaConsumer<String, String> consumer = stage.consumer(
                stage.name("group"), "isolation.level", "read_committed", "max.poll.records", "7");
            consumer.subscribe(List.of(source));
            for (int batch = 0; done < enough; batch++) {
                List<ConsumerRecord<String, String>> records = Stage.take(consumer, 1);
                copy(producer, consumer, records, sink);
                if (batch % 3 == 2) { // nothing of it may be seen, all of it is read again
                    producer.abortTransaction();
                    rewind(consumer, records);
                } else {
                    producer.commitTransaction();
                    done += records.size();
                }
            }
            consumer.close();
            producer.close();
        }
        List<Integer> values = stage.all(sink, "read_committed", 90).stream().map(Integer::valueOf).sorted().toList();
        return Stage.saw("values", values);
    }

    private static void copy(
        KafkaProducer<String, String> producer, KafkaConsumer<String, String> consumer,
        List<ConsumerRecord<String, String>> records, String sink
    ) {
        producer.beginTransaction();
        Map<TopicPartition, OffsetAndMetadata> offsets = new LinkedHashMap<>();
        for (ConsumerRecord<String, String> record : records) {
            producer.send(new ProducerRecord<>(sink, record.value()));
            offsets.put(Stage.at(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
        }
        producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
    }

    private static void rewind(KafkaConsumer<String, String> consumer, List<ConsumerRecord<String, String>> records) {
        for (ConsumerRecord<String, String> record : records) {
            TopicPartition place = Stage.at(record.topic(), record.partition());
            OffsetAndMetadata committed = consumer.committed(Set.of(place)).get(place);
            consumer.seek(place, committed == null ? 0 : committed.offset());
        }
    }
}
