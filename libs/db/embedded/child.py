"""Becomes another program that ends when the program that started it is gone.

Run as a script: `python -I -S child.py <parent> <uid> <gid> <program> …`. A
function between fork and exec would do the same in fewer lines, and can hang a
process that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Replaces this process by the command, as the user."""
    if os.geteuid() != uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # Only now: changing the user forgets it. Where there is no prctl, a parent
    # that is killed leaves the program behind, and the next start ends it.
    if sys.platform == "linux":
        # PostgreSQL's immediate shutdown: no last checkpoint that could take long.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
