"""Queue cores without I/O.

`now_ms` is an argument everywhere; only waiters.py knows asyncio, only upkeep.py and waiters.py know a clock.

message.py   one message and its states
core.py      what both kinds share: time passing, receipts, deletion, retention, counts
due.py       which message becomes visible next
expiry.py    which message is the oldest
lane.py      visible messages in order
standard.py  best-effort order, at-least-once; fair.py puts quiet groups before noisy ones
fifo.py      group order and locks, deduplication, receive attempts
waiters.py   parked long polls
upkeep.py    frees what only time makes obsolete, on queues that nobody touches
"""
