package main

import (
	"sort"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

var topics = map[string]scenario{
	"topicLife":     topicLife,
	"topicRefusals": topicRefusals,
	"topicConfigs":  topicConfigs,
	"deleteRecords": deleteRecords,
	"placement":     placement,
}

func topicLife(s *stage) any {
	admin, name := s.admin(), s.name("orders")
	created, err := admin.CreateTopic(soon(), 2, 1, map[string]*string{"retention.ms": kadm.StringPtr("60000")}, name)
	must(err)
	must(created.Err)
	listed := s.described(name)
	grown, err := admin.UpdatePartitions(soon(), 5, name)
	must(err)
	must(grown.Error())
	after := s.described(name)
	deleted, err := admin.DeleteTopic(soon(), name)
	must(err)
	must(deleted.Err)
	return saw{
		"creation": list{created.NumPartitions, created.ReplicationFactor, *created.Configs["retention.ms"].Value},
		"sameId":   listed.ID == created.ID, "listed": len(listed.Partitions), "grown": len(after.Partitions),
		"gone": refusal(s.described(name).Err),
	}
}

func topicRefusals(s *stage) any {
	there := s.topic("there", 1)
	create := func(partitions int32, replicas int16, name string, configs map[string]*string) any {
		_, err := s.admin().CreateTopic(soon(), partitions, replicas, configs, name)
		return refusal(err)
	}
	_, missing := s.admin().DeleteTopic(soon(), s.name("missing"))
	return saw{
		"exists": create(1, 1, there, nil), "name": create(1, 1, "bad name", nil), "replicas": create(1, 3, s.name("x"), nil),
		"partitions": create(0, 1, s.name("x"), nil), "deleteMissing": refusal(missing),
		"config": create(1, 1, s.name("x"), map[string]*string{"retention.ms": kadm.StringPtr("soon")}),
	}
}

func topicConfigs(s *stage) any {
	topic := s.topic("orders", 1, "cleanup.policy", "compact")
	steps := list{}
	tell := func() {
		found, err := s.admin().DescribeTopicConfigs(soon(), topic)
		must(err)
		one, err := found.On(topic, nil)
		must(err)
		told := []string{}
		for _, config := range one.Configs {
			if config.Key == "cleanup.policy" || config.Key == "retention.ms" {
				told = append(told, strings.Join([]string{config.Key, config.MaybeValue(), config.Source.String()}, " "))
			}
		}
		sort.Strings(told)
		steps = append(steps, told)
	}
	alter := func(changes ...kadm.AlterConfig) error {
		done, err := s.admin().AlterTopicConfigs(soon(), changes, topic)
		must(err)
		return done[0].Err
	}
	tell()
	must(alter(
		kadm.AlterConfig{Op: kadm.AppendConfig, Name: "cleanup.policy", Value: kadm.StringPtr("delete")},
		kadm.AlterConfig{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("1000")}))
	tell()
	must(alter(
		kadm.AlterConfig{Op: kadm.SubtractConfig, Name: "cleanup.policy", Value: kadm.StringPtr("compact")},
		kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "retention.ms"}))
	tell()
	bad := alter(kadm.AlterConfig{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("soon")})
	return saw{"steps": steps, "bad": refusal(bad)}
}

func deleteRecords(s *stage) any {
	topic := s.topic("orders", 1)
	s.write(topic, "0", "1", "2")
	before := func(offset int64) kadm.DeleteRecordsResponse {
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, offset, -1)
		done, err := s.admin().DeleteRecords(soon(), offsets)
		must(err)
		one, _ := done.Lookup(topic, 0)
		return one
	}
	low := before(2).LowWatermark
	beyond := refusal(before(9).Err)
	return saw{"low": low, "beyond": beyond, "left": values(take(s.reader(topic), 1))}
}

func placement(s *stage) any {
	topic := s.topic("orders", 1)
	s.write(topic, "x")
	place := kadm.TopicsSet{topic: {0: {}}}
	dirs, err := s.admin().DescribeAllLogDirs(soon(), place)
	must(err)
	sizes := []bool{}
	dirs.Each(func(dir kadm.DescribedLogDir) {
		must(dir.Err)
		dir.Topics.Each(func(one kadm.DescribedLogDirPartition) { sizes = append(sizes, one.Size > 60) })
	})
	elected, err := s.admin().ElectLeaders(soon(), kadm.ElectPreferredReplica, place)
	must(err)
	moves, err := s.admin().ListPartitionReassignments(soon(), place)
	must(err)
	return saw{"sizes": sizes, "elected": refusal(elected[topic][0].Err), "moves": len(moves)}
}
