#!/usr/bin/python3
"""A small file server in each of the models that Python's standard library has.

fileserver.py MODEL ADDRESS ROOT      MODEL: iterative, forking, threading, asyncio
ADDRESS: HOST:PORT, [HOST6]:PORT or the path of an AF_UNIX socket

A line asks, a line answers: "ok TEXT" or "error TEXT".
  get PATH      the first line of ROOT/PATH
  later PATH    the same, after reading with a time-out that passes: this very connection is waited for
  backend PATH  the same, after talking to a socket of the handler's own with a time-out
  run           what id(1) says, by subprocess.run(capture_output=True)
  status        the Uid, Gid, Groups and Cap lines of a child's /proc/self/status
  timer PATH    asyncio only: get, by call_later
  thread PATH   asyncio only: get, by to_thread
"""
import asyncio
import os
import socket
import socketserver
import subprocess
import sys


def first_line(path):
    with open(path, encoding="utf-8") as file:
        return file.readline().strip()


def output_of(*command):
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return " ".join(done.stdout.split())


def wait_in_vain(connection):
    """The client says nothing before it has its answer, so this time-out always passes."""
    before = connection.gettimeout()
    connection.settimeout(0.02)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        pass
    finally:
        connection.settimeout(before)


def ask_backend():
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(5)
        far.settimeout(5)
        near.sendall(b"question")
        far.recv(100)
        far.sendall(b"answer")
        near.recv(100)


def answer(root, line, connection):
    command, _, path = line.strip().partition(" ")
    path = root + "/" + path.lstrip("/")
    if command == "later":
        wait_in_vain(connection)
    elif command == "backend":
        ask_backend()
    elif command == "run":
        return output_of("id")
    elif command == "status":
        return output_of("grep", "-E", "^(Uid|Gid|Groups|Cap(Inh|Prm|Eff|Amb)):",
                         "/proc/self/status")
    elif command != "get":
        raise ValueError(f"what is {command}?")
    return first_line(path)


def reply(root, line, connection=None):
    try:
        return f"ok {answer(root, line, connection)}\n".encode()
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        return f"error {error}\n".encode()


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(reply(self.server.root, line.decode(), self.connection))


MODELS = {
    "iterative": (),
    "forking": (socketserver.ForkingMixIn,),
    "threading": (socketserver.ThreadingMixIn,),
}


def serve_blocking(model, address, root):
    unix = address.startswith("/")
    base = socketserver.UnixStreamServer if unix else socketserver.TCPServer
    host, _, port = address.rpartition(":")
    family = (socket.AF_UNIX if unix else
              socket.AF_INET6 if host.startswith("[") else socket.AF_INET)
    settings = {"root": root, "allow_reuse_address": True, "daemon_threads": True,
                "request_queue_size": 64, "address_family": family}
    server = type("Server", (*MODELS[model], base), settings)
    with server(address if unix else (host.strip("[]"), int(port)), Handler) as running:
        running.serve_forever()


async def reply_by(root, line):
    """The same after a timer, or by a thread of the loop's pool, where the line says so."""
    how, _, path = line.partition(" ")
    if how == "thread":
        return await asyncio.to_thread(reply, root, "get " + path)
    if how != "timer":
        return reply(root, line)
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_later(0.002, lambda: done.set_result(reply(root, "get " + path)))
    return await done


async def serve_loop(address, root):
    async def handle(reader, writer):
        while line := await reader.readline():
            writer.write(await reply_by(root, line.decode()))
            await writer.drain()
        writer.close()

    if address.startswith("/"):
        server = await asyncio.start_unix_server(handle, address)
    else:
        host, _, port = address.rpartition(":")
        server = await asyncio.start_server(handle, host.strip("[]"), int(port))
    async with server:
        await server.serve_forever()


def main():
    model, address, root = sys.argv[1:]
    os.umask(0)  # everybody may connect to the AF_UNIX socket
    if model == "asyncio":
        asyncio.run(serve_loop(address, root))
    else:
        serve_blocking(model, address, root)


if __name__ == "__main__":
    main()
