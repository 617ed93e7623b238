"""What `scripts/bench` measures, and with what.

| module      | what is in it                                                                   |
|-------------|---------------------------------------------------------------------------------|
| servers.py  | server processes: started, waited for, weighed, stopped by pid                  |
| echo.py     | the yardstick: a bare uvicorn ASGI JSON echo, a program of its own              |
| load.py     | wrk: a load, a run, its result; wrk/replay.lua sends the bodies of a file,      |
|             | wrk/turns.lua receives and deletes what comes, and sends if asked to            |
| client.py   | a small HTTP client that fills and empties queues, and the parked connections   |
| report.py   | progress on stderr, tables on stdout, figures as JSON                           |
| startup.py  | time until `Ready.` and idle memory, of any server                              |
| rates.py    | a service's actions against the echo, in interleaved rounds                     |
| sqs.py      | `scripts/bench sqs`: what is measured of SQS; queues.py speaks to it,           |
|             | scale.py has the backlog, the many queues and the parked polls                  |
| latency.py  | single answers: at a steady rate (pace.py), and of long polls that wake         |
| flat.py     | the same loads on servers that differ in size, as scale.py and quick.py do;     |
|             | lanes.py has the loads                                                          |
| boto.py     | `scripts/bench boto3`, against canned.py, which answers the same bytes          |
| fanout.py   | `scripts/bench fanout`: SNS to ten queues, an EventBridge rule to one           |
| peers.py    | `scripts/bench peers`: other emulators, fetched and started by peers_fetch.py;  |
|             | peers_wake.py wakes their long polls                                            |
| soak.py     | `scripts/bench soak`: minutes of mixed load; soak_yard.py has the account       |
| quick.py    | `scripts/bench quick`: the most telling ratios, in a minute                     |
| document.py | docs/benchmarks.md, for commands that are asked to `--write`                    |
| patterns.py | `scripts/bench patterns`: event patterns, in this process and without wrk       |
| kafka.py    | `scripts/bench kafka`: what is measured of Kafka, beside apache_kafka.py where  |
|             | there is Java; kafka_load.py has the loads, librdkafka.py the client library,   |
|             | kafka_wire.py a client by hand, kafka_group.py a group with many members        |

A new service brings a module with a list of `rates.Action` and a function `run(plan)`, and a command in `scripts/bench`.
"""
