"""The append-only log: archives (SNS FIFO topics, EventBridge) and Kafka partitions are each one of these.

segment.py, reading.py, log.py, rewrite.py and store.py are cores without I/O: times are arguments, and where the bytes lie is the
affair of a store that is handed in. Only replay.py knows asyncio.

segment.py   a stretch of a log: its bytes in one room, and their index
reading.py   what is read from a log: entries by offset, copied or looked at; offsets by time
log.py       a log: segments in order, appended at the end, dropped from the start
rewrite.py   compaction: sealed segments give way to fewer and smaller ones
store.py     what a store is; the default one: buffers of the heap (archives)
arenas.py    recycled memory for the segments of many logs (Kafka partitions)
files.py     mapped files, and how a log is opened again after a crash (Kafka partitions with a data directory)
replay.py    a log read to its end beside the requests
"""
