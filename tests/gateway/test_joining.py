"""Answers leave in one piece, and nothing is held back."""

import asyncio
import socket

import pytest

from gateway.joining import JoiningTransport
from gateway.serving import serving
from tests.support.waiting import eventually

PIECES = (b"one ", b"two ", b"three")


class Recorder(asyncio.Transport):
    """Notes what reaches the socket."""

    def __init__(self):
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.sent = []

    def writelines(self, pieces):
        self.sent.append(b"".join(pieces))

    def close(self):
        self.sent.append("closed")


async def test_writes_of_one_turn_leave_together_and_the_next_turn_separately():
    below = Recorder()
    transport = JoiningTransport(below)
    transport.write(b"head ")
    transport.write(b"body")
    assert below.sent == []
    await asyncio.sleep(0)
    transport.write(b"more")
    await asyncio.sleep(0)
    assert below.sent == [b"head body", b"more"]


async def test_closing_sends_what_is_held_first():
    below = Recorder()
    transport = JoiningTransport(below)
    transport.write(b"last words")
    transport.close()
    await asyncio.sleep(0)
    assert below.sent == [b"last words", "closed"]


async def test_everything_else_is_the_transports_own():
    assert JoiningTransport(Recorder()).get_extra_info("peername") == ("127.0.0.1", 1)


@pytest.mark.parametrize("asked", ["keep-alive", "close"])
async def test_each_piece_of_a_stream_arrives_when_it_is_sent(asked):
    received = bytearray()

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in PIECES:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await eventually(lambda piece=piece: piece in received)
        await send({"type": "http.response.body", "body": b""})

    async with serving(app, "127.0.0.1", 0) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), family=socket.AF_INET)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: %s\r\n\r\n" % asked.encode())
        while not received.endswith(b"0\r\n\r\n"):
            received += await reader.read(1000)
        if asked == "close":
            assert await reader.read() == b""
        writer.close()
    assert all(piece in received for piece in PIECES)
