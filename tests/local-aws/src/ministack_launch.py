"""Runs ministack so that nothing of it outlives the process that started it.

The starter holds the other end of standard input open. When that closes, however
the starter ended, the whole process group goes: ministack and every function it
runs. The address to listen on is the only argument; GATEWAY_PORT, which ministack
writes into URLs, is the port of the endpoint in front of it.
"""

import glob
import os
import signal
import sys
import threading


def end_with_starter():
    sys.stdin.buffer.read()
    for process_id in children():
        os.kill(process_id, signal.SIGKILL)
        # Reaped here, because not every container has an init that would.
        os.waitpid(process_id, 0)
    os.killpg(0, signal.SIGKILL)


def children():
    """The functions' processes, where the system tells (Linux)."""
    found = []
    for path in glob.glob("/proc/self/task/*/children"):
        with open(path) as listed:
            found += map(int, listed.read().split())
    return found


threading.Thread(target=end_with_starter, daemon=True).start()

from hypercorn.__main__ import main  # noqa: E402

sys.exit(
    main(
        [
            "ministack.app:app",
            "--workers",
            "0",
            "--keep-alive",
            "75",
            "--bind",
            sys.argv[1],
        ]
    )
)
