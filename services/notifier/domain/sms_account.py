"""The account that SMS of a target are sent with."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from libs import problems

USUAL_CAP = 200
LARGEST_CAP = 100_000
LONGEST_TOKEN = 100
SHOWN_END = 4

_SID = re.compile(r"AC[0-9a-f]{32}")
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|MG[0-9a-f]{32}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


class SmsAccountMalformed(problems.InvalidRequest):
    """SMS need an account of Twilio: account_sid, auth_token and sender."""

    reason = "SMS_ACCOUNT_MALFORMED"


@dataclass(frozen=True, slots=True)
class SmsAccount:
    """What is given of an account; what is empty stays as it is."""

    account_sid: str = ""
    auth_token: str = ""
    sender: str = ""
    monthly_cap: int = 0
    """At most so many SMS in a month of UTC."""

    @property
    def secret(self) -> str:
        """What is kept sealed; empty when no token is given."""
        if not self.auth_token:
            return ""
        return json.dumps({"account_sid": self.account_sid, "auth_token": self.auth_token})

    def options(self, before: Mapping[str, str]) -> Mapping[str, str]:
        """Gives what is kept in the clear; the account only masked. Refuses what is no account."""
        given = {
            "account": f"AC…{self.account_sid[-SHOWN_END:]}" if self.auth_token else "",
            "sender": self.sender,
            "monthly_cap": str(self.monthly_cap or ""),
        }
        self._check()
        kept = {"monthly_cap": str(USUAL_CAP), **before}
        options = kept | {name: value for name, value in given.items() if value}
        for name, field in (("account", "auth_token"), ("sender", "sender")):
            if not options.get(name):
                raise SmsAccountMalformed.at(f"target.sms.{field}")
        return options

    def _check(self) -> None:
        if self.auth_token and not _SID.fullmatch(self.account_sid):
            message = "The account_sid is AC and 32 hexadecimal digits."
            raise SmsAccountMalformed.at("target.sms.account_sid", message)
        if len(self.auth_token) > LONGEST_TOKEN or not self.auth_token.isascii():
            raise SmsAccountMalformed.at("target.sms.auth_token", "This is no token of Twilio.")
        if self.sender and not _SENDER.fullmatch(self.sender):
            message = "Give a number like +15551234567, a MessagingServiceSid, or a sender id."
            raise SmsAccountMalformed.at("target.sms.sender", message)
        if not 0 <= self.monthly_cap <= LARGEST_CAP:
            message = "A month has between 1 and 100,000 SMS."
            raise SmsAccountMalformed.at("target.sms.monthly_cap", message)
