package main

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var groups = map[string]scenario{
	"sharedConsumer":          func(s *stage) any { return shared(s, kgo.ServerSideBalancer()) },
	"sharedRange":             func(s *stage) any { return shared(s, kgo.Balancers(kgo.RangeBalancer())) },
	"sharedRoundRobin":        func(s *stage) any { return shared(s, kgo.Balancers(kgo.RoundRobinBalancer())) },
	"sharedSticky":            func(s *stage) any { return shared(s, kgo.Balancers(kgo.StickyBalancer())) },
	"sharedCooperativeSticky": func(s *stage) any { return shared(s, kgo.Balancers(kgo.CooperativeStickyBalancer())) },
	"cooperative":             cooperative,
	"static":                  comesBack,
	"twiceTheSame":            twiceTheSame,
	"pattern":                 func(s *stage) any { return pattern(s) },
	"patternConsumer":         func(s *stage) any { return pattern(s, kgo.ServerSideBalancer()) },
	"commits":                 func(s *stage) any { return commits(s) },
	"commitsConsumer":         func(s *stage) any { return commits(s, kgo.ServerSideBalancer()) },
}

// Two members share six partitions; then one leaves.
func shared(s *stage, option kgo.Opt) any {
	topic := s.topic("orders", 6)
	first := s.member(s.name("group"), kgo.ConsumeTopics(topic), option)
	second := s.member(s.name("group"), kgo.ConsumeTopics(topic), option)
	until("three each", func() bool { return len(first.held()) == 3 && len(second.held()) == 3 })
	s.writeEach(topic, 6)
	read := []int32{}
	for _, one := range []*member{first, second} {
		found := take(one.Client, 3)
		for _, record := range found {
			read = append(read, record.Partition)
		}
		must(one.CommitRecords(soon(), found...))
	}
	slices.Sort(read)
	second.Close()
	until("all six", func() bool { return len(first.held()) == 6 })
	s.writeEach(topic, 6)
	after := [6]int64{}
	for _, record := range take(first.Client, 6) {
		after[record.Partition] += record.Offset
	}
	return saw{"read": read, "after": after}
}

// What the first member hears when a second one joins: only what moves is taken from it.
func cooperative(s *stage) any {
	topic := s.topic("orders", 4)
	first := s.member(s.name("group"), kgo.ConsumeTopics(topic))
	until("all four", func() bool { return len(first.held()) == 4 })
	second := s.member(s.name("group"), kgo.ConsumeTopics(topic))
	until("two each", func() bool { return len(first.held()) == 2 && len(second.held()) == 2 })
	return saw{"heard": first.told()}
}

// A static member is gone for a moment; nobody else hears of it, and it has what it had.
// Not with the new protocol: there franz-go 1.22 leaves without naming its instance, which Kafka refuses (INVALID_REQUEST).
func comesBack(s *stage) any {
	topic := s.topic("orders", 4)
	join := func(instance string) *member {
		return s.member(s.name("group"), kgo.ConsumeTopics(topic), kgo.InstanceID(instance))
	}
	stays, leaves := join("stays"), join("leaves")
	until("two each", func() bool { return len(stays.held()) == 2 && len(leaves.held()) == 2 })
	before, heard := leaves.held(), len(stays.told())
	leaves.Close()
	again := join("leaves")
	until("two again", func() bool { return len(again.held()) == 2 })
	same := true
	for place := range again.held() {
		same = same && before[place]
	}
	return saw{"same": same, "moreHeard": len(stays.told()) - heard}
}

// Two at once with one instance id: the older one is fenced.
func twiceTheSame(s *stage) any {
	topic := s.topic("orders", 1)
	first := s.member(s.name("group"), kgo.ConsumeTopics(topic), kgo.InstanceID("same"))
	until("an assignment", func() bool { return len(first.held()) == 1 })
	second := s.member(s.name("group"), kgo.ConsumeTopics(topic), kgo.InstanceID("same"))
	var refused any
	until("a refusal", func() bool {
		refused = refusal(first.PollFetches(soon()).Err())
		return refused != nil
	})
	return saw{"first": refused, "second": len(second.held())}
}

// One topic that fits is there before, another comes, and one that does not fit is never read.
func pattern(s *stage, options ...kgo.Opt) any {
	s.write(s.topic("a", 1), "of a")
	s.write(s.topic("c", 1), "of c")
	options = append(options, kgo.ConsumeRegex(), kgo.ConsumeTopics("^"+s.name("[ab]")+"$"))
	one := s.member(s.name("group"), options...)
	found := take(one.Client, 1)
	must(one.CommitRecords(soon(), found...))
	s.write(s.topic("b", 1), "of b")
	return saw{"before": values(found), "after": values(take(one.Client, 1)), "held": len(one.held())}
}

func commits(s *stage, options ...kgo.Opt) any {
	topic := s.topic("orders", 1)
	s.write(topic, "0", "1", "2", "3", "4")
	options = append(options, kgo.ConsumeTopics(topic))
	first := s.member(s.name("group"), options...)
	found := take(first.Client, 5)
	must(first.CommitRecords(soon(), found[2]))
	first.Close()
	committed, err := s.admin().FetchOffsets(soon(), s.name("group"))
	must(err)
	one, _ := committed.Lookup(topic, 0)
	second := s.member(s.name("group"), append(options, kgo.AutoCommitInterval(time.Hour))...)
	return saw{"offset": one.At, "epoch": one.LeaderEpoch, "read": values(take(second.Client, 2))}
}
