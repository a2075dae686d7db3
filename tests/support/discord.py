"""Discord's webhooks on loopback: what they take, and what they say to what they do not.

After https://docs.discord.com/developers/resources/webhook, the limits of embeds after
https://docs.discord.com/developers/resources/message#embed-object.
"""

import json

from tests.support.receivers import Answer, Receiver

PATH = "api/webhooks/100000000000000001/abcdefghijklmnopqrstuvwxyz"


class Discord(Receiver):
    """One channel's webhook."""

    def __init__(self, scheme: str) -> None:
        super().__init__(scheme)
        self.deleted = False
        self.messages: list[dict] = []

    @property
    def webhook(self) -> str:
        """The URL that posts to the channel."""
        return f"{self.url}{PATH}"

    def _usual(self) -> Answer:
        request = self.requests[-1]
        if request.path != f"/{PATH}" or self.deleted:
            return said(404, {"message": "Unknown Webhook", "code": 10015})
        message = json.loads(request.body)
        if problem := _problem_of(message):
            return said(400, {"code": 50035, "message": "Invalid Form Body", "errors": problem})
        self.messages.append(message)
        return Answer(204)


def said(status: int, told: dict, **headers: str) -> Answer:
    """Gives an answer as Discord words it."""
    given = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return Answer(status, given, [json.dumps(told).encode()])


def limited(seconds: float) -> Answer:
    """Gives the answer to who is too fast."""
    told = {"message": "You are being rate limited.", "retry_after": seconds, "global": False}
    return said(429, told, Retry_After=str(round(seconds)), X_RateLimit_Remaining="0")


def _problem_of(message: dict) -> dict | None:
    embeds = message.get("embeds", [])
    if not embeds and not message.get("content"):
        return {"_errors": [{"code": 50006, "message": "Cannot send an empty message"}]}
    total = 0
    for embed in embeds:
        fields = embed.get("fields", [])
        sizes = [
            (len(embed["title"]), 256),
            (len(embed.get("description", "")), 4096),
            (len(embed["footer"]["text"]), 2048),
            (len(fields), 25),
            *((len(each["name"]), 256) for each in fields),
            *((len(each["value"]), 1024) for each in fields),
        ]
        total += sum(size for size, most in sizes if most != 25)
        if any(size > most for size, most in sizes) or not all(each["value"] for each in fields):
            return {"embeds": {"0": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH"}]}}}
    return {"embeds": ["too long"]} if total > 6000 else None
