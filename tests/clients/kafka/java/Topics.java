import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;

/** Topics as an administrator sees them. */
final class Topics {
    private Topics() {
    }

    static void add(Map<String, Scenario> scenarios) {
        scenarios.put("topicLife", Topics::life);
        scenarios.put("topicRefusals", Topics::refusals);
        scenarios.put("topicIds", Topics::ids);
        scenarios.put("topicConfigs", Topics::configs);
        scenarios.put("manyTopics", Topics::many);
        scenarios.put("deleteRecords", Topics::deleteRecords);
        scenarios.put("listOffsets", Topics::listOffsets);
        scenarios.put("placement", Topics::placement);
    }

    private static Object life(Stage stage) throws Exception {
        Admin admin = stage.admin();
        String name = stage.name("orders");
        var created = admin.createTopics(List.of(new NewTopic(name, 2, (short) 1).configs(Map.of("retention.ms", "60000"))));
        Config config = created.config(name).get();
        ConfigEntry retention = config.get("retention.ms");
        Object creation = Stage.saw("partitions", created.numPartitions(name).get(), "replicas", created.replicationFactor(name).get(),
            "retention", retention.value(), "source", retention.source().toString(), "all", config.entries().size() > 20);
        TopicDescription described = admin.describeTopics(List.of(name)).allTopicNames().get().get(name);
        List<Object> partitions = new ArrayList<>();
        for (TopicPartitionInfo one : described.partitions()) {
            partitions.add(Stage.list(one.partition(), one.leader().id(), one.replicas().size(), one.isr().size(), one.elr().size()));
        }
        boolean sameId = described.topicId().equals(created.topicId(name).get()) && !described.topicId().equals(Uuid.ZERO_UUID);
        boolean listed = admin.listTopics().names().get().contains(name);
        admin.createPartitions(Map.of(name, NewPartitions.increaseTo(5))).all().get();
        int grown = admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().size();
        admin.deleteTopics(List.of(name)).all().get();
        return Stage.saw("creation", creation, "partitions", partitions, "sameId", sameId, "internal", described.isInternal(),
            "listed", listed, "grown", grown, "listedAfter", admin.listTopics().names().get().contains(name),
            "describedAfter", Stage.refusal(() -> admin.describeTopics(List.of(name)).allTopicNames()));
    }

    private static Object refusals(Stage stage) throws Exception {
        Admin admin = stage.admin();
        String there = stage.topic("there", 2);
        Map<String, Object> saw = new LinkedHashMap<>();
        Map<String, NewTopic> bad = new LinkedHashMap<>();
        bad.put("exists", new NewTopic(there, 1, (short) 1));
        bad.put("name", new NewTopic("bad name", 1, (short) 1));
        bad.put("replicas", new NewTopic(stage.name("replicas"), 1, (short) 3));
        bad.put("partitions", new NewTopic(stage.name("partitions"), 0, (short) 1));
        bad.put("config", new NewTopic(stage.name("config"), 1, (short) 1).configs(Map.of("retention.ms", "soon")));
        bad.put("unknownConfig", new NewTopic(stage.name("config"), 1, (short) 1).configs(Map.of("colour", "red")));
        bad.forEach((what, topic) -> saw.put(what, Stage.refusal(() -> admin.createTopics(List.of(topic)).all())));
        NewTopic checked = new NewTopic(stage.name("checked"), Optional.empty(), Optional.empty());
        admin.createTopics(List.of(checked), new CreateTopicsOptions().validateOnly(true)).all().get();
        saw.put("onlyChecked", admin.listTopics().names().get().contains(checked.name()));
        saw.put("fewerPartitions", Stage.refusal(() -> admin.createPartitions(Map.of(there, NewPartitions.increaseTo(1))).all()));
        saw.put("deleteMissing", Stage.refusal(() -> admin.deleteTopics(List.of(stage.name("missing"))).all()));
        return saw;
    }

