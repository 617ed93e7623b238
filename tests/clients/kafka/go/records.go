package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var records = map[string]scenario{
	"compression": compression,
	"whole":       whole,
	"acks":        acks,
	"idempotent":  idempotent,
	"refused":     refused,
	"autoCreate":  autoCreate,
}

func compression(s *stage) any {
	seen := saw{}
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	for name, codec := range codecs {
		topic := s.topic(name, 1)
		producer := s.client(kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(20*time.Millisecond))
		batch := make([]*kgo.Record, 300)
		for number := range batch {
			batch[number] = &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "value %d", number)}
		}
		offsets := []int64{}
		for _, sent := range producer.ProduceSync(soon(), batch...) {
			must(sent.Err)
			offsets = append(offsets, sent.Record.Offset)
		}
		found := take(s.reader(topic), len(batch))
		seen[name] = saw{"offsets": offsets, "values": values(found), "codec": found[0].Attrs.CompressionType()}
	}
	return seen
}

func whole(s *stage) any {
	topic := s.topic("orders", 1)
	full := &kgo.Record{
		Topic: topic, Key: []byte("käy"), Value: []byte("välue"), Timestamp: time.UnixMilli(1_767_225_600_123),
		Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("1")}, {Key: "none", Value: nil}},
	}
	must(s.client().ProduceSync(soon(), full, &kgo.Record{Topic: topic, Key: []byte("tombstone")}).FirstErr())
	seen := list{}
	for _, record := range take(s.member(s.name("group"), kgo.ConsumeTopics(topic)).Client, 2) {
		headers := list{}
		for _, header := range record.Headers {
			if header.Value == nil {
				headers = append(headers, list{header.Key, nil})
			} else {
				headers = append(headers, list{header.Key, string(header.Value)})
			}
		}
		seen = append(seen, saw{
			"key": string(record.Key), "value": string(record.Value), "isNull": record.Value == nil, "headers": headers,
			"timestamp": record.Timestamp.UnixMilli(), "offset": record.Offset, "epoch": record.LeaderEpoch,
		})
	}
	return seen
}

func acks(s *stage) any {
	seen := saw{}
	for name, kind := range map[string]kgo.Acks{"0": kgo.NoAck(), "1": kgo.LeaderAck(), "all": kgo.AllISRAcks()} {
		topic := s.topic("acks-"+name, 1)
		producer := s.client(kgo.RequiredAcks(kind), kgo.DisableIdempotentWrite())
		for number := range 20 {
			must(producer.ProduceSync(soon(), &kgo.Record{Topic: topic, Value: fmt.Append(nil, number)}).FirstErr())
		}
		seen[name] = len(s.all(topic, kgo.ReadUncommitted(), 20))
	}
	return seen
}

func idempotent(s *stage) any {
	topic := s.topic("orders", 1)
	producer := s.client(kgo.ProducerBatchMaxBytes(512))
	sent := []string{}
	for number := range 2000 {
		sent = append(sent, fmt.Sprint(number))
		producer.Produce(soon(), &kgo.Record{Topic: topic, Value: []byte(fmt.Sprint(number))}, func(_ *kgo.Record, err error) { must(err) })
	}
	must(producer.Flush(soon()))
	id, epoch, err := producer.ProducerID(soon())
	must(err)
	described, err := s.admin().DescribeProducers(soon(), kadm.TopicsSet{topic: {0: {}}})
	must(err)
	state := described.SortedProducers()[0]
	read := s.all(topic, kgo.ReadUncommitted(), 2000)
	return saw{
		"inOrder": strings.Join(read, " ") == strings.Join(sent, " "), "sameProducer": state.ProducerID == id && state.ProducerEpoch == epoch,
		"lastSequence": state.LastSequence,
	}
}

func refused(s *stage) any {
	small := s.topic("small", 1, "max.message.bytes", "1000")
	compacted := s.topic("compacted", 1, "cleanup.policy", "compact")
	producer := s.client(kgo.ProducerBatchCompression(kgo.NoCompression()))
	send := func(topic string, value string) any {
		return refusal(producer.ProduceSync(soon(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr())
	}
	return saw{
		"tooLarge": send(small, strings.Repeat("x", 2000)), "noKey": send(compacted, "x"),
		"badTopic": send("no good", "x"), "after": send(small, "y"),
	}
}

func autoCreate(s *stage) any {
	made, missing := s.name("made"), s.name("missing")
	creates := s.client(kgo.AllowAutoTopicCreation())
	must(creates.ProduceSync(soon(), &kgo.Record{Topic: made, Value: []byte("x")}).FirstErr())
	not := s.client(kgo.UnknownTopicRetries(2)).ProduceSync(soon(), &kgo.Record{Topic: missing, Value: []byte("x")}).FirstErr()
	topics, err := s.admin().ListTopics(kadm.WithAuthorizedOps(soon()))
	must(err)
	return saw{"made": topics.Has(made), "missing": topics.Has(missing), "error": refusal(not)}
}
