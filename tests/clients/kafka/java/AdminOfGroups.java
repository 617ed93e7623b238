import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** Groups as an administrator sees them. */
final class AdminOfGroups {
    private AdminOfGroups() {
    }

    static void add(Map<String, Scenario> scenarios) {
        scenarios.put("groupLife", stage -> life(stage));
        scenarios.put("groupLifeConsumer", stage -> life(stage, Groups.CONSUMER));
        scenarios.put("groupOffsets", AdminOfGroups::offsets);
        scenarios.put("groupMissing", AdminOfGroups::missing);
        scenarios.put("removeMembers", AdminOfGroups::removeMembers);
    }

    private static Object life(Stage stage, String... configs) throws Exception {
        Admin admin = stage.admin();
        String topic = stage.topic("orders", 2);
        String group = stage.name("group");
        stage.write(topic, "a");
        KafkaConsumer<String, String> consumer = stage.consumer(group, configs);
        consumer.subscribe(List.of(topic));
        Stage.take(consumer, 1);
        consumer.commitSync();
        var described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        MemberDescription member = described.members().iterator().next();
        String busy = Stage.refusal(() -> admin.deleteConsumerGroups(List.of(group)).all());
        String listed = listed(admin, group);
        consumer.close();
        String empty = listed(admin, group);
        admin.deleteConsumerGroups(List.of(group)).all().get();
        return Stage.saw("state", described.groupState().toString(), "type", described.type().toString(),
            "assignor", described.partitionAssignor(), "coordinator", described.coordinator().id() >= 0,
            "client", member.clientId().equals(stage.name("client")), "host", member.host(),
            "assigned", member.assignment().topicPartitions().size(), "target", member.targetAssignment().isPresent(),
            "groupEpoch", described.groupEpoch().isPresent(), "busy", busy, "listed", listed, "empty", empty,
            "gone", listed(admin, group), "describedGone", Stage.refusal(() -> admin.describeConsumerGroups(List.of(group)).all()));
    }

    private static String listed(Admin admin, String group) throws Exception {
        return admin.listGroups(ListGroupsOptions.forConsumerGroups()).all().get().stream().filter(one -> one.groupId().equals(group))
            .map(one -> one.type().orElseThrow() + " " + one.protocol() + " " + one.groupState().orElseThrow())
            .findFirst().orElse(null);
    }

    private static Object offsets(Stage stage) throws Exception {
        Admin admin = stage.admin();
        String topic = stage.topic("orders", 2);
        String group = stage.name("group");
        TopicPartition one = Stage.at(topic, 0);
        TopicPartition other = Stage.at(topic, 1);
        stage.write(topic, "a", "b", "c");
        admin.alterConsumerGroupOffsets(group, Map.of(one, new OffsetAndMetadata(2, "note"), other, new OffsetAndMetadata(0))).all().get();
        var made = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        KafkaConsumer<String, String> consumer = stage.consumer(group);
        consumer.subscribe(List.of(topic));
        List<String> read = Stage.values(Stage.take(consumer, 1));
        String altered = Stage.refusal(() -> admin.alterConsumerGroupOffsets(group, Map.of(one, new OffsetAndMetadata(0))).all());
        String deleted = Stage.refusal(() -> admin.deleteConsumerGroupOffsets(group, Set.of(one)).all());
        consumer.close();
        admin.deleteConsumerGroupOffsets(group, Set.of(one)).all().get();
        var left = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        return Stage.saw("offset", made.get(one).offset(), "note", made.get(one).metadata(), "partitions", made.size(), "read", read,
            "altered", altered, "deleted", deleted, "left", left.keySet().stream().map(TopicPartition::partition).toList());
    }

    private static Object missing(Stage stage) throws Exception {
        Admin admin = stage.admin();
        String group = stage.name("group");
        String topic = stage.topic("orders", 1);
        return Stage.saw(
            "described", Stage.refusal(() -> admin.describeConsumerGroups(List.of(group)).all()),
            "offsets", admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().size(),
            "deleted", Stage.refusal(() -> admin.deleteConsumerGroups(List.of(group)).all()),
            "offsetsDeleted", Stage.refusal(() -> admin.deleteConsumerGroupOffsets(group, Set.of(Stage.at(topic, 0))).all()));
    }

    /** A static member is told off by an administrator: its partitions go to the other one. */
    private static Object removeMembers(Stage stage) throws Exception {
        String topic = stage.topic("orders", 2);
        String group = stage.name("group");
        KafkaConsumer<String, String> stays = stage.consumer(group);
        KafkaConsumer<String, String> goes = stage.consumer(group, "group.instance.id", "goes");
        stays.subscribe(List.of(topic));
        goes.subscribe(List.of(topic));
        Stage.until("one each", () -> {
            stays.poll(Stage.POLL);
            goes.poll(Stage.POLL);
            return Groups.held(stays) == 1 && Groups.held(goes) == 1;
        });
        goes.close();
        stage.admin().removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions(Set.of(new MemberToRemove("goes")))).all().get();
        Stage.until("both", () -> {
            stays.poll(Stage.POLL);
            return Groups.held(stays) == 2;
        });
        return Stage.saw("unknown", Stage.refusal(() -> stage.admin().removeMembersFromConsumerGroup(
            group, new RemoveMembersFromConsumerGroupOptions(Set.of(new MemberToRemove("nobody")))).all()));
    }
}
