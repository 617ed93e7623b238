package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var transactions = map[string]scenario{
	"readCommitted":         readCommitted,
	"offsetsInTransactions": offsetsInTransactions,
	"fencing":               fencing,
	"epochs":                epochs,
	"exactlyOnce":           exactlyOnce,
	"transactionsDescribed": transactionsDescribed,
}

func send(producer *kgo.Client, topic, value string) error {
	return producer.ProduceSync(soon(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr()
}

func readCommitted(s *stage) any {
	topic := s.topic("orders", 1)
	producer := s.client(kgo.TransactionalID(s.name("tx")))
	for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		must(producer.BeginTransaction())
		must(send(producer, topic, map[kgo.TransactionEndTry]string{kgo.TryAbort: "no", kgo.TryCommit: "yes"}[end]))
		must(producer.EndTransaction(soon(), end))
	}
	must(producer.BeginTransaction())
	must(send(producer, topic, "open"))
	careful := s.reader(topic, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	committed := values(take(careful, 1))
	meanwhile := len(poll(careful, 300*time.Millisecond))
	stable, err := s.admin().ListCommittedOffsets(soon(), topic)
	must(err)
	high, err := s.admin().ListEndOffsets(soon(), topic)
	must(err)
	uncommitted := s.all(topic, kgo.ReadUncommitted(), 3)
	must(producer.EndTransaction(soon(), kgo.TryCommit))
	at := func(found kadm.ListedOffsets) int64 {
		one, _ := found.Lookup(topic, 0)
		return one.Offset
	}
	return saw{
		"committed": committed, "meanwhile": meanwhile, "stable": at(stable), "high": at(high),
		"uncommitted": uncommitted, "after": values(take(careful, 1)),
	}
}

func (s *stage) session(topic string) *kgo.GroupTransactSession {
	session, err := kgo.NewGroupTransactSession(s.options([]kgo.Opt{
		kgo.TransactionalID(s.name("tx")),
		kgo.ConsumerGroup(s.name("group")),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.HeartbeatInterval(100 * time.Millisecond),
		kgo.SessionTimeout(6 * time.Second),
	})...)
	must(err)
	return session
}

// Poll a session for up to so many records; some there are.
func some(session *kgo.GroupTransactSession, most int) []*kgo.Record {
	var found []*kgo.Record
	until("some records", func() bool {
		found = session.PollRecords(soon(), most).Records()
		return len(found) > 0
	})
	return found
}

func offsetsInTransactions(s *stage) any {
	source, sink := s.topic("source", 1), s.topic("sink", 1)
	s.write(source, "a", "b")
	session := s.session(source)
	defer session.Close()
	committed := func() any {
		found, err := s.admin().FetchOffsets(soon(), s.name("group"))
		must(err)
		if one, ok := found.Lookup(source, 0); ok {
			return one.At
		}
		return nil
	}
	ends := list{}
	for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		must(session.Begin())
		count := 0
		for count < 2 {
			for _, record := range some(session, 2-count) {
				count++
				must(session.ProduceSync(soon(), &kgo.Record{Topic: sink, Value: record.Value}).FirstErr())
			}
		}
		done, err := session.End(soon(), end)
		must(err)
		ends = append(ends, list{done, committed()})
	}
	return saw{"ends": ends, "sink": s.all(sink, kgo.ReadCommitted(), 2)}
}

func fencing(s *stage) any {
	topic := s.topic("orders", 1)
	first, second := s.client(kgo.TransactionalID(s.name("tx"))), s.client(kgo.TransactionalID(s.name("tx")))
	must(first.BeginTransaction())
	must(send(first, topic, "zombie"))
	must(second.BeginTransaction())
	must(send(second, topic, "good"))
	late := refusal(send(first, topic, "late"))
	commit := refusal(first.EndTransaction(soon(), kgo.TryCommit))
	must(second.EndTransaction(soon(), kgo.TryCommit))
	return saw{"late": late, "commit": commit, "values": s.all(topic, kgo.ReadCommitted(), 1)}
}

func (s *stage) transaction() kadm.DescribedTransaction {
	found, err := s.admin().DescribeTransactions(soon(), s.name("tx"))
	must(err)
	one, err := found.On(s.name("tx"), nil)
	must(err)
	must(one.Err)
	return one
}

func epochs(s *stage) any {
	topic := s.topic("orders", 1)
	producer := s.client(kgo.TransactionalID(s.name("tx")))
	_, epoch, err := producer.ProducerID(soon()) // connects: only then it knows that the cluster has the second version
	must(err)
	seen := list{list{s.transaction().State, epoch, 0}}
	tell := func() {
		one := s.transaction()
		seen = append(seen, list{one.State, one.ProducerEpoch, len(one.Topics)})
	}
	for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		must(producer.BeginTransaction())
		must(send(producer, topic, "x"))
		tell()
		must(producer.EndTransaction(soon(), end))
		tell()
	}
	_, epoch, err = producer.ProducerID(soon())
	must(err)
	return saw{"coordinator": seen, "client": epoch}
}

func exactlyOnce(s *stage) any {
	source, sink := s.topic("source", 1), s.topic("sink", 1)
	sent := []string{}
	for number := range 60 {
		sent = append(sent, strconv.Itoa(number))
	}
	s.write(source, sent...)
	done := 0
	for _, enough := range []int{30, 60} { // the second life goes on where the first one ended
		session := s.session(source)
		for batch := 0; done < enough; batch++ {
			must(session.Begin())
			found := some(session, 7)
			for _, record := range found {
				session.Produce(soon(), &kgo.Record{Topic: sink, Value: record.Value}, nil)
			}
			end := kgo.TransactionEndTry(batch%3 != 2) // what is aborted is not seen, and read again
			committed, err := session.End(soon(), end)
			must(err)
			if committed {
				done += len(found)
			}
		}
		session.Close()
	}
	return saw{"values": s.all(sink, kgo.ReadCommitted(), 60), "done": done}
}

func transactionsDescribed(s *stage) any {
	topic := s.topic("orders", 1)
	producer := s.client(kgo.TransactionalID(s.name("tx")), kgo.TransactionTimeout(30*time.Second))
	must(producer.BeginTransaction())
	must(send(producer, topic, "x"))
	open := s.transaction()
	listed, err := s.admin().ListTransactions(soon(), []int64{open.ProducerID}, []string{"Ongoing"})
	must(err)
	described, err := s.admin().DescribeProducers(soon(), kadm.TopicsSet{topic: {0: {}}})
	must(err)
	state := described.SortedProducers()[0]
	must(producer.EndTransaction(soon(), kgo.TryCommit))
	return saw{
		"state": open.State, "timeout": open.TimeoutMillis, "partitions": fmt.Sprint(open.Topics[topic]),
		"listed": len(listed), "sameProducer": state.ProducerID == open.ProducerID, "startOffset": state.CurrentTxnStartOffset,
		"after": s.transaction().State,
	}
}
