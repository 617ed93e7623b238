"""The append-only log: archives (SNS FIFO topics, EventBridge) and Kafka partitions are each one of these.

segment.py and log.py are cores without I/O: times are arguments. Only replay.py knows asyncio.

segment.py   a stretch of a log: one buffer of bytes and its index
log.py       a log: segments in order, appended at the end, dropped from the start
replay.py    a log read to its end beside the requests
"""
