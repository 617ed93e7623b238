package main

import (
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var administration = map[string]scenario{
	"groupLife":         func(s *stage) any { return groupLife(s) },
	"groupLifeConsumer": groupLifeConsumer,
	"groupOffsets":      groupOffsets,
	"lag":               lag,
	"cluster":           cluster,
	"acls":              acls,
	"quotas":            quotas,
	"scram":             scram,
	"configs":           configs,
}

// A member that has read one record and committed it.
func (s *stage) settled(topic string, options ...kgo.Opt) *member {
	one := s.member(s.name("group"), append(options, kgo.ConsumeTopics(topic))...)
	must(one.CommitRecords(soon(), take(one.Client, 1)...))
	return one
}

func (s *stage) listed() any {
	found, err := s.admin().ListGroups(soon())
	must(err)
	if one, ok := found[s.name("group")]; ok {
		return list{one.ProtocolType, one.State}
	}
	return nil
}

func groupLife(s *stage) any {
	topic, group := s.topic("orders", 2), s.name("group")
	s.write(topic, "a")
	one := s.settled(topic, kgo.Balancers(kgo.RangeBalancer()))
	found, err := s.admin().DescribeGroups(soon(), group)
	must(err)
	described := found[group]
	must(described.Err)
	assigned, _ := described.Members[0].Assigned.AsConsumer()
	_, busy := s.admin().DeleteGroup(soon(), group)
	listed := s.listed()
	one.Close()
	empty := s.listed()
	_, deleted := s.admin().DeleteGroup(soon(), group)
	return saw{
		"state": described.State, "protocol": described.Protocol, "assigned": len(assigned.Topics[0].Partitions), "busy": refusal(busy),
		"listed": listed, "empty": empty, "deleted": refusal(deleted), "gone": s.listed(),
	}
}

func groupLifeConsumer(s *stage) any {
	topic, group := s.topic("orders", 2), s.name("group")
	s.write(topic, "a")
	one := s.settled(topic, kgo.ServerSideBalancer())
	found, err := s.admin().DescribeConsumerGroups(soon(), group)
	must(err)
	described := found[group]
	must(described.Err)
	member := described.Members[0]
	one.Close()
	_, deleted := s.admin().DeleteGroup(soon(), group)
	return saw{
		"state": described.State, "assignor": described.AssignorName, "type": member.MemberType, "assigned": len(member.Assignment[topic]),
		"topics": member.SubscribedTopics, "deleted": refusal(deleted), "gone": s.listed(),
	}
}

func groupOffsets(s *stage) any {
	topic, group := s.topic("orders", 2), s.name("group")
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topic, Partition: 0, At: 2, LeaderEpoch: -1, Metadata: "note"})
	offsets.Add(kadm.Offset{Topic: topic, Partition: 1, At: 0, LeaderEpoch: -1})
	must(s.admin().CommitAllOffsets(soon(), group, offsets))
	found, err := s.admin().FetchOffsets(soon(), group)
	must(err)
	one, _ := found.Lookup(topic, 0)
	deleted, err := s.admin().DeleteOffsets(soon(), group, kadm.TopicsSet{topic: {0: {}}})
	must(err)
	must(deleted.Error())
	left, err := s.admin().FetchOffsets(soon(), group)
	must(err)
	return saw{"offset": one.At, "note": one.Metadata, "partitions": len(found[topic]), "left": len(left[topic])}
}

func lag(s *stage) any {
	topic, group := s.topic("orders", 1), s.name("group")
	s.write(topic, "a", "b", "c")
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, 1, -1)
	must(s.admin().CommitAllOffsets(soon(), group, offsets))
	lags, err := s.admin().Lag(soon(), group)
	must(err)
	return saw{"lag": lags[group].Lag.Total(), "state": lags[group].State}
}

func cluster(s *stage) any {
	found, err := s.admin().BrokerMetadata(soon())
	must(err)
	broker := found.Brokers[0]
	versions, err := s.admin().ApiVersions(soon())
	must(err)
	produce, _ := versions.Sorted()[0].KeyMaxVersion(0)
	return saw{
		"brokers": len(found.Brokers), "host": broker.Host, "port": broker.Port, "controller": found.Controller == broker.NodeID,
		"cluster": len(found.Cluster), "produce": produce,
	}
}

func acls(s *stage) any {
	any := kadm.NewACLs().AnyResource().Operations().ResourcePatternType(kadm.ACLPatternAny).Allow().AllowHosts().Deny().DenyHosts()
	found, err := s.admin().DescribeACLs(soon(), any)
	must(err)
	return saw{"described": refusal(found[0].Err)}
}

func quotas(s *stage) any {
	admin, user := s.admin(), s.name("user")
	entity := kadm.ClientQuotaEntity{{Type: "user", Name: &user}}
	alter := func(op kadm.AlterClientQuotaOp) any {
		done, err := admin.AlterClientQuotas(soon(), []kadm.AlterClientQuotaEntry{{Entity: entity, Ops: []kadm.AlterClientQuotaOp{op}}})
		must(err)
		return refusal(done[0].Err)
	}
	described := func() saw {
		found, err := admin.DescribeClientQuotas(soon(), true, []kadm.DescribeClientQuotaComponent{{Type: "user", MatchName: &user}})
		must(err)
		values := saw{}
		for _, one := range found {
			for _, value := range one.Values {
				values[value.Key] = value.Value
			}
		}
		return values
	}
	set := alter(kadm.AlterClientQuotaOp{Key: "consumer_byte_rate", Value: 2048})
	before := described()
	removed := alter(kadm.AlterClientQuotaOp{Key: "consumer_byte_rate", Remove: true})
	return saw{"set": set, "before": before, "removed": removed, "after": described(), "bad": alter(kadm.AlterClientQuotaOp{Key: "speed", Value: 1})}
}

func scram(s *stage) any {
	admin, user := s.admin(), s.name("user")
	made, err := admin.AlterUserSCRAMs(soon(), nil, []kadm.UpsertSCRAM{
		{User: user, Mechanism: kadm.ScramSha256, Iterations: 4096, Password: "secret"},
	})
	must(err)
	must(made.Error())
	found, err := admin.DescribeUserSCRAMs(soon(), user)
	must(err)
	deleted, err := admin.AlterUserSCRAMs(soon(), []kadm.DeleteSCRAM{{User: user, Mechanism: kadm.ScramSha256}}, nil)
	must(err)
	must(deleted.Error())
	gone, err := admin.DescribeUserSCRAMs(soon(), user)
	must(err)
	info := found[user].CredInfos[0]
	return saw{"made": list{info.Mechanism.String(), info.Iterations}, "gone": refusal(gone[user].Err)}
}

// Which resources have configs, and what a broker's are.
func configs(s *stage) any {
	topic := s.topic("orders", 1)
	resources, err := s.admin().ListConfigResources(soon())
	must(err)
	listed := false
	for _, one := range resources.Resources {
		listed = listed || one.Name == topic
	}
	found, err := s.admin().DescribeBrokerConfigs(soon())
	must(err)
	return saw{"listed": listed, "resources": len(found) > 0}
}
