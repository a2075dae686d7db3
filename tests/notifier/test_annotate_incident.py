import pytest

from tests.notifier.builders import (
    a_failing_event,
    a_recovery,
    act,
    deeds_of,
    refused_as,
    report,
    the_incident,
)


@pytest.fixture
async def incident(notifier):
    await report(notifier, a_failing_event())
    return await the_incident(notifier)


async def test_notes_are_kept_with_who_wrote_them_also_when_it_is_over(notifier, incident):
    await act(notifier, "Annotate", incident.incident_id, actor="First", note="Looking.")
    await report(notifier, a_recovery())
    await act(notifier, "Annotate", incident.incident_id, actor="Second", note="It was DNS.")

    assert await deeds_of(notifier, incident.incident_id) == [
        ("noted", "First", "Looking."),
        ("noted", "Second", "It was DNS."),
    ]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"note": " "}, "NOTE_MISSING"),
        ({"note": "x", "actor": ""}, "ACTOR_MISSING"),
        ({"note": "x", "location_id": "loc-2"}, "INCIDENT_NOT_FOUND"),
    ],
)
async def test_a_note_needs_a_text_an_author_and_an_incident(notifier, incident, asked, reason):
    with refused_as(reason):
        await act(notifier, "Annotate", incident.incident_id, **asked)
