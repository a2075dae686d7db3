"""The folder of one server: who may use it, its secrets and its lock."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from libs.db.embedded.refusals import FolderInUse, FolderNotOurs


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, that others may pass and not list.

    A folder that is there stays as it is. Owner-only folders would force root
    into a user namespace; the secrets are in files that only we can read.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder and keeps other programs out; the kernel forgets that when we die."""
    descriptor = _open_lock(folder)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def secret(file: Path) -> str:
    """Gives the secret in a file; makes one up when there is no such file."""
    if file.exists():
        return file.read_text()
    made = secrets.token_urlsafe(24)
    write_private(file, made)
    return made


def write_private(file: Path, text: str) -> None:
    """Writes a file that only we can read: the whole of it, or none."""
    draft = file.with_name(f"{file.name}.draft")
    draft.unlink(missing_ok=True)
    with open(draft, "x", opener=_private) as lines:
        lines.write(text)
        lines.flush()
        os.fsync(lines.fileno())
    draft.replace(file)


def open_log(file: Path) -> int:
    """Opens a log to append to; only we can read it."""
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _open_lock(folder: Path) -> int:
    try:
        make_folder(folder)
        return os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as error:
        raise FolderNotOurs(
            f"This user may not write {error.filename}: run as its owner, or choose another folder"
        ) from error


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.pread(descriptor, 32, 0).decode() or "unknown"
        raise FolderInUse(
            f"{folder} is in use by the program with pid {pid}: "
            "stop it, or choose another folder for this one",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
