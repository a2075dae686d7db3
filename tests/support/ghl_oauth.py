"""How a stand-in GoHighLevel exchanges tokens, in the words of both versions."""

from collections.abc import Mapping

from aiohttp import web

from tests.support.ghl_errors import NO_SCOPE, OTHER_LOCATION, Refusal
from tests.support.ghl_state import COMPANY_ID, LOCATION_SCOPES, ONE_DAY, TOKEN, StandInAgency

CAMEL = {
    "client_id": "clientId",
    "client_secret": "clientSecret",
    "grant_type": "grantType",
    "refresh_token": "refreshToken",
    "access_token": "accessToken",
    "expires_in": "expiresIn",
    "token_type": "tokenType",
}


class OAuthEndpoints:
    """The endpoints that give tokens; an old refresh token is refused."""

    def __init__(self, agency: StandInAgency) -> None:
        self._agency = agency
        self.expires_in: float = ONE_DAY

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_post("/oauth/token", self._token)
        router.add_post("/oauth/locationToken", self._location_token)
        router.add_post("/oauth/location-token", self._location_token)

    async def _token(self, request: web.Request) -> web.Response:
        given = await _read(request)
        self._check_client(given, request)
        used = self._needed(given, "refresh_token", request)
        granted = self._agency.refresh_tokens.get(used)
        if granted is None:
            raise Refusal(400, "Invalid grant: refresh token is invalid")
        if granted.owner in self._agency.paused:
            raise Refusal(400, "Location is not active")
        del self._agency.refresh_tokens[used]
        return self._granted(granted.owner, granted.scopes, request)

    async def _location_token(self, request: web.Request) -> web.Response:
        given = await _read(request)
        if "oauth.write" not in request[TOKEN].scopes:
            raise Refusal(401, NO_SCOPE)
        location_id = given.get("locationId", "")
        if given.get("companyId") != COMPANY_ID or location_id not in self._agency.locations:
            raise Refusal(403, OTHER_LOCATION)
        return self._granted(location_id, LOCATION_SCOPES, request)

    def _check_client(self, given: Mapping[str, str], request: web.Request) -> None:
        client_id = self._needed(given, "client_id", request)
        secret = self._needed(given, "client_secret", request)
        if (client_id, secret) != (self._agency.client_id, self._agency.client_secret):
            raise Refusal(401, "Invalid client: client credentials are invalid")
        if self._needed(given, "grant_type", request) != "refresh_token":
            raise Refusal(400, f"Invalid parameter: {_word('grant_type', request)}")

    def _needed(self, given: Mapping[str, str], name: str, request: web.Request) -> str:
        word = _word(name, request)
        if not given.get(word):
            raise Refusal(400, f"Missing parameter: {word}")
        return given[word]

    def _granted(self, owner: str, scopes: frozenset[str], request: web.Request) -> web.Response:
        access, refresh = self._agency.grant(owner, scopes=scopes, expires_in=self.expires_in)
        content = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": " ".join(sorted(scopes)),
            "locationId": owner,
            "userId": "User00000000000001",
        }
        # The classic exchange of an agency's token gives no refresh token.
        if request.path != "/oauth/locationToken":
            content["refresh_token"] = refresh
        return web.json_response({_word(name, request): each for name, each in content.items()})


async def _read(request: web.Request) -> Mapping[str, str]:
    if request.content_type == "application/json":
        if request.headers.get("Version") != "v3":
            raise Refusal(422, ["the body must be a form"])
        return await request.json()
    return {name: str(each) for name, each in (await request.post()).items()}


def _word(name: str, request: web.Request) -> str:
    return CAMEL.get(name, name) if request.headers.get("Version") == "v3" else name
