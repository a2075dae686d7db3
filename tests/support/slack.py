"""Slack's incoming webhooks on loopback: what it takes, and what it says to what it does not.

After https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (answers are plain
words) and https://docs.slack.dev/reference/block-kit/blocks (limits).
"""

import json
import time

from tests.support.receivers import Answer, Receiver

PATH = "services/T0AAAAAAA/B0AAAAAAA/abcdefghijklmnopqrstuvwx"
FORBIDDEN = ("<!channel>", "<!here>", "<!everyone>", "<@")


class Slack(Receiver):
    """One channel's webhook; a message a second."""

    def __init__(self, scheme: str) -> None:
        super().__init__(scheme)
        self.archived = False
        self.messages: list[dict] = []
        self._free_at = 0.0

    @property
    def webhook(self) -> str:
        """The URL that posts to the channel."""
        return f"{self.url}{PATH}"

    def _usual(self) -> Answer:
        request = self.requests[-1]
        if request.path != f"/{PATH}":
            return said(404, "no_service")
        if self.archived:
            return said(410, "channel_is_archived")
        if time.monotonic() < self._free_at:
            return Answer(429, {"Retry-After": "1"}, [b"rate_limited"])
        try:
            message = json.loads(request.body)
        except ValueError:
            return said(400, "invalid_payload")
        if problem := _problem_of(message):
            return said(400, problem)
        self._free_at = time.monotonic() + 0.9
        self.messages.append(message)
        return said(200, "ok")


def said(status: int, word: str) -> Answer:
    """Gives an answer as Slack words it."""
    return Answer(status, {"Content-Type": "text/html"}, [word.encode()])


def texts_of(message: dict) -> list[str]:
    """Gives every text of a message that is shown."""
    found = [message.get("text", "")]
    for attachment in message.get("attachments", []):
        for block in attachment["blocks"]:
            parts = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
            found += [_text_of(part) for part in parts if part]
    return found


def _text_of(part: dict) -> str:
    text = part["text"]
    return text["text"] if isinstance(text, dict) else text


def _problem_of(message: dict) -> str | None:
    if not isinstance(message, dict) or not message.get("text"):
        return "no_text"
    if len(json.dumps(message)) > 40_000:
        return "msg_too_long"
    for attachment in message.get("attachments", []):
        blocks = attachment.get("blocks", [])
        if not 0 < len(blocks) <= 50 or not all(_is_block(each) for each in blocks):
            return "invalid_blocks"
    return None


def _is_block(block: dict) -> bool:
    match block["type"]:
        case "section":
            fields = block.get("fields", [])
            texts = [each["text"] for each in fields]
            whole = block.get("text", {}).get("text", "x")
            short = all(0 < len(each) <= 2000 for each in texts)
            return short and len(fields) <= 10 and 0 < len(whole) <= 3000
        case "actions":
            return all(
                len(each["text"]["text"]) <= 75 and len(each["url"]) <= 3000
                for each in block["elements"]
            )
        case "context":
            return 0 < len(block["elements"]) <= 10
        case _:
            return False
