"""As whom PostgreSQL runs: it refuses root, and it has to reach its programs and its data."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from libs.db.embedded import child
from libs.db.embedded.refusals import AccountMissing, FolderNotOurs

PREFERRED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """A way to run a program as somebody."""

    uid: int
    gid: int
    """Whom the files belong to, as this process sees it."""

    wrapper: tuple[str, ...] = ()
    """What goes before the program on its command line."""

    def reaches(self, folder: Path, programs: Path) -> bool:
        """Says whether PostgreSQL's programs and a folder can be used by this account."""
        question = 'test -x "$0" && exec "$1" --version'
        asked = ("/bin/sh", "-c", question, str(folder), str(programs / "postgres"))
        # As the server is started. Were subprocess to change the user, it would fork
        # for real, which gRPC does not bear once it is in use.
        answer = subprocess.run(  # noqa: S603
            [*self.becoming(), *asked], capture_output=True, check=False, cwd="/"
        )
        return answer.returncode == 0

    def becoming(self) -> list[str]:
        """Gives what goes before a command line to run it as this account, for as long as we live."""
        script = [sys.executable, "-I", "-S", child.__file__]
        return [*script, str(os.getpid()), str(self.uid), str(self.gid), *self.wrapper]

    def take(self, path: Path) -> None:
        """Makes this account the owner of a file, or of a folder and all in it."""
        if path.lstat().st_uid == self.uid:
            return
        if os.geteuid():
            raise FolderNotOurs(f"{path} belongs to another user: run as that user")
        for inner in path.rglob("*"):
            os.chown(inner, self.uid, self.gid, follow_symlinks=False)
        os.chown(path, self.uid, self.gid)


def accounts() -> Iterator[Account]:
    """Gives the accounts PostgreSQL may run under, the best first.

    Root gives it to another user. Where that user cannot pass the folders (a
    clone below a private home), PostgreSQL stays root to the disk and is
    somebody else in a user namespace, which containers often refuse.
    """
    if os.geteuid():
        yield Account(os.geteuid(), os.getegid())
        return
    other = _unprivileged()
    yield Account(other.pw_uid, other.pw_gid)
    if unshare := shutil.which("unshare"):
        inside = (f"--map-user={other.pw_uid}", f"--map-group={other.pw_gid}")
        yield Account(0, 0, (unshare, "--user", *inside))


def _unprivileged() -> pwd.struct_passwd:
    for name in PREFERRED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AccountMissing(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: "
        "make one, or run as a normal user"
    )
