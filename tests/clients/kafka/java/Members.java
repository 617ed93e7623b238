import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** Members that die, that are static, that are fenced. */
final class Members {
    private Members() {
    }

    static void add(Map<String, Scenario> scenarios) {
        scenarios.put("dies", Members::dies);
        scenarios.put("stalls", Members::stalls);
        scenarios.put("static", stage -> comesBack(stage));
        scenarios.put("staticConsumer", stage -> comesBack(stage, Groups.CONSUMER));
        scenarios.put("twiceTheSame", stage -> twice(stage));
        scenarios.put("twiceTheSameConsumer", stage -> twice(stage, Groups.CONSUMER));
    }

    /** A member goes without a word, as one that was killed: the other takes over after the session timeout. */
    private static Object dies(Stage stage) throws Exception {
        String topic = stage.topic("orders", 4);
        KafkaConsumer<String, String> stays = stage.consumer(stage.name("group"));
        KafkaConsumer<String, String> dies = stage.consumer(stage.name("group"));
        stays.subscribe(List.of(topic));
        dies.subscribe(List.of(topic));
        both(stays, dies, 2);
        long began = System.nanoTime();
        dies.close(CloseOptions.groupMembershipOperation(CloseOptions.GroupMembershipOperation.REMAIN_IN_GROUP));
        Stage.until("all four", () -> {
            stays.poll(Stage.POLL);
            return Groups.held(stays) == 4;
        });
        return Stage.saw("afterMs", (System.nanoTime() - began) / 1_000_000);
    }

    /** A member that does not poll any more leaves by itself; its commit is refused when it is back. */
    private static Object stalls(Stage stage) throws Exception {
        String topic = stage.topic("orders", 2);
        KafkaConsumer<String, String> stays = stage.consumer(stage.name("group"));
        KafkaConsumer<String, String> stalls = stage.consumer(stage.name("group"), "max.poll.interval.ms", "1000");
        stays.subscribe(List.of(topic));
        stalls.subscribe(List.of(topic));
        both(stays, stalls, 1);
        Stage.until("both", () -> {
            stays.poll(Stage.POLL);
            return Groups.held(stays) == 2;
        });
        String commit = Stage.refusal(() -> {
            stalls.commitSync();
            return null;
        });
        both(stays, stalls, 1);
        return Stage.saw("commit", commit, "back", Groups.held(stalls));
    }

    private static void both(KafkaConsumer<String, String> one, KafkaConsumer<String, String> other, int each) {
        Stage.until(each + " each", () -> {
            one.poll(Stage.POLL);
            other.poll(Stage.POLL);
            return Groups.held(one) == each && Groups.held(other) == each;
        });
    }

    /** A static member is gone for a moment; nobody else hears of it, and it has what it had. */
    private static Object comesBack(Stage stage, String... configs) throws Exception {
        String topic = stage.topic("orders", 4);
        KafkaConsumer<String, String> stays = member(stage, "stays", configs);
        List<Object> assigned = new ArrayList<>();
        stays.subscribe(List.of(topic), new org.apache.kafka.clients.consumer.ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(java.util.Collection<TopicPartition> partitions) {
            }

            @Override
            public void onPartitionsAssigned(java.util.Collection<TopicPartition> partitions) {
                assigned.add(partitions.size());
            }
        });
        KafkaConsumer<String, String> leaves = member(stage, "leaves", configs);
        leaves.subscribe(List.of(topic));
        both(stays, leaves, 2);
        Set<TopicPartition> before = leaves.assignment();
        int rebalances = assigned.size();
        leaves.close();
        KafkaConsumer<String, String> again = member(stage, "leaves", configs);
        again.subscribe(List.of(topic));
        both(stays, again, 2);
        Set<TopicPartition> after = again.assignment();
        var described = stage.admin().describeConsumerGroups(List.of(stage.name("group"))).all().get().get(stage.name("group"));
        Set<String> instances = described.members().stream().map(one -> one.groupInstanceId().orElse("")).collect(Collectors.toSet());
        return Stage.saw("same", before.equals(after), "moreRebalances", assigned.size() - rebalances,
            "instances", instances.stream().sorted().toList());
    }

    private static KafkaConsumer<String, String> member(Stage stage, String instance, String... configs) {
        String[] all = java.util.Arrays.copyOf(configs, configs.length + 2);
        all[configs.length] = "group.instance.id";
        all[configs.length + 1] = instance;
        return stage.consumer(stage.name("group"), all);
    }

    /** Two at once with one group.instance.id: what becomes of each? */
    private static Object twice(Stage stage, String... configs) throws Exception {
        String topic = stage.topic("orders", 2);
        KafkaConsumer<String, String> first = member(stage, "same", configs);
        first.subscribe(List.of(topic));
        Stage.until("both partitions", () -> {
            first.poll(Stage.POLL);
            return Groups.held(first) == 2;
        });
        KafkaConsumer<String, String> second = member(stage, "same", configs);
        second.subscribe(List.of(topic));
        String[] refused = new String[2];
        Stage.until("one of them refused", () -> {
            refused[0] = Stage.refusal(() -> first.poll(Stage.POLL));
            refused[1] = Stage.refusal(() -> second.poll(Stage.POLL));
            return refused[0] != null || refused[1] != null;
        });
        return Stage.saw("first", refused[0], "second", refused[1]);
    }
}
