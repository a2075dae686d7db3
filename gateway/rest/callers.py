"""Who asks: the key or the session a request comes with."""

from starlette.requests import Request

from gateway.access import Access, Caller, keys, sessions

CSRF_HEADER = "X-Csrf-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def caller_of(request: Request, access: Access) -> Caller:
    """Gives who asks, and counts the request; raises what is wrong with the key or session.

    A browser sends its cookie whoever wrote the page, so a change that comes
    with nothing but a session must also carry the session's CSRF token.
    """
    caller = await _proven(request, access)
    request.state.caller = caller
    access.count_request(caller)
    return caller


async def _proven(request: Request, access: Access) -> Caller:
    secret = keys.presented(request.headers.get("authorization"), request.headers.get("x-api-key"))
    cookie = request.cookies.get(sessions.COOKIE)
    if secret is not None or not cookie:
        return await access.caller(secret)
    caller = await access.session(cookie)
    if request.method not in SAFE_METHODS:
        sessions.check_csrf_token(cookie, request.headers.get(CSRF_HEADER))
    return caller
