import java.util.List;
import java.util.Map;

import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;

/** Transactions as an administrator sees and ends them. */
final class AdminOfTransactions {
    private AdminOfTransactions() {
    }

    static void add(Map<String, Scenario> scenarios) {
        scenarios.put("transactionsDescribed", AdminOfTransactions::described);
        scenarios.put("abortTransaction", AdminOfTransactions::abort);
        scenarios.put("fenceProducers", AdminOfTransactions::fence);
        scenarios.put("forceTerminate", AdminOfTransactions::terminate);
    }

    private static KafkaProducer<String, String> opened(Stage stage, String topic) throws Exception {
        KafkaProducer<String, String> producer = stage.producer("transactional.id", stage.name("tx"));
        producer.initTransactions();
        producer.beginTransaction();
        Stage.send(producer, topic, "x");
        return producer;
    }

    private static ProducerState state(Stage stage, TopicPartition place) throws Exception {
        return stage.admin().describeProducers(List.of(place)).partitionResult(place).get().activeProducers().get(0);
    }

    private static String commit(KafkaProducer<String, String> producer) {
        return Stage.refusal(() -> {
            producer.commitTransaction();
            return null;
        });
    }

    private static Object described(Stage stage) throws Exception {
        Admin admin = stage.admin();
        String id = stage.name("tx");
        TopicPartition place = Stage.at(stage.topic("orders", 1), 0);
        KafkaProducer<String, String> producer = opened(stage, place.topic());
        TransactionDescription open = admin.describeTransactions(List.of(id)).description(id).get();
        ProducerState openState = state(stage, place);
        Object listed = listed(admin, new ListTransactionsOptions(), id);
        Object byPattern = listed(admin, new ListTransactionsOptions().filterOnTransactionalIdPattern(".*Described-tx"), id);
        Object byDuration = listed(admin, new ListTransactionsOptions().filterOnDuration(3_600_000), id);
        producer.commitTransaction();
        Stage.until("the marker", () -> state(stage, place).currentTransactionStartOffset().isEmpty());
        TransactionDescription done = admin.describeTransactions(List.of(id)).description(id).get();
        return Stage.saw("state", open.state().toString(), "partitions", open.topicPartitions().size(), "timeout", open.transactionTimeoutMs(),
            "started", open.transactionStartTimeMs().isPresent(), "startOffset", openState.currentTransactionStartOffset().orElse(-1),
            "sameProducer", openState.producerId() == open.producerId(), "listed", listed, "byPattern", byPattern, "byDuration", byDuration,
            "after", done.state().toString(), "missing", Stage.refusal(() -> admin.describeTransactions(List.of(stage.name("none"))).all()));
    }

    private static Object listed(Admin admin, ListTransactionsOptions options, String id) throws Exception {
        return admin.listTransactions(options).all().get().stream().filter(one -> one.transactionalId().equals(id))
            .map(one -> one.state().toString()).toList();
    }

    /** As for a hanging transaction: its marker is written into the partition by hand. */
    private static Object abort(Stage stage) throws Exception {
        TopicPartition place = Stage.at(stage.topic("orders", 1), 0);
        opened(stage, place.topic());
        ProducerState open = state(stage, place);
        AbortTransactionSpec spec = new AbortTransactionSpec(place, open.producerId(), (short) open.producerEpoch(), open.coordinatorEpoch().orElse(0));
        stage.admin().abortTransaction(spec).all().get();
        stage.write(place.topic(), "good");
        return Stage.saw("open", open.currentTransactionStartOffset().isPresent(),
            "after", state(stage, place).currentTransactionStartOffset().isPresent(),
            "values", stage.all(place.topic(), "read_committed", 1));
    }

    private static Object fence(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        KafkaProducer<String, String> producer = opened(stage, topic);
        stage.admin().fenceProducers(List.of(stage.name("tx"))).all().get();
        return Stage.saw("commit", commit(producer));
    }

    private static Object terminate(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        KafkaProducer<String, String> producer = opened(stage, topic);
        stage.admin().forceTerminateTransaction(stage.name("tx")).result().get();
        stage.write(topic, "good");
        return Stage.saw("commit", commit(producer), "values", stage.all(topic, "read_committed", 1));
    }
}
