from datetime import timedelta

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import datetime_from, timestamp
from tests.notifier.builders import SECONDS, configure, refused_as


async def effective(notifier, since=None, **request):
    request = pb.ListEffectiveSettingsRequest(changed_since=timestamp(since), **request)
    return await notifier.ListEffectiveSettings(request, timeout=SECONDS)


def at(settings):
    return datetime_from(settings.updated_at, "updated_at")


async def test_the_defaults_come_with_every_answer(notifier):
    response = await effective(notifier)

    assert not response.settings
    defaults = response.defaults
    assert (defaults.enabled, defaults.failure_threshold, defaults.time_window_hours) == (
        True,
        3,
        24,
    )
    assert defaults.location_id == ""


async def test_all_configured_locations_are_listed_oldest_change_first(notifier):
    for location_id in ("loc-b", "loc-a", "loc-c"):
        await configure(notifier, location_id, failure_threshold=5)
    await configure(notifier, "loc-b", enabled=False)

    listed = (await effective(notifier)).settings

    assert [each.location_id for each in listed] == ["loc-a", "loc-c", "loc-b"]
    assert [each.enabled for each in listed] == [True, True, False]


async def test_only_what_changed_since_a_time_is_listed_that_moment_included(notifier):
    for location_id in ("loc-a", "loc-b"):
        await configure(notifier, location_id, failure_threshold=5)
    first, second = (await effective(notifier)).settings

    listed = (await effective(notifier, since=at(second))).settings
    none = (await effective(notifier, since=at(second) + timedelta(microseconds=1))).settings

    assert [each.location_id for each in listed] == ["loc-b"]
    assert not none
    assert at(first) < at(second)


async def test_what_is_not_set_where_something_changed_holds_from_above(notifier):
    await configure(notifier, installation=True, time_window_hours=48)
    await configure(notifier, "loc-a", failure_threshold=7)
    await configure(notifier, "loc-a", "wf-1", enabled=False)
    *_, last = (await effective(notifier)).settings

    response = await effective(notifier, since=at(last))

    (listed,) = response.settings
    assert (listed.location_id, listed.workflow_id) == ("loc-a", "wf-1")
    assert (listed.enabled, listed.failure_threshold, listed.time_window_hours) == (False, 7, 48)
    assert response.defaults.time_window_hours == 48


async def test_pages_hold_every_row_once(notifier):
    locations = [f"loc-{number}" for number in range(5)]
    for location_id in locations:
        await configure(notifier, location_id, failure_threshold=5)

    seen, token = [], ""
    while True:
        page = await effective(notifier, page_size=2, page_token=token)
        seen += [each.location_id for each in page.settings]
        token = page.next_page_token
        if not token:
            break

    assert seen == locations


async def test_a_token_of_other_filters_and_a_negative_size_are_refused(notifier):
    for location_id in ("loc-a", "loc-b"):
        await configure(notifier, location_id, failure_threshold=5)
    page = await effective(notifier, page_size=1)

    with refused_as("PAGE_TOKEN_WRONG"):
        await effective(
            notifier, since=at(page.settings[0]), page_size=1, page_token=page.next_page_token
        )
    with refused_as("PAGE_TOKEN_WRONG"):
        await effective(notifier, page_token="nonsense")
    with refused_as("PAGE_SIZE_NEGATIVE"):
        await effective(notifier, page_size=-1)
