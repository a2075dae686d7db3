"""Messages say how much happened since the last one that no message tells."""

import json
from datetime import timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    a_critical_finding,
    a_failing_event,
    a_fixed_finding,
    a_good_score,
    a_low_score,
    a_recovery,
    caught,
    configure,
    report,
)
from tests.notifier.silences import NOON, silence
from tests.notifier.targets import add_target
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually

HOUR = timedelta(hours=1)


@pytest.fixture
async def clock(notifier_url):
    set_clock(notifier_url, NOON)
    yield lambda passed: set_clock(notifier_url, NOON + passed)
    release_clock(notifier_url)


async def mails(notifier, number):
    async def there():
        found = await caught(notifier)
        return found if len(found) == number else None

    return await eventually(there)


async def quiet_in(notifier, number):
    """Gives what each mail says of the quiet before it, the oldest mail first."""
    found = []
    for mail in reversed(await mails(notifier, number)):
        lines = [each for each in mail.text.splitlines() if each.startswith("While quiet: ")]
        found.append(lines[0].removeprefix("While quiet: ") if lines else "")
    return found


async def documents(hook, number):
    await eventually(lambda: len(hook.requests) == number)
    return [json.loads(each.body) for each in hook.requests]


async def test_the_end_says_what_was_not_told_in_between(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(new_failures=3))
    await mails(notifier, 1)
    await report(notifier, *(a_failing_event(new_failures=2) for _ in range(20)))

    await report(notifier, a_recovery())

    assert await quiet_in(notifier, 2) == ["", "+40 failures"]


async def test_webhooks_carry_it_as_a_number_even_where_there_is_none(delivering, hook):
    await configure(delivering, webhook_url=hook.url)
    await report(delivering, a_failing_event(new_failures=3))
    await documents(hook, 1)
    await report(delivering, a_failing_event(new_failures=37))
    await report(delivering, a_recovery())

    told = [each["data"]["suppressed_since_last"] for each in await documents(hook, 2)]

    assert told == [0, 37]


async def test_a_body_of_the_users_own_may_carry_it(delivering, hook):
    body = '{"quiet": "$SUPPRESSED_SINCE_LAST"}'
    await add_target(delivering, "webhook", hook.url, body_template=body)
    await report(delivering, a_failing_event())
    await documents(hook, 1)
    await report(delivering, a_failing_event(), a_failing_event(), a_recovery())

    assert await documents(hook, 2) == [{"quiet": "0"}, {"quiet": "2"}]


async def test_each_message_counts_from_the_one_before(notifier, clock):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(new_failures=3))
    await mails(notifier, 1)
    await report(notifier, a_failing_event(new_failures=7))
    clock(4 * HOUR)
    await mails(notifier, 2)
    await report(notifier, a_failing_event(new_failures=4))
    await report(notifier, a_recovery())

    assert await quiet_in(notifier, 3) == ["", "+7 failures", "+4 failures"]


async def test_what_a_silence_kept_back_is_said_by_the_next_incident_of_the_kind(notifier, clock):
    await configure(notifier, alert_email=EMAIL)
    await silence(notifier)
    await report(notifier, a_critical_finding())
    await report(notifier, a_fixed_finding())
    await report(notifier, a_critical_finding(), a_critical_finding(), a_fixed_finding())
    clock(2 * HOUR)

    await report(notifier, a_critical_finding())

    assert await quiet_in(notifier, 1) == ["+3 events"]


async def test_each_target_is_told_of_its_own_quiet(notifier, clock):
    await add_target(notifier, "email", EMAIL)
    await add_target(
        notifier, "email", "severe@agency.example", severity_floor=pb.SEVERITY_CRITICAL
    )
    await report(notifier, a_low_score(score=45))
    await mails(notifier, 1)
    await report(notifier, a_low_score(score=44), a_low_score(score=43))

    await report(notifier, a_low_score(score=20))

    found = {each.recipient: each.text for each in (await mails(notifier, 3))[:2]}
    assert "While quiet: +2 events" in found[EMAIL]
    assert "While quiet: +3 events" in found["severe@agency.example"]


async def test_what_counts_while_a_message_waits_is_said_by_it(start, database_url):
    notifier = await start(group_wait=HOUR)
    set_clock(database_url, NOON)
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_low_score(score=45), a_low_score(score=44), a_low_score(score=43))

    set_clock(database_url, NOON + HOUR)

    assert await quiet_in(notifier, 1) == ["+2 events"]


async def test_an_end_that_stands_for_the_beginning_too_says_how_much_it_was_anyway(
    start, database_url
):
    notifier = await start(group_wait=HOUR)
    set_clock(database_url, NOON)
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_low_score(), a_low_score(), a_good_score())

    set_clock(database_url, NOON + 2 * HOUR)

    assert await quiet_in(notifier, 1) == [""]


async def test_a_message_of_many_says_it_of_each(start, database_url):
    notifier = await start(group_wait=HOUR)
    set_clock(database_url, NOON)
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, *(a_low_score(each) for each in ("wf-1", "wf-2", "wf-2", "wf-2")))

    set_clock(database_url, NOON + HOUR)

    (mail,) = await mails(notifier, 1)
    lines = [each for each in mail.text.splitlines() if each.startswith("- [WARNING]")]
    assert ["(+2 while quiet)" in each for each in lines] == [False, True]
