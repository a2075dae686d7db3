import pytest
from aiohttp import FormData

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.problems import NotFound, WrongState
from tests.gateway.rest.well import INCIDENT, NOW

BY = "owner@agency.example by the link in a mail"


class LinkBroken(NotFound):
    """The link is not whole."""

    reason = "LINK_BROKEN"


class LinkExpired(WrongState):
    """The link is too old; open the newest mail, or sign in."""

    reason = "LINK_EXPIRED"


def a_link(act, **changes):
    incident = None if act == "unsubscribe" else INCIDENT
    given = {"incident": incident, "done": False, "location_id": "loc-demo"}
    return pb.Link(
        act=act,
        address="owner@agency.example",
        actor=BY,
        expires_at=NOW,
        **given | changes,
    )


@pytest.fixture
def notifier(well):
    def answers(act, **changes):
        before, after = a_link(act, **changes), a_link(act, **changes | {"done": True})
        well.notifier.answers("GetLink", pb.GetLinkResponse(link=before))
        well.notifier.answers("FollowLink", pb.FollowLinkResponse(link=after))
        return well.notifier

    return answers


@pytest.mark.parametrize(
    ("act", "button"),
    [
        ("acknowledge", "Acknowledge"),
        ("snooze", "Snooze"),
        ("resolve", "Resolve"),
        ("unsubscribe", "Unsubscribe"),
    ],
)
async def test_opening_a_link_shows_a_button_and_does_nothing(notifier, gateway, act, button):
    asked = notifier(act).asked

    page = await gateway.stranger.get("/a/abc.def")

    assert page.status == 200
    assert f"<button>{button}</button>" in page.text
    assert '<form method="post">' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert asked["GetLink"][-1].token == "abc.def"
    assert not asked["FollowLink"]


async def test_the_button_does_it_and_the_audit_log_names_who_and_how(notifier, gateway):
    fake = notifier("acknowledge")

    page = await gateway.stranger.call("POST", "/a/abc.def", data={"note": "Mine."})

    assert page.status == 200
    assert "<h1>Done</h1>" in page.text
    assert "<button>" not in page.text
    asked = fake.last("FollowLink")
    assert (asked.token, asked.note) == ("abc.def", "Mine.")
    (entry, *_) = (await gateway.access.list_audit("loc-demo")).items
    assert (entry.action, entry.subject) == ("incident.acknowledged", "i-1")
    assert (entry.key_name, entry.key_id) == (BY, "link")


@pytest.mark.parametrize("act", ["acknowledge", "unsubscribe"])
async def test_what_is_the_agencys_is_of_no_location(notifier, gateway, act):
    notifier(act, location_id="")

    page = await gateway.stranger.call("POST", "/a/abc.def", data={})

    assert page.status == 200
    (entry, *_) = (await gateway.access.list_audit(None)).items
    assert (entry.key_name, entry.location_id) == (BY, None)
    known = (await gateway.access.list_locations(page_size=500)).items
    assert "" not in {each.location_id for each in known}


async def test_what_was_done_before_is_not_written_down_again(notifier, gateway):
    notifier("acknowledge", done=True)
    before = (await gateway.access.list_audit("loc-demo")).items

    page = await gateway.stranger.call("POST", "/a/abc.def", data={})

    assert "<h1>Done</h1>" in page.text
    assert (await gateway.access.list_audit("loc-demo")).items == before


async def test_a_mail_program_unsubscribes_with_one_post_and_without_signing_in(notifier, gateway):
    fake = notifier("unsubscribe")

    answer = await gateway.stranger.call(
        "POST", "/a/abc.def", data={"List-Unsubscribe": "One-Click"}
    )

    assert answer.status == 200
    assert fake.last("FollowLink").token == "abc.def"
    (entry, *_) = (await gateway.access.list_audit("loc-demo")).items
    assert (entry.action, entry.subject) == ("target.unsubscribed", "owner@agency.example")


async def test_a_form_that_nobody_sends_by_hand_is_refused_and_does_nothing(notifier, gateway):
    fake = notifier("acknowledge")

    page = await gateway.stranger.call(
        "POST", "/a/abc.def", data={f"field-{number}": "x" for number in range(21)}
    )

    assert page.status == 400
    assert page.headers["Content-Type"].startswith("text/html")
    assert not fake.asked["FollowLink"]


async def test_a_mail_program_may_unsubscribe_with_a_multipart_form_too(notifier, gateway):
    fake = notifier("unsubscribe")
    one_click = FormData(default_to_multipart=True)
    one_click.add_field("List-Unsubscribe", "One-Click")

    answer = await gateway.stranger.call("POST", "/a/abc.def", data=one_click)

    assert answer.status == 200
    assert fake.last("FollowLink").token == "abc.def"


@pytest.mark.parametrize(("problem", "status"), [(LinkBroken(), 404), (LinkExpired(), 400)])
async def test_a_link_that_is_no_good_is_told_as_a_page(well, gateway, problem, status):
    well.notifier.answers("GetLink", problem)
    well.notifier.answers("FollowLink", problem)

    for method in ("GET", "POST"):
        page = await gateway.stranger.call(method, "/a/abc")

        assert page.status == status
        assert page.headers["Content-Type"].startswith("text/html")
        assert problem.message in page.text
    assert not well.notifier.asked["FollowLink"]


async def test_what_strangers_wrote_stays_text(notifier, gateway):
    hostile = pb.Incident()
    hostile.CopyFrom(INCIDENT)
    hostile.title = "<script>alert(1)</script>"
    notifier("acknowledge", incident=hostile)

    page = await gateway.stranger.get("/a/abc.def")

    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
