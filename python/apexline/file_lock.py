"""Locks on open files, which the operating system releases when the process ends, however it ends."""

from __future__ import annotations

import errno
import sys

UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Errors of file systems without locks, such as some network file systems."""

if sys.platform == "win32":

    def try_lock(_: int) -> bool | None:
        """None: on Windows files are not locked."""
        return None

else:
    import fcntl

    def try_lock(descriptor: int) -> bool | None:
        """Lock an open file unless another open one has the lock, in this process or another.

        Closing the descriptor releases the lock.

        Returns:
            True if it is locked now, False if the lock is taken, None if the file system has no locks.

        Raises:
            OSError: the file cannot be locked for another reason.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            return None
        return True
