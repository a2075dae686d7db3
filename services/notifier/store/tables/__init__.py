"""The tables that the notifier owns."""

from services.notifier.store.tables.columns import NotifierTable
from services.notifier.store.tables.deliveries import (
    CaughtMailRow,
    ChannelHoldRow,
    DeliveryAttemptRow,
    DeliveryRow,
    MessageRow,
    TestAlertRow,
)
from services.notifier.store.tables.forgotten import ForgottenContactRow
from services.notifier.store.tables.incidents import EventRow, IncidentActionRow, IncidentRow
from services.notifier.store.tables.settings import AlertSettingsRow
from services.notifier.store.tables.silences import SilenceRow
from services.notifier.store.tables.targets import TargetRow

__all__ = [
    "AlertSettingsRow",
    "CaughtMailRow",
    "ChannelHoldRow",
    "DeliveryAttemptRow",
    "DeliveryRow",
    "EventRow",
    "ForgottenContactRow",
    "IncidentActionRow",
    "IncidentRow",
    "MessageRow",
    "NotifierTable",
    "SilenceRow",
    "TargetRow",
    "TestAlertRow",
]
