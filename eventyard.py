"""The `eventyard` command, under a name that no project of a user's has.

Eventyard's packages are called `emulator` and `services`, and so may be a user's own. A folder of theirs on PYTHONPATH
comes before site-packages, so a plain `import emulator` could find theirs. This module binds both names to the folders
beside this file before anything else asks for them, and leaves `sys.path` as it was.
"""

import contextlib
import gc
import importlib.util
import logging
import os
import sys
from pathlib import Path


def bind(name: str, folder: Path) -> None:
    """Make `import <name>` mean the package in `folder`, whatever sys.path holds. It runs when it is first looked into, so that
    `--help` does not wait for the services.
    """
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"eventyard is not installed whole: {folder} is missing")
    loader = spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)


def main() -> None:
    """Start the command line of emulator/__main__.py.

    The cycle collector rests until the server has started (`tune_garbage_collector` in emulator/server.py): what a start makes
    stays, and walking over it again and again took a sixth of the time until `Ready.`.

    When the server has ended and everything is closed, the process ends at once: Python would free a million messages one by one, for
    seconds, and `docker stop` has patience for ten.
    """
    gc.disable()
    home = Path(__file__).resolve().parent
    bind("emulator", home / "emulator")
    bind("services", home / "services")
    from emulator.__main__ import main as command_line

    command_line()
    logging.shutdown()
    with contextlib.suppress(OSError):  # nobody may be there to read
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
