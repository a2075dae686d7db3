"""The signed links of a mail, and calls that follow them."""

import re

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import SECONDS, caught
from tests.support.waiting import eventually

LABELS = {
    "acknowledge": "Acknowledge",
    "snooze": "Snooze for 4 hours",
    "resolve": "Resolve",
    "unsubscribe": "Stop these mails",
}


async def tokens_of(notifier):
    """Gives the tokens of the newest caught mail, by what they do."""
    mail, *_ = await eventually(lambda: caught(notifier))
    found = {
        act: re.search(rf"^{label}: https://watch\.example/a/(\S+)$", mail.text, re.MULTILINE)
        for act, label in LABELS.items()
    }
    return {act: each[1] for act, each in found.items() if each}


async def look_at(notifier, token):
    return (await notifier.GetLink(pb.GetLinkRequest(token=token), timeout=SECONDS)).link


async def follow(notifier, token, note=""):
    request = pb.FollowLinkRequest(token=token, note=note)
    return (await notifier.FollowLink(request, timeout=SECONDS)).link
