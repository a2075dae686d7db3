"""Why there is no server, and what to do about it."""

from libs.problems import CannotStart


class PostgresMissing(CannotStart):
    """There are no PostgreSQL programs on this machine."""


class PostgresNotStarted(CannotStart):
    """PostgreSQL did not start; its log says why."""


class FolderInUse(CannotStart):
    """Another program keeps its database in this folder."""


class FolderNotOurs(CannotStart):
    """The database's folder belongs to another user."""


class FolderOutOfReach(CannotStart):
    """No account that PostgreSQL accepts can use the folder or the programs."""


class AccountMissing(CannotStart):
    """PostgreSQL refuses to run as root, and there is nobody else."""


class DataFromOtherVersion(CannotStart):
    """The database was written by another version of PostgreSQL."""


class PasswordMissing(CannotStart):
    """The database is here and the file with its password is not."""
