"""The links in mails: a page that says what one would do, and a button that does it.

A link is followed without signing in: whoever has the mail may act. Opening one changes
nothing, because mail programs and their guards open links by themselves.
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from gateway.access import Caller, Scope
from gateway.pages.visitors import PageRoute, form, templates
from gateway.rest import wire
from gateway.rest.changes import ChangeLog
from gateway.rest.routes import backend
from libs.contracts.notifier.v1 import notifier_pb2 as pb

router = APIRouter(route_class=PageRoute, include_in_schema=False)

NO_KEY = "link"
"""What stands in the audit log where a key would."""

WORDS = {
    "acknowledge": ("Look after this incident?", "Acknowledge", "incident.acknowledged"),
    "snooze": ("Keep this incident quiet for 4 hours?", "Snooze", "incident.snoozed"),
    "resolve": ("Is this incident over?", "Resolve", "incident.resolved"),
    "unsubscribe": ("Stop these mails?", "Unsubscribe", "target.unsubscribed"),
}
DONE = {
    "acknowledge": "Somebody looks after it now; it is told again only if more severe.",
    "snooze": "It is quiet for now; if it is still open then, it is told once more.",
    "resolve": "It is over, and those who were told that it began are told so.",
    "unsubscribe": "No more alerts are sent to this address. The alert settings switch it on again.",
}
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@router.get("/a/{token}")
async def show_link(request: Request, token: str) -> Response:
    """Shows what a link would do."""
    back = backend(request)
    with back.asking("notifier"):
        found = await back.services.notifier.GetLink(
            pb.GetLinkRequest(token=token), timeout=back.seconds
        )
    return _page(request, found.link, acted=False)


@router.post("/a/{token}")
async def follow_link(request: Request, token: str) -> Response:
    """Does what a link allows; also what a mail program posts to unsubscribe (RFC 8058)."""
    back, fields = backend(request), await form(request)
    asked = pb.FollowLinkRequest(token=token, note=fields.get("note", ""))
    with back.asking("notifier"):
        before = await back.services.notifier.GetLink(
            pb.GetLinkRequest(token=token), timeout=back.seconds
        )
        found = await back.services.notifier.FollowLink(asked, timeout=back.seconds)
    if not before.link.done:
        await _note(request, found.link)
    return _page(request, found.link, acted=True)


async def _note(request: Request, link: pb.Link) -> None:
    _, _, action = WORDS[link.act]
    place = link.location_id or None
    who = Caller(NO_KEY, link.actor, Scope.WRITE, place)
    subject = link.incident.incident_id or link.address
    await ChangeLog(backend(request), who).note(action, subject, place)


def _page(request: Request, link: pb.Link, *, acted: bool) -> Response:
    question, button, _ = WORDS[link.act]
    incident: dict[str, Any] | None = wire.plain(link)["incident"]
    return templates(request).page(
        "link.html",
        headers=PRIVATE,
        question=question,
        button=button,
        done=DONE[link.act] if acted or link.done else None,
        incident=incident,
        link=link,
    )
