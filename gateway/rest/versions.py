"""`ETag` and `If-Match`: changing only what nobody else has changed meanwhile."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Response

from gateway.rest.problems import IfMatchMalformed, PreconditionFailed
from libs import problems

_ETAG = re.compile(r'"([^"]+)"')


def show(response: Response, etag: str) -> None:
    """Puts the version that is answered into the `ETag` header."""
    if etag:
        response.headers["ETag"] = f'"{etag}"'


def wanted(if_match: str | None) -> str:
    """Gives the version the caller wants to change; empty means whichever there is."""
    if if_match is None:
        return ""
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise IfMatchMalformed
    return found[1]


@contextmanager
def matching(etag: str) -> Iterator[None]:
    """Turns being overtaken into 412 when the caller named a version."""
    try:
        yield
    except problems.Overtaken as problem:
        if etag:
            raise PreconditionFailed from problem
        raise
