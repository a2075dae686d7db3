"""Tells programs: signed JSON to a URL the user gave."""

import json

from libs.clock import Clock
from services.notifier.channels.answers import answered, outcome_of
from services.notifier.channels.egress import Egress
from services.notifier.channels.signing import headers_for
from services.notifier.domain import template
from services.notifier.domain.delivery import Frozen, Parcel
from services.notifier.domain.message import Message
from services.notifier.domain.retry import Outcome
from services.notifier.domain.target import Target


class WebhookChannel:
    """Posts each message as signed JSON."""

    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress = egress
        self._clock = clock

    def check(self, address: str) -> None:
        self._egress.check(address, "target.address")

    def freeze(self, message: Message, target: Target) -> Frozen:
        if target.body_template:
            body = template.filled(target.body_template, message)
            return Frozen(subject=message.subject, body=body)
        body = json.dumps(message.document, ensure_ascii=False, separators=(",", ":")).encode()
        return Frozen(subject=message.subject, body=body)

    async def send(self, parcel: Parcel) -> Outcome:
        now = self._clock.now()
        body = parcel.frozen.body
        headers = headers_for(parcel.secrets, parcel.message_id, now, body)
        headers["Content-Type"] = "application/json"
        post = self._egress.post(parcel.address, headers=headers, body=body)
        answer = await answered(post)
        return answer if isinstance(answer, Outcome) else outcome_of(answer, now)
