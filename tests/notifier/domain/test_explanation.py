from services.notifier.domain.decision import Suppression
from services.notifier.domain.event import DETAILS, Kind, imagined
from services.notifier.domain.explanation import REASONS


def test_every_reason_can_be_said():
    assert REASONS.keys() == set(Suppression)


def test_every_kind_of_event_can_be_imagined():
    assert DETAILS.keys() == set(Kind)
    for kind in Kind:
        assert imagined("loc-1", "wf-1", kind).detail.kind is kind
