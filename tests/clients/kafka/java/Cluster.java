import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.quota.ClientQuotaFilterComponent;

/** The cluster itself: its brokers, features, users and quotas. */
final class Cluster {
    private Cluster() {
    }

    static void add(Map<String, Scenario> scenarios) {
        scenarios.put("cluster", Cluster::cluster);
        scenarios.put("features", Cluster::features);
        scenarios.put("quorum", Cluster::quorum);
        scenarios.put("acls", Cluster::acls);
        scenarios.put("quotas", Cluster::quotas);
        scenarios.put("scram", Cluster::scram);
        scenarios.put("brokerConfigs", Cluster::brokerConfigs);
    }

    private static Object cluster(Stage stage) throws Exception {
        var described = stage.admin().describeCluster();
        Node node = described.nodes().get().iterator().next();
        return Stage.saw("nodes", described.nodes().get().size(), "host", node.host(), "port", node.port(), "rack", node.rack(),
            "controller", described.controller().get().id() == node.id(), "clusterId", described.clusterId().get().length());
    }

    private static Object features(Stage stage) throws Exception {
        var metadata = stage.admin().describeFeatures().featureMetadata().get();
        Map<String, Object> saw = new LinkedHashMap<>();
        metadata.finalizedFeatures().forEach((name, range) -> saw.put(name, (int) range.maxVersionLevel()));
        return saw;
    }

    private static Object quorum(Stage stage) throws Exception {
        var info = stage.admin().describeMetadataQuorum().quorumInfo().get();
        return Stage.saw("voters", info.voters().size(), "leads", info.voters().get(0).replicaId() == info.leaderId(),
            "observers", info.observers().size());
    }

    private static Object acls(Stage stage) throws Exception {
        Admin admin = stage.admin();
        return Stage.saw("described", Stage.refusal(() -> admin.describeAcls(AclBindingFilter.ANY).values()),
            "deleted", Stage.refusal(() -> admin.deleteAcls(List.of(AclBindingFilter.ANY)).all()));
    }

    private static Object quotas(Stage stage) throws Exception {
        Admin admin = stage.admin();
        ClientQuotaEntity user = new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, stage.name("user")));
        admin.alterClientQuotas(List.of(new ClientQuotaAlteration(user, List.of(
            new ClientQuotaAlteration.Op("producer_byte_rate", 1024.0), new ClientQuotaAlteration.Op("request_percentage", 50.0))))).all().get();
        ClientQuotaFilter filter = ClientQuotaFilter.containsOnly(List.of(
            ClientQuotaFilterComponent.ofEntity(ClientQuotaEntity.USER, stage.name("user"))));
        Map<String, Double> set = admin.describeClientQuotas(filter).entities().get().get(user);
        admin.alterClientQuotas(List.of(new ClientQuotaAlteration(user, List.of(
            new ClientQuotaAlteration.Op("producer_byte_rate", null), new ClientQuotaAlteration.Op("request_percentage", null))))).all().get();
        return Stage.saw("set", set, "left", admin.describeClientQuotas(filter).entities().get().size(),
            "bad", Stage.refusal(() -> admin.alterClientQuotas(List.of(
                new ClientQuotaAlteration(user, List.of(new ClientQuotaAlteration.Op("speed", 1.0))))).all()));
    }

    private static Object scram(Stage stage) throws Exception {
        Admin admin = stage.admin();
        String user = stage.name("user");
        UserScramCredentialUpsertion one = upsertion(user, ScramMechanism.SCRAM_SHA_256, 4096);
        UserScramCredentialUpsertion other = upsertion(user, ScramMechanism.SCRAM_SHA_512, 8192);
        admin.alterUserScramCredentials(List.of(one)).all().get();
        admin.alterUserScramCredentials(List.of(other)).all().get();
        Map<String, Integer> made = new LinkedHashMap<>();
        admin.describeUserScramCredentials(List.of(user)).description(user).get().credentialInfos()
            .forEach(info -> made.put(info.mechanism().mechanismName(), info.iterations()));
        String twice = Stage.refusal(() -> admin.alterUserScramCredentials(List.of(one, other)).all());
        for (ScramMechanism mechanism : List.of(ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)) {
            admin.alterUserScramCredentials(List.of(new UserScramCredentialDeletion(user, mechanism))).all().get();
        }
        return Stage.saw("made", made, "twice", twice,
            "after", Stage.refusal(() -> admin.describeUserScramCredentials(List.of(user)).description(user)),
            "again", Stage.refusal(() -> admin.alterUserScramCredentials(
                List.of(new UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_256))).all()),
            "few", Stage.refusal(() -> admin.alterUserScramCredentials(
                List.of(upsertion(user, ScramMechanism.SCRAM_SHA_256, 10))).all()));
    }

    private static UserScramCredentialUpsertion upsertion(String user, ScramMechanism mechanism, int iterations) {
        return new UserScramCredentialUpsertion(user, new ScramCredentialInfo(mechanism, iterations), "secret");
    }

    private static Object brokerConfigs(Stage stage) throws Exception {
        Admin admin = stage.admin();
        String broker = admin.describeCluster().nodes().get().iterator().next().idString();
        ConfigResource resource = new ConfigResource(ConfigResource.Type.BROKER, broker);
        Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
        ConfigEntry roll = config.get("log.segment.bytes");
        ConfigEntry listeners = config.get("broker.id") == null ? config.get("node.id") : config.get("broker.id");
        return Stage.saw("segment", roll.value(), "source", roll.source().toString(), "id", listeners.value().equals(broker),
            "readOnly", listeners.isReadOnly(), "readOnlyAltered", Stage.refusal(() -> {
                stage.configure(ConfigResource.Type.BROKER, broker, "log.dirs", "/elsewhere");
                return null;
            }));
    }
}
