import html
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Scope
from gateway.pages.rendering import moment, prose
from libs.contracts.ingestion.v1 import ingestion_pb2 as ingestion
from libs.contracts.notifier.v1 import notifier_pb2 as notifier
from libs.contracts.scheduler.v1 import scheduler_pb2 as scheduler
from libs.problems import NotFound, Unavailable
from tests.gateway.rest.well import EXECUTION

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
VOID = {"meta", "link", "input", "img", "path", "br"}


class MailNotCaught(NotFound):
    """A mail server is configured, so mails are sent and not caught."""

    reason = "MAIL_NOT_CAUGHT"


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""

    reason = "DATABASE_UNAVAILABLE"


class Outline(HTMLParser):
    """Checks that what is opened is closed, and keeps what tests look at."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.ids = []
        self.handlers = []
        self.headings = []
        self.labelled = set()
        self.inputs = []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.handlers += [name for name in named if name.startswith("on") or name == "style"]
        if "id" in named:
            self.ids.append(named["id"])
        if tag == "label":
            self.labelled.add(named["for"])
        if tag == "input" and named.get("type") != "hidden":
            self.inputs.append(named["id"])
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def outline(page):
    found = Outline()
    found.feed(page)
    assert found.open == []
    return found


async def test_it_says_what_is_running_and_what_came_in(well, signed_in):
    browser = await signed_in(Scope.READ, "loc-demo")

    page = await browser.get("/")

    assert page.status == 200
    assert "Everything is running" in page.text
    for part in ("database", "ingestion", "scheduler", "notifier", "clockwork"):
        assert f'<span class="name">{part}</span>' in page.text
    for shown in ("Welcome", "Send SMS", "The phone number is not valid", "Welcome fails"):
        assert shown in page.text
    assert "score 71" in page.text
    assert "2 findings, 1 critical" in page.text
    assert "[CRITICAL] Welcome fails" in page.text
    assert "3 failures within 24 hours" in page.text
    assert well.ingestion.last("ListExecutions").location_id == "loc-demo"
    assert well.notifier.last("ListCaughtMail").location_id == "loc-demo"


@pytest.mark.parametrize("path", ["/", "/docs", "/sign-in"])
async def test_its_form_is_sound(well, signed_in, path):
    page = (await (await signed_in()).get(path)).text

    found = outline(page)

    assert '<html lang="en">' in page
    assert 'name="viewport"' in page
    assert 'name="color-scheme" content="light dark"' in page
    assert page.count("<main") == page.count("<h1") == 1
    assert found.handlers == []
    assert len(found.ids) == len(set(found.ids))
    assert all(each in found.labelled for each in found.inputs)
    steps = zip(found.headings, found.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps)
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert "<script>" not in page


async def test_the_command_sends_an_event_and_shows_no_key(well, gateway, signed_in):
    page = (await (await signed_in()).get("/", location_id="loc-demo")).text

    command = html.unescape(re.search(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)[1])
    address = gateway.url.removeprefix("http://")
    path = f"http://{address}/api/workflows/wf-welcome/executions?location_id=loc-demo"
    assert path in command
    assert "$KEY" in command
    assert re.search(r"KEY=\$\(cat /\S+/admin\.key\)", command)
    assert "rw_" not in page


async def test_a_key_of_a_location_needs_no_location_in_the_command(well, signed_in):
    page = (await (await signed_in(Scope.READ, "loc-own")).get("/")).text

    command = re.search(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)[1]
    assert "location_id" not in command
    assert "admin.key" not in command
    assert "KEY=rw_…" in command


async def test_a_forged_host_is_not_put_into_the_command(well, signed_in, gateway):
    browser = await signed_in()
    forged = browser._client.with_headers(Host="evil'; rm -rf $HOME #")

    page = (await forged.get("/")).text

    assert "rm -rf" not in page


async def test_an_agency_chooses_the_location(well, gateway, signed_in):
    await gateway.access.put_location("loc-a&b", name="Acme <b>")
    await gateway.access.put_location("loc-c", name="Another to choose from")
    browser = await signed_in()

    page = await browser.get("/", location_id="loc-a&b")

    assert 'href="/?location_id=loc-a%26b"' in page.text
    assert "Acme &lt;b&gt;" in page.text
    assert well.ingestion.last("ListExecutions").location_id == "loc-a&b"


async def test_a_location_that_is_not_the_keys_is_a_page_that_says_so(well, signed_in):
    browser = await signed_in(Scope.READ, "loc-own")

    page = await browser.get("/", location_id="loc-other")

    assert page.status == 403
    assert page.headers["Content-Type"].startswith("text/html")
    assert "another location" in page.text
    assert not well.ingestion.asked


async def test_nothing_yet_says_what_to_do(street, signed_in):
    street.ingestion.answers("ListExecutions", ingestion.ListExecutionsResponse())
    street.notifier.answers("ListIncidents", notifier.ListIncidentsResponse())
    street.notifier.answers("ListCaughtMail", MailNotCaught())
    street.scheduler.answers("ListScans", scheduler.ListScansResponse())
    street.scheduler.answers(
        "GetSchedulerStatus",
        scheduler.GetSchedulerStatusResponse(state=scheduler.GetSchedulerStatusResponse.STATE_OK),
    )

    page = (await (await signed_in(Scope.READ, "loc-own")).get("/")).text

    assert "Nothing came in yet" in page
    assert re.search(r"<details class=\"card\" open>", page)
    assert "no mail server" in page


async def test_a_part_that_is_away_leaves_the_rest_of_the_page(well, signed_in):
    well.scheduler.answers("ListScans", DatabaseUnavailable())

    page = await (await signed_in(Scope.READ, "loc-own")).get("/")

    assert page.status == 200
    assert "The database does not answer." in page.text
    assert "Welcome fails" in page.text


async def test_what_came_in_is_shown_as_text(well, signed_in):
    evil = ingestion.Execution()
    evil.CopyFrom(EXECUTION)
    evil.workflow_name = evil.error_message = '<img src=x onerror="alert(1)">'
    well.ingestion.answers("ListExecutions", ingestion.ListExecutionsResponse(executions=[evil]))

    page = (await (await signed_in(Scope.READ, "loc-own")).get("/")).text

    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    outline(page)


async def test_every_call_is_in_the_reference(well, gateway, signed_in):
    browser = await signed_in()
    document = (await browser.get("/openapi.json")).body

    page = (await browser.get("/docs")).text

    for path, methods in document["paths"].items():
        assert f"<code>{path}</code>" in page
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
    assert "&#34;frequency&#34;: &#34;daily&#34;" in page
    assert "customData" in page


@pytest.mark.parametrize("file", ["pages.css", "copy.js", "icon.svg"])
async def test_static_files_need_no_key_and_are_kept_by_browsers(gateway, file):
    first = await gateway.stranger.get(f"/static/{file}")
    again = await gateway.stranger.with_headers(If_None_Match=first.headers["ETag"]).get(
        f"/static/{file}"
    )

    assert (first.status, first.headers["Cache-Control"]) == (200, "no-cache")
    assert (again.status, again.text) == (304, "")


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(milliseconds=500), "just now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=3, seconds=40), "3 min ago"),
        (timedelta(hours=25), "1 d ago"),
        (timedelta(days=7), "2026-02-23 12:30 UTC"),
        (timedelta(hours=-2), "in 2 h"),
    ],
)
def test_times_are_told_as_people_tell_them(ago, said):
    assert moment(NOW - ago, NOW) == said


@given(text=st.text(alphabet="ab`*<>&\"' \n"))
def test_prose_never_lets_markup_through(text):
    shown = re.sub(r"</?(p|code|strong)>", "", prose(text))

    assert "<" not in shown
    assert ">" not in shown


async def test_a_link_in_an_alert_leads_to_its_location(gateway):
    answer = await gateway.stranger.get("/l/loc%201/workflows/wf-1")

    assert (answer.status, answer.headers["Location"]) == (302, "/?location_id=loc%201")
