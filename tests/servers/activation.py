#!/usr/bin/python3
"""activation.py DIRECTORY: an HTTP server on the listening sockets that systemd passes (sd_listen_fds(3)).

One connection after the other, as socketserver does; or an asyncio server with --loop.
"""
import asyncio
import functools
import http.server
import os
import socket
import sys

assert int(os.environ["LISTEN_PID"]) == os.getpid(), (os.environ["LISTEN_PID"], os.getpid())
assert int(os.environ["LISTEN_FDS"]) == 1
listener = socket.socket(fileno=3)


def answer(path):
    try:
        with open(sys.argv[1] + path, "rb") as file:
            status, body = "200 OK", file.read()
    except FileNotFoundError:
        status, body = "404 Not Found", b""
    except PermissionError:
        status, body = "403 Forbidden", b""
    return f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def handle(reader, writer):
    request = await reader.readline()
    while (await reader.readline()).strip():
        pass
    writer.write(answer(request.split()[1].decode()))
    await writer.drain()
    writer.close()


async def loop():
    async with await asyncio.start_server(handle, sock=listener) as server:
        await server.serve_forever()


if "--loop" in sys.argv:
    asyncio.run(loop())
else:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
    server = http.server.HTTPServer(("", 0), handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.serve_forever()