    private static Object ids(Stage stage) throws Exception {
        Admin admin = stage.admin();
        String name = stage.topic("orders", 1);
        Uuid id = admin.describeTopics(List.of(name)).allTopicNames().get().get(name).topicId();
        String byId = admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id).name();
        admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get();
        String again = Stage.refusal(() -> admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all());
        stage.topic("orders", 1);
        Uuid other = admin.describeTopics(List.of(name)).allTopicNames().get().get(name).topicId();
        return Stage.saw("byId", byId.equals(name), "again", again, "changed", !other.equals(id));
    }

    private static Object configs(Stage stage) throws Exception {
        Admin admin = stage.admin();
        String name = stage.topic("orders", 1, "cleanup.policy", "compact");
        List<Object> saw = new ArrayList<>();
        saw.add(described(stage, name));
        change(stage, name, "cleanup.policy", "delete", AlterConfigOp.OpType.APPEND);
        change(stage, name, "retention.ms", "1000", AlterConfigOp.OpType.SET);
        saw.add(described(stage, name));
        change(stage, name, "cleanup.policy", "compact", AlterConfigOp.OpType.SUBTRACT);
        change(stage, name, "retention.ms", "", AlterConfigOp.OpType.DELETE);
        saw.add(described(stage, name));
        return Stage.saw("steps", saw,
            "bad", Stage.refusal(() -> {
                change(stage, name, "retention.ms", "soon", AlterConfigOp.OpType.SET);
                return null;
            }),
            "missing", Stage.refusal(() -> admin.describeConfigs(List.of(new ConfigResource(ConfigResource.Type.TOPIC, stage.name("missing")))).all()),
            "resources", admin.listConfigResources(Set.of(ConfigResource.Type.TOPIC), new org.apache.kafka.clients.admin.ListConfigResourcesOptions())
                .all().get().contains(new ConfigResource(ConfigResource.Type.TOPIC, name)));
    }

    private static void change(Stage stage, String topic, String name, String value, AlterConfigOp.OpType how) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        List<AlterConfigOp> changes = List.of(new AlterConfigOp(new ConfigEntry(name, value), how));
        stage.admin().incrementalAlterConfigs(Map.of(resource, changes)).all().get();
    }

    private static Object described(Stage stage, String topic) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Config config = stage.admin().describeConfigs(List.of(resource)).all().get().get(resource);
        Map<String, Object> saw = new LinkedHashMap<>();
        for (String name : List.of("cleanup.policy", "retention.ms")) {
            saw.put(name, Stage.list(config.get(name).value(), config.get(name).source().toString()));
        }
        return saw;
    }

    /** So many that DescribeTopicPartitions answers in more than one page (KIP-966's cursor). */
    private static Object many(Stage stage) throws Exception {
        List<NewTopic> topics = new ArrayList<>();
        for (int number = 0; number < 30; number++) {
            topics.add(new NewTopic(stage.name("" + number), 3, (short) 1));
        }
        stage.admin().createTopics(topics).all().get();
        List<String> names = topics.stream().map(NewTopic::name).toList();
        var options = new org.apache.kafka.clients.admin.DescribeTopicsOptions().partitionSizeLimitPerResponse(7);
        Map<String, TopicDescription> described = stage.admin().describeTopics(names, options).allTopicNames().get();
        stage.admin().deleteTopics(names).all().get();
        return Stage.saw("topics", described.size(), "partitions", described.values().stream().mapToInt(one -> one.partitions().size()).sum());
    }

    private static Object deleteRecords(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        TopicPartition place = Stage.at(topic, 0);
        stage.write(topic, "0", "1", "2");
        Admin admin = stage.admin();
        long low = admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(2))).lowWatermarks().get(place).get().lowWatermark();
        String beyond = Stage.refusal(() -> admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(9))).all());
        List<String> left = stage.all(topic, "read_uncommitted", 1);
        long empty = admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(-1))).lowWatermarks().get(place).get().lowWatermark();
        return Stage.saw("low", low, "beyond", beyond, "left", left, "empty", empty);
    }

    private static Object listOffsets(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        TopicPartition place = Stage.at(topic, 0);
        KafkaProducer<String, String> producer = stage.producer("linger.ms", "0");
        for (long time : new long[] {1_767_225_600_000L, 1_767_225_602_000L, 1_767_225_601_000L}) {
            producer.send(new ProducerRecord<>(topic, 0, time, "k", "x")).get();
        }
        Map<String, OffsetSpec> specs = new LinkedHashMap<>();
        specs.put("earliest", OffsetSpec.earliest());
        specs.put("latest", OffsetSpec.latest());
        specs.put("maxTimestamp", OffsetSpec.maxTimestamp());
        specs.put("time", OffsetSpec.forTimestamp(1_767_225_600_001L));
        specs.put("later", OffsetSpec.forTimestamp(1_767_225_700_000L));
        specs.put("earliestLocal", OffsetSpec.earliestLocal());
        specs.put("latestTiered", OffsetSpec.latestTiered());
        Map<String, Object> saw = new LinkedHashMap<>();
        for (Map.Entry<String, OffsetSpec> spec : specs.entrySet()) {
            ListOffsetsResult.ListOffsetsResultInfo found =
                stage.admin().listOffsets(Map.of(place, spec.getValue())).partitionResult(place).get();
            saw.put(spec.getKey(), Stage.list(found.offset(), found.timestamp(), Stage.orNull(found.leaderEpoch())));
        }
        return saw;
    }

    /** What there is to say of replicas when there is one broker. */
    private static Object placement(Stage stage) throws Exception {
        String topic = stage.topic("orders", 1);
        TopicPartition place = Stage.at(topic, 0);
        stage.write(topic, "x");
        Admin admin = stage.admin();
        int broker = admin.describeCluster().nodes().get().iterator().next().id();
        var dirs = admin.describeLogDirs(List.of(broker)).allDescriptions().get().get(broker);
        var dir = dirs.values().stream().filter(one -> one.replicaInfos().containsKey(place)).findFirst().orElseThrow();
        Object elected = Stage.orNull(admin.electLeaders(ElectionType.PREFERRED, Set.of(place)).partitions().get().get(place)
            .map(error -> error.getClass().getSimpleName()));
        String same = Stage.refusal(() -> admin.alterPartitionReassignments(Map.of(
            place, Optional.of(new org.apache.kafka.clients.admin.NewPartitionReassignment(List.of(broker))))).all());
        String nowhere = Stage.refusal(() -> admin.alterPartitionReassignments(Map.of(
            place, Optional.of(new org.apache.kafka.clients.admin.NewPartitionReassignment(List.of(77))))).all());
        return Stage.saw("logDirs", dirs.size(), "error", dir.error(), "size", dir.replicaInfos().get(place).size(),
            "lag", dir.replicaInfos().get(place).offsetLag(), "elected", elected, "same", same, "nowhere", nowhere,
            "reassignments", admin.listPartitionReassignments().reassignments().get().size());
    }
}
