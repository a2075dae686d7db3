"""What stands before a gateway for people: a door with a certificate that passes everything on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.support.certificates import Certified, loopback_certificate

PIECE = 64 * 1024


class Front:
    """Speaks TLS outside, and passes what it hears on to `behind` in the clear."""

    def __init__(self, certified: Certified) -> None:
        self.certified = certified
        self.behind = ""
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes one connection on, in both directions, until both ends have said everything."""
        place = urlsplit(self.behind)
        inner_reader, inner_writer = await asyncio.open_connection(place.hostname, place.port)
        await asyncio.gather(_copied(reader, inner_writer), _copied(inner_reader, writer))


@asynccontextmanager
async def front() -> AsyncIterator[Front]:
    """Runs a front on the loop of the test; what is behind it is set later."""
    with loopback_certificate() as certified:
        made = Front(certified)
        server = await asyncio.start_server(made.pass_on, "127.0.0.1", 0, ssl=certified.server)
        made.port = server.sockets[0].getsockname()[1]
        try:
            yield made
        finally:
            server.close()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass  # whoever hung up has heard enough
    finally:
        writer.close()
