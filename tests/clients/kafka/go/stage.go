package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const waitMax = 40 * time.Second

// What one scenario plays on: names of its own, and clients that are closed behind it.
type stage struct {
	bootstrap, scenario string
	open                []*kgo.Client
	administrator       *kadm.Client
}

func (s *stage) close() {
	for _, one := range s.open {
		one.CloseAllowingRebalance()
	}
}

func (s *stage) name(of string) string {
	return "go-" + s.scenario + "-" + of
}

// A client that retries and refreshes quickly.
func (s *stage) client(options ...kgo.Opt) *kgo.Client {
	one, err := kgo.NewClient(s.options(options)...)
	must(err)
	s.open = append(s.open, one)
	return one
}

func (s *stage) options(more []kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(s.bootstrap),
		kgo.ClientID(s.name("client")),
		kgo.MetadataMinAge(20 * time.Millisecond),
		kgo.MetadataMaxAge(500 * time.Millisecond),
		kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
		kgo.ProducerLinger(0),
	}, more...)
}

func (s *stage) admin() *kadm.Client {
	if s.administrator == nil {
		s.administrator = kadm.NewClient(s.client())
	}
	return s.administrator
}

// A new topic.
func (s *stage) topic(of string, partitions int32, configs ...string) string {
	values := map[string]*string{}
	for at := 0; at < len(configs); at += 2 {
		values[configs[at]] = &configs[at+1]
	}
	made, err := s.admin().CreateTopic(soon(), partitions, 1, values, s.name(of))
	must(err)
	must(made.Err)
	return s.name(of)
}

// Produce to partition 0, each record as a request of its own, and wait for the acknowledgements.
func (s *stage) write(topic string, values ...string) {
	producer := s.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for _, value := range values {
		must(producer.ProduceSync(soon(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr())
	}
}

// Produce one record to each partition.
func (s *stage) writeEach(topic string, partitions int32) {
	producer := s.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for partition := range partitions {
		must(producer.ProduceSync(soon(), &kgo.Record{Topic: topic, Partition: partition, Value: []byte("x")}).FirstErr())
	}
}

// Read partition 0 from its beginning without any group.
func (s *stage) all(topic string, level kgo.IsolationLevel, count int) []string {
	return values(take(s.reader(topic, kgo.FetchIsolationLevel(level)), count))
}

func (s *stage) reader(topic string, options ...kgo.Opt) *kgo.Client {
	start := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}
	return s.client(append([]kgo.Opt{kgo.ConsumePartitions(start)}, options...)...)
}

// A member of a group, and which partitions it has at present.
type member struct {
	*kgo.Client
	lock     sync.Mutex
	has      map[string]bool
	assigned int
	heard    list
}

// A member of a group that begins at the earliest record and commits nothing by itself.
func (s *stage) member(group string, options ...kgo.Opt) *member {
	one := &member{has: map[string]bool{}}
	given := func(_ context.Context, _ *kgo.Client, places map[string][]int32) { one.hear("assigned", places, true) }
	taken := func(_ context.Context, _ *kgo.Client, places map[string][]int32) { one.hear("revoked", places, false) }
	one.Client = s.client(append([]kgo.Opt{
		kgo.ConsumerGroup(group),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.HeartbeatInterval(100 * time.Millisecond),
		kgo.SessionTimeout(6 * time.Second),
		kgo.OnPartitionsAssigned(given),
		kgo.OnPartitionsRevoked(taken),
		kgo.OnPartitionsLost(taken),
	}, options...)...)
	return one
}

func (m *member) hear(word string, places map[string][]int32, has bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	count := 0
	for topic, partitions := range places {
		for _, partition := range partitions {
			count++
			if has {
				m.has[fmt.Sprint(topic, partition)] = true
			} else {
				delete(m.has, fmt.Sprint(topic, partition))
			}
		}
	}
	if count > 0 {
		m.heard = append(m.heard, list{word, count})
	}
}

func (m *member) held() map[string]bool {
	m.lock.Lock()
	defer m.lock.Unlock()
	return maps.Clone(m.has)
}

func (m *member) told() list {
	m.lock.Lock()
	defer m.lock.Unlock()
	return append(list{}, m.heard...)
}

// Poll until so many records are there.
func take(client *kgo.Client, count int) []*kgo.Record {
	var taken []*kgo.Record
	until(fmt.Sprintf("%d records", count), func() bool {
		taken = append(taken, poll(client, 200*time.Millisecond)...)
		return len(taken) >= count
	})
	return taken
}

// Poll once; an error is the scenario's, time that is up is none.
func poll(client *kgo.Client, wait time.Duration) []*kgo.Record {
	within, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	found := client.PollFetches(within)
	found.EachError(func(topic string, partition int32, err error) {
		if !errors.Is(err, context.DeadlineExceeded) {
			panic(fmt.Sprintf("%s-%d: %v", topic, partition, err))
		}
	})
	return found.Records()
}

func values(records []*kgo.Record) []string {
	found := []string{}
	for _, record := range records {
		found = append(found, string(record.Value))
	}
	return found
}

// Try until it holds.
func until(what string, holds func() bool) {
	for end := time.Now().Add(waitMax); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			panic("it did not come to: " + what)
		}
	}
}

func soon() context.Context {
	within, cancel := context.WithTimeout(context.Background(), waitMax)
	time.AfterFunc(waitMax, cancel)
	return within
}

// What the broker says of a topic now; without the operations it would be what the client was told last.
func (s *stage) described(topic string) kadm.TopicDetail {
	found, err := s.admin().ListTopics(kadm.WithAuthorizedOps(soon()), topic)
	must(err)
	return found[topic]
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// The name of Kafka's error, the words of another one; nil when there is none.
func refusal(err error) any {
	if err == nil {
		return nil
	}
	var kafka *kerr.Error
	if errors.As(err, &kafka) {
		return kafka.Message
	}
	return err.Error()
}
