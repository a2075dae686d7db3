"""A PostgreSQL server of our own, from a wheel's programs, for as long as a program runs."""

from libs.db.embedded.cluster import Cluster
from libs.db.embedded.refusals import (
    AccountMissing,
    DataFromOtherVersion,
    FolderInUse,
    FolderNotOurs,
    FolderOutOfReach,
    PasswordMissing,
    PostgresMissing,
    PostgresNotStarted,
)
from libs.db.embedded.running import embedded_postgres, running_postgres

__all__ = [
    "AccountMissing",
    "Cluster",
    "DataFromOtherVersion",
    "FolderInUse",
    "FolderNotOurs",
    "FolderOutOfReach",
    "PasswordMissing",
    "PostgresMissing",
    "PostgresNotStarted",
    "embedded_postgres",
    "running_postgres",
]
