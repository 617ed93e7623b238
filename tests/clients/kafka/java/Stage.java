import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** What one scenario plays on: names of its own, and clients that are closed behind it. */
final class Stage implements AutoCloseable {
    static final Duration POLL = Duration.ofMillis(50);
    private static final Duration CLOSE_MAX = Duration.ofSeconds(2);
    private static final int WAIT_MAX_S = 45;

    private final String bootstrap;
    private final String scenario;
    private final List<Object> open = new ArrayList<>();
    private Admin admin;

    Stage(String bootstrap, String scenario) {
        this.bootstrap = bootstrap;
        this.scenario = scenario;
    }

    @Override
    public void close() {
        for (Object one : open) {
            if (one instanceof KafkaProducer<?, ?> producer) {
                producer.close(Duration.ZERO);
            } else if (one instanceof Consumer<?, ?> consumer) {
                consumer.close(CloseOptions.timeout(CLOSE_MAX));
            } else if (one instanceof ShareConsumer<?, ?> consumer) {
                consumer.close(CLOSE_MAX);
            } else if (one instanceof Admin admin) {
                admin.close(CLOSE_MAX);
            }
        }
    }

    // Names and topics.

    String name(String of) {
        return "java-" + scenario + "-" + of;
    }

    /** A new topic; configs are a name and a value in turn. */
    String topic(String of, int partitions, String... configs) throws Exception {
        NewTopic topic = new NewTopic(name(of), partitions, (short) 1).configs(pairs(configs));
        admin().createTopics(List.of(topic)).all().get();
        return topic.name();
    }

    static TopicPartition at(String topic, int partition) {
        return new TopicPartition(topic, partition);
    }

    // Clients; configs are a name and a value in turn.

    Admin admin() {
        if (admin == null) {
            admin = Admin.create(config());
            open.add(admin);
        }
        return admin;
    }

    KafkaProducer<String, String> producer(String... configs) {
        Map<String, Object> config = config("linger.ms", "1", "max.block.ms", "30000");
        config.putAll(pairs(configs));
        return keep(new KafkaProducer<>(config, new StringSerializer(), new StringSerializer()));
    }

    /** A consumer that begins at the earliest record and commits nothing by itself. */
    KafkaConsumer<String, String> consumer(String group, String... configs) {
        Map<String, Object> config = config(
            "group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", "false",
            "metadata.max.age.ms", "500", "fetch.max.wait.ms", "50");
        Map<String, String> given = pairs(configs);
        if (!"consumer".equals(given.get("group.protocol"))) {
            config.put("heartbeat.interval.ms", "100");
            config.put("session.timeout.ms", "6000");
        }
        config.putAll(given);
        return keep(new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer()));
    }

    /** A member of a share group that begins at the earliest record. */
    KafkaShareConsumer<String, String> shareConsumer(String group, String... configs) throws Exception {
        configure(ConfigResource.Type.GROUP, group, "share.auto.offset.reset", "earliest");
        Map<String, Object> config = config("group.id", group, "fetch.max.wait.ms", "50");
        config.putAll(pairs(configs));
        return keep(new KafkaShareConsumer<>(config, new StringDeserializer(), new StringDeserializer()));
    }

    private Map<String, Object> config(String... more) {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("client.id", name("client"));
        config.put("retry.backoff.ms", "20");
        config.put("reconnect.backoff.ms", "20");
        config.putAll(pairs(more));
        return config;
    }

    private <T> T keep(T one) {
        open.add(one);
        return one;
    }

    private static Map<String, String> pairs(String... words) {
        Map<String, String> pairs = new LinkedHashMap<>();
        for (int at = 0; at < words.length; at += 2) {
            pairs.put(words[at], words[at + 1]);
        }
        return pairs;
    }

    // Records.

    /** Produce to partition 0, each record as a request of its own, and wait for the acknowledgements. */
    void write(String topic, String... values) throws Exception {
        KafkaProducer<String, String> producer = producer("linger.ms", "0");
        for (String value : values) {
            producer.send(new ProducerRecord<>(topic, 0, null, value)).get();
        }
        producer.close();
    }

    /** Send with the key "k" and wait for the acknowledgement. */
    static RecordMetadata send(KafkaProducer<String, String> producer, String topic, String value) throws Exception {
        return producer.send(new ProducerRecord<>(topic, "k", value)).get();
    }

    /** Poll until so many records are there. */
    static List<ConsumerRecord<String, String>> take(Consumer<String, String> consumer, int count) {
        List<ConsumerRecord<String, String>> taken = new ArrayList<>();
        until("records of " + count, () -> {
            consumer.poll(POLL).forEach(taken::add);
            return taken.size() >= count;
        });
        return taken;
    }

    static List<String> values(Collection<ConsumerRecord<String, String>> records) {
        return records.stream().map(ConsumerRecord::value).toList();
    }

    /** Read a partition from its beginning without any group. */
    List<String> all(String topic, String isolation, int count) {
        KafkaConsumer<String, String> consumer = consumer(name("reader"), "isolation.level", isolation);
        consumer.assign(List.of(at(topic, 0)));
        consumer.seekToBeginning(List.of(at(topic, 0)));
        return values(take(consumer, count));
    }

    // Configs, waits, refusals.

    void configure(ConfigResource.Type type, String name, String... configs) throws Exception {
        List<AlterConfigOp> changes = new ArrayList<>();
        pairs(configs).forEach((key, value) ->
            changes.add(new AlterConfigOp(new ConfigEntry(key, value), AlterConfigOp.OpType.SET)));
        admin().incrementalAlterConfigs(Map.of(new ConfigResource(type, name), changes)).all().get();
    }

    /** Try until it holds; what is tried waits by itself, as a poll does, or is a call to a broker. */
    static void until(String what, Callable<Boolean> holds) {
        long end = System.nanoTime() + Duration.ofSeconds(WAIT_MAX_S).toNanos();
        try {
            while (!holds.call()) {
                if (System.nanoTime() > end) {
                    throw new AssertionError("it did not come to: " + what);
                }
            }
        } catch (RuntimeException error) {
            throw error;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    /** The class of the error with which something is refused, its cause where it is wrapped; null when it is not refused. */
    static String refusal(Callable<?> call) {
        Throwable error = error(call);
        return error == null ? null : error.getClass().getSimpleName();
    }

    static String message(Callable<?> call) {
        Throwable error = error(call);
        return error == null ? null : error.getMessage();
    }

    private static Throwable error(Callable<?> call) {
        try {
            Object result = call.call();
            if (result instanceof Future<?> future) {
                future.get();
            }
            return null;
        } catch (ExecutionException error) {
            return error.getCause();
        } catch (Exception error) {
            return error;
        }
    }

    /** A map that keeps the order, whose values may be null: a name and a value in turn. */
    static Map<String, Object> saw(Object... words) {
        Map<String, Object> saw = new LinkedHashMap<>();
        for (int at = 0; at < words.length; at += 2) {
            saw.put((String) words[at], words[at + 1]);
        }
        return saw;
    }

    static <T> T orNull(Optional<T> value) {
        return value.orElse(null);
    }

    static List<Object> list(Object... values) {
        return Arrays.asList(values);
    }
}
