"""Sessions: how a browser stays signed in, and how its forms prove where they come from."""

import hashlib
import hmac
import re
from datetime import timedelta

from gateway.access.keys import random_text
from libs import problems

COOKIE = "runwarden_session"
"""Name of the cookie: set it with `cookie_header`, clear it with `CLEARED_COOKIE`."""

CLEARED_COOKIE = f"{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
LIFETIME = timedelta(days=14)
_SHAPE = re.compile(r"[0-9A-Za-z]{32}")


class SessionEnded(problems.Unauthenticated):
    """The session has ended; sign in again."""

    reason = "SESSION_ENDED"


class CsrfTokenWrong(problems.Forbidden):
    """The form does not belong to this session; load the page again and repeat."""

    reason = "CSRF_TOKEN_WRONG"


def new_token() -> str:
    """Gives the value of a new session's cookie."""
    return random_text()


def checked_token(cookie: str | None) -> str:
    """Gives the cookie's value when it can be one; raises `SessionEnded`."""
    if not cookie or not _SHAPE.fullmatch(cookie):
        raise SessionEnded
    return cookie


def cookie_header(token: str, *, https: bool) -> str:
    """Gives the `Set-Cookie` header of a session."""
    secure = "; Secure" if https else ""
    seconds = int(LIFETIME.total_seconds())
    return f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"


def csrf_token(cookie: str) -> str:
    """Gives what a session's forms carry: only whoever has the cookie can know it."""
    return hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest()


def check_csrf_token(cookie: str, given: str | None) -> None:
    """Raises `CsrfTokenWrong` unless the form came from a page of this session."""
    if not hmac.compare_digest(csrf_token(cookie).encode(), (given or "").encode()):
        raise CsrfTokenWrong
