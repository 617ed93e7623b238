package main

import (
	"encoding/base64"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var shares = map[string]scenario{
	"shareTwo":         shareTwo,
	"shareAcknowledge": shareAcknowledge,
	"shareAdmin":       shareAdmin,
}

// A member of a share group that begins at the earliest record.
func (s *stage) share(topic string, options ...kgo.Opt) *kgo.Client {
	request := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeGroupConfig, s.name("group")
	config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	config.Name, config.Value = "share.auto.offset.reset", kmsg.StringPtr("earliest")
	resource.Configs = append(resource.Configs, config)
	request.Resources = append(request.Resources, resource)
	_, err := request.RequestWith(soon(), s.client())
	must(err)
	return s.client(append([]kgo.Opt{kgo.ShareGroup(s.name("group")), kgo.ConsumeTopics(topic)}, options...)...)
}

// Two members on one partition: each record is handed to one of them.
func shareTwo(s *stage) any {
	topic := s.topic("orders", 1)
	members := []*kgo.Client{s.share(topic), s.share(topic)}
	until("two members", func() bool {
		described, err := s.admin().DescribeShareGroups(soon(), s.name("group"))
		must(err)
		return len(described[s.name("group")].Members) == 2
	})
	sent := []string{}
	for number := range 40 {
		sent = append(sent, strconv.Itoa(100+number))
	}
	s.write(topic, sent...)
	read := []string{}
	until("all forty", func() bool {
		for _, one := range members {
			read = append(read, values(poll(one, 50*time.Millisecond))...)
		}
		return len(read) >= len(sent)
	})
	slices.Sort(read)
	return saw{"read": read, "same": slices.Equal(read, sent)}
}

func shareAcknowledge(s *stage) any {
	topic := s.topic("orders", 1)
	s.write(topic, "accept", "release", "reject")
	client := s.share(topic)
	told := func(records []*kgo.Record) list {
		seen := list{}
		for _, record := range records {
			seen = append(seen, list{string(record.Value), record.DeliveryCount()})
		}
		return seen
	}
	first := take(client, 3)
	for _, record := range first {
		record.Ack(map[string]kgo.AckStatus{"accept": kgo.AckAccept, "release": kgo.AckRelease, "reject": kgo.AckReject}[string(record.Value)])
	}
	must(client.FlushAcks(soon()))
	again := take(client, 1)
	again[0].Ack(kgo.AckAccept)
	must(client.FlushAcks(soon()))
	s.write(topic, "next")
	last := take(client, 1)
	last[0].Ack(kgo.AckAccept)
	must(client.FlushAcks(soon()))
	return saw{"first": told(first), "again": told(again), "last": told(last), "start": s.shareStart(topic)}
}

func (s *stage) shareStart(topic string) int64 {
	found, err := s.admin().DescribeShareGroupOffsets(soon(), s.name("group"))
	must(err)
	must(found[s.name("group")].Err)
	one := found[s.name("group")].Offsets[topic][0]
	must(one.Err)
	return one.StartOffset
}

func shareAdmin(s *stage) any {
	topic, group := s.topic("orders", 1), s.name("group")
	s.write(topic, "a", "b", "c")
	client := s.share(topic)
	for _, record := range take(client, 3) {
		record.Ack(kgo.AckAccept)
	}
	must(client.FlushAcks(soon()))
	described, err := s.admin().DescribeShareGroups(soon(), group)
	must(err)
	client.Close()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, 1, -1)
	altered, err := s.admin().AlterShareGroupOffsets(soon(), group, offsets)
	must(err)
	must(altered.Error())
	start := s.shareStart(topic)
	listed, err := s.admin().ListGroupsByType(soon(), []string{"share"})
	must(err)
	id := s.described(topic).ID
	key := group + ":" + base64.RawURLEncoding.EncodeToString(id[:]) + ":0"
	coordinators := s.admin().FindShareCoordinators(soon(), key)
	deleted, err := s.admin().DeleteShareGroupOffsets(soon(), group, topic)
	must(err)
	must(deleted.Error())
	gone, err := s.admin().DeleteGroup(soon(), group)
	must(err)
	return saw{
		"state": described[group].GroupState, "members": len(described[group].Members), "start": start,
		"listed": listed[group].State, "coordinator": refusal(coordinators.Error()), "deleted": refusal(gone.Err),
	}
}
