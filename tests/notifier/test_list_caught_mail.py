import psycopg

from tests.notifier.builders import (
    EMAIL,
    a_failing_event,
    caught,
    configure,
    deliveries_of,
    refused_as,
    report,
    smtp,
)
from tests.support.waiting import eventually


async def test_a_mail_is_caught_where_no_server_is_configured(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())

    (mail,) = await eventually(lambda: caught(notifier))

    (delivery,) = await deliveries_of(notifier)
    assert mail.message_id == f"<{delivery.delivery_id}@agency.example>"
    assert (mail.sender, mail.recipient) == ("alerts@agency.example", EMAIL)
    assert mail.location_id == "loc-1"
    assert mail.subject == delivery.subject
    assert "Send SMS" in mail.text
    assert "Send SMS" in mail.html
    assert mail.HasField("caught_at")


async def test_mails_can_be_told_by_location_newest_first(notifier):
    for location_id in ("loc-1", "loc-2"):
        await configure(notifier, location_id, alert_email=EMAIL)
        await report(notifier, a_failing_event(location_id=location_id))
        await eventually(lambda location_id=location_id: caught(notifier, location_id))

    assert [each.location_id for each in await caught(notifier)] == ["loc-2", "loc-1"]
    assert [each.location_id for each in await caught(notifier, "loc-1")] == ["loc-1"]


async def test_only_the_last_200_are_shown_and_only_those_are_kept(start, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO caught_mail (message_id, location_id, caught_at, sender, recipient,"
            " subject, body_text, body_html)"
            " SELECT n, 'loc-1', now(), 's', 'r', n, '', '' FROM generate_series(1, 203) n"
        )
    notifier = await start()

    shown = await caught(notifier)

    async def kept():
        async with await psycopg.AsyncConnection.connect(database_url) as connection:
            result = await connection.execute("SELECT count(*) FROM caught_mail")
            return await result.fetchone() == (200,)

    assert [shown[0].subject, shown[-1].subject] == ["203", "4"]
    assert len(shown) == 200
    assert await eventually(kept)


async def test_nothing_is_caught_where_a_server_is_configured(start, mailbox):
    notifier = await start(**smtp(mailbox))

    with refused_as("MAIL_NOT_CAUGHT"):
        await caught(notifier)
