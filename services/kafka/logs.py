"""Where partitions keep their records: in memory that all of them share, or in files of a folder each under the data directory."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, cast

from emulator.log.arenas import Arenas
from emulator.log.files import open_log
from emulator.log.log import Log
from services.kafka.record_batches import cut

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.kafka.partition import Partition
    from services.kafka.state import Cluster
    from services.kafka.topics import Topic

SEGMENT_BYTES_MAX = 1 << 30
_STARTS = "log_starts"


class Logs:
    """The logs of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        settings = cluster.settings
        self._journal = cluster.journal
        self._folder = None if settings.data_dir is None else settings.data_dir / "kafka" / "topics"
        self._starts = self._journal.load(_STARTS)
        self.arenas = Arenas(settings.kafka_memory, _beside)

    def open(self, topic: Topic, index: int) -> Log:
        """Make the log of a partition, or find what a former process left of it."""
        if self._folder is None:
            return Log(SEGMENT_BYTES_MAX, self.arenas)
        folder = self._place(topic, index)
        folder.mkdir(parents=True, exist_ok=True)
        return open_log(
            folder, cut, start_offset=self._starts.pop(folder.name, None), segment_max_bytes=SEGMENT_BYTES_MAX
        )

    def keep_start(self, partition: Partition) -> None:
        """Remember where a log begins: it may be inside of a segment."""
        if self._folder is not None:
            folder = self._place(partition.topic, partition.index)
            self._journal.put(_STARTS, folder.name, partition.log.start_offset)

    def remove(self, partition: Partition) -> None:
        """Throw a log away."""
        partition.log.clear()
        partition.log.close()
        if self._folder is not None:
            folder = self._place(partition.topic, partition.index)
            shutil.rmtree(folder, ignore_errors=True)
            self._journal.delete(_STARTS, folder.name)

    def _place(self, topic: Topic, index: int) -> Path:
        # With the id, so that a topic that is deleted and made again never meets its old files.
        return cast("Path", self._folder) / f"{topic.name}-{index}-{topic.topic_id.hex()}"


def _beside(work: Callable[[], None]) -> object:
    """Run something in a thread, so that touching fresh memory holds nobody up."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # no server runs: nobody to hold up
        work()
        return None
    return loop.run_in_executor(None, work)
