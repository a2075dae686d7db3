"""What ingestion does unasked."""

from datetime import timedelta

from libs.clockwork import Clockwork
from libs.db.outbox import Dispatcher
from services.ingestion.actions.following import ThresholdCopy
from services.ingestion.actions.tidying import Tidying

OUTBOX = "outbox"
"""Woken after each commit that has something to tell."""


def start(
    works: Clockwork, *, dispatcher: Dispatcher, thresholds: ThresholdCopy, tidying: Tidying
) -> None:
    """Starts the jobs; they run until the clockwork stops."""
    works.every(timedelta(seconds=0.5), dispatcher.dispatch, name=OUTBOX)
    works.every(timedelta(seconds=15), dispatcher.state, name="outbox_depth")
    works.every(timedelta(seconds=2), thresholds.refresh, name="thresholds")
    works.every(timedelta(hours=1), tidying.renew_partitions, name="partitions")
    works.every(timedelta(hours=1), tidying.forget_expired, name="forget_expired")
