from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    SECONDS,
    a_failing_event,
    configure,
    refused_as,
    report,
)
from tests.notifier.silences import expire, silence, silences_of


async def test_they_are_listed_with_what_they_suppressed_newest_first(notifier):
    await configure(notifier, alert_email=EMAIL)
    first = await silence(notifier, workflow_id="wf-1")
    second = await silence(notifier, workflow_id="wf-2")
    await report(notifier, a_failing_event("wf-1"), a_failing_event("wf-3"))

    listed = await silences_of(notifier)

    assert [each.silence_id for each in listed] == [second.silence_id, first.silence_id]
    assert [each.suppressed_count for each in listed] == [0, 1]


async def test_those_of_all_locations_are_listed_everywhere_with_what_is_this_ones(notifier):
    everywhere = await silence(notifier, installation=True)
    await silence(notifier, "loc-2")
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(), a_failing_event(location_id="loc-2"))

    (here,) = await silences_of(notifier)
    (alone,) = await silences_of(notifier, "")

    assert here.silence_id == alone.silence_id == everywhere.silence_id
    assert (here.location_id, here.suppressed_count) == ("", 1)


async def test_those_that_ended_are_left_out_unless_they_are_asked_for(notifier):
    made = await silence(notifier)
    await expire(notifier, made.silence_id)

    assert not await silences_of(notifier)
    (ended,) = await silences_of(notifier, include_ended=True)
    assert (ended.active, ended.expired_by) == (False, "Owner")


async def test_pages_hold_every_silence_once(notifier):
    made = [(await silence(notifier)).silence_id for _ in range(5)]

    seen, token = [], ""
    while True:
        page = await notifier.ListSilences(
            pb.ListSilencesRequest(location_id="loc-1", page_size=2, page_token=token),
            timeout=SECONDS,
        )
        seen += [each.silence_id for each in page.silences]
        token = page.next_page_token
        if not token:
            break

    assert seen == made[::-1]
    with refused_as("PAGE_TOKEN_WRONG"):
        await silences_of(notifier, page_token="nonsense")
