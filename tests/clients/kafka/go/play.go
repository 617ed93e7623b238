// Plays scenarios against the brokers at os.Args[1] with franz-go, and prints as JSON what each one saw:
// {"scenario": {"saw": ...}} or {"scenario": {"failed": "stack"}}. Names of more arguments pick scenarios.
// tests/clients/kafka/test_franz_go.py judges. How long each one took goes to the standard error.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// What one does with a client, told as what it saw: anything that is JSON.
type scenario func(*stage) any

type saw map[string]any

type list []any

const (
	atOnce      = 8
	scenarioMax = 60 * time.Second
)

func main() {
	bootstrap, names := os.Args[1], os.Args[2:]
	all := map[string]scenario{}
	for _, some := range []map[string]scenario{records, transactions, groups, positions, shares, topics, administration} {
		for name, play := range some {
			if len(names) == 0 || slices.Contains(names, name) {
				all[name] = play
			}
		}
	}
	written, err := json.Marshal(playAll(bootstrap, all))
	must(err)
	fmt.Println(string(written))
}

func playAll(bootstrap string, all map[string]scenario) map[string]saw {
	seen := map[string]saw{}
	var lock sync.Mutex
	var done sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for name, play := range all {
		done.Go(func() {
			slots <- struct{}{}
			outcome := bounded(bootstrap, name, play)
			<-slots
			lock.Lock()
			defer lock.Unlock()
			seen[name] = outcome
		})
	}
	done.Wait()
	return seen
}

func bounded(bootstrap, name string, play scenario) saw {
	outcome := make(chan saw, 1)
	go func() { outcome <- one(bootstrap, name, play) }()
	select {
	case found := <-outcome:
		return found
	case <-time.After(scenarioMax):
		return saw{"failed": fmt.Sprintf("not done after %s", scenarioMax)}
	}
}

func one(bootstrap, name string, play scenario) (outcome saw) {
	began := time.Now()
	stage := &stage{bootstrap: bootstrap, scenario: name}
	defer func() {
		if broken := recover(); broken != nil {
			outcome = saw{"failed": fmt.Sprintf("%v\n%s", broken, debug.Stack())}
		}
		stage.close()
		fmt.Fprintf(os.Stderr, "%s: %d ms\n", name, time.Since(began).Milliseconds())
	}()
	return saw{"saw": play(stage)}
}
