package main

import (
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var positions = map[string]scenario{
	"times":      times,
	"seeks":      seeks,
	"pause":      pause,
	"outOfRange": outOfRange,
	"recreated":  recreated,
}

func times(s *stage) any {
	topic := s.topic("orders", 1)
	producer := s.client(kgo.ProducerLinger(20 * time.Millisecond))
	batch := make([]*kgo.Record, 3)
	for number := range batch {
		batch[number] = &kgo.Record{Topic: topic, Value: []byte("x"), Timestamp: time.UnixMilli(1_767_225_600_000 + int64(number)*1000)}
	}
	must(producer.ProduceSync(soon(), batch...).FirstErr())
	seen := saw{}
	tell := func(name string, found kadm.ListedOffsets, err error) {
		must(err)
		one, _ := found.Lookup(topic, 0)
		must(one.Err)
		seen[name] = list{one.Offset, one.Timestamp, one.LeaderEpoch}
	}
	admin := s.admin()
	for name, time := range map[string]int64{"between": 1_767_225_600_500, "exact": 1_767_225_602_000, "later": 1_767_225_602_001} {
		found, err := admin.ListOffsetsAfterMilli(soon(), time, topic)
		tell(name, found, err)
	}
	found, err := admin.ListStartOffsets(soon(), topic)
	tell("start", found, err)
	found, err = admin.ListEndOffsets(soon(), topic)
	tell("end", found, err)
	found, err = admin.ListMaxTimestampOffsets(soon(), topic)
	tell("max", found, err)
	from := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AfterMilli(1_767_225_600_500)}}
	seen["consumed"] = take(s.client(kgo.ConsumePartitions(from)), 2)[0].Offset
	return seen
}

// With an epoch the client asks OffsetForLeaderEpoch whether its place is still there.
func seeks(s *stage) any {
	topic := s.topic("orders", 1)
	s.write(topic, "0", "1", "2", "3")
	reader := s.reader(topic)
	read := values(take(reader, 4))
	reader.SetOffsets(map[string]map[int32]kgo.EpochOffset{topic: {0: {Epoch: -1, Offset: 2}}})
	read = append(read, values(take(reader, 2))...)
	reader.SetOffsets(map[string]map[int32]kgo.EpochOffset{topic: {0: {Epoch: 0, Offset: 3}}})
	read = append(read, values(take(reader, 1))...)
	found, err := s.admin().OffsetForLeaderEpoch(soon(), kadm.OffsetForLeaderEpochRequest{topic: {0: 0}})
	must(err)
	one := found[topic][0]
	must(one.Err)
	return saw{"read": read, "epoch": one.LeaderEpoch, "end": one.EndOffset}
}

func pause(s *stage) any {
	topic := s.topic("orders", 2)
	start := kgo.NewOffset().AtStart()
	reader := s.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: start, 1: start}}))
	reader.PauseFetchPartitions(map[string][]int32{topic: {0}})
	s.writeEach(topic, 2)
	first := take(reader, 1)[0].Partition
	meanwhile := len(poll(reader, 200*time.Millisecond))
	reader.ResumeFetchPartitions(map[string][]int32{topic: {0}})
	return saw{"first": first, "meanwhile": meanwhile, "second": take(reader, 1)[0].Partition}
}

func outOfRange(s *stage) any {
	topic := s.topic("orders", 1)
	s.write(topic, "0", "1", "2")
	from := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(50)}}
	resets := s.client(kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	strict := s.client(kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	return saw{"first": values(take(resets, 1))[0], "refused": refusal(strict.PollFetches(soon()).Err())}
}

// A topic is deleted and made again under the same name: clients that begin anew find the new one, by its new id.
func recreated(s *stage) any {
	topic := s.topic("orders", 1)
	ids := list{}
	read := []string{}
	for _, value := range []string{"old", "new"} {
		s.write(topic, value)
		read = append(read, s.all(topic, kgo.ReadUncommitted(), 1)...)
		ids = append(ids, s.described(topic).ID)
		if value == "old" {
			_, err := s.admin().DeleteTopic(soon(), topic)
			must(err)
			s.topic("orders", 1)
		}
	}
	return saw{"read": read, "changed": ids[0] != ids[1]}
}
