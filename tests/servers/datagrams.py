#!/usr/bin/python3
"""A file server over datagrams, and who asks it.

datagrams.py serve MODEL ADDRESS ROOT    MODEL: poll, forking, asyncio
datagrams.py ask ADDRESS REQUEST...      as the calling user; prints the answers, one a line
datagrams.py load ADDRESS                as root: four users at once, 400 requests; counts at the end

ADDRESS: HOST:PORT, [HOST6]:PORT, /PATH or @ABSTRACT. A request is a path below ROOT; the answer is
"ok" with the first line of the file, or "error" with why; "none" if there is none within some seconds. Under
load who hears nothing asks again, as clients of UDP do, by another socket: a late answer reaches nobody.
"""
import asyncio
import os
import pwd
import select
import socket
import sys

SECONDS = 3
TRIES = 10
FILES = {"/alice/private": ("alice's private", {"alice"}), "/bob/private": ("bob's private", {"bob"}),
         "/shared/staff": ("staff's own", {"alice", "carol"}),
         "/shared/public": ("everybody's", {"alice", "bob", "carol", "stranger"})}


def family_and_name(address):
    if address[0] in "/@":
        return socket.AF_UNIX, address.replace("@", "\0", 1)
    host, _, port = address.rpartition(":")
    if host.startswith("["):
        return socket.AF_INET6, (host.strip("[]"), int(port))
    return socket.AF_INET, (host, int(port))


def bound(address):
    family, name = family_and_name(address)
    server = socket.socket(family, socket.SOCK_DGRAM)
    before = os.umask(0)
    server.bind(name)
    os.umask(before)
    return server


def answer(root, request):
    try:
        with open(root + request.decode(), encoding="utf-8") as file:
            return b"ok " + file.readline().strip().encode()
    except OSError as error:
        return f"error {error}".encode()


def serve_poll(server, root):
    waits = select.poll()
    waits.register(server, select.POLLIN)
    while True:
        waits.poll()
        try:
            request, sender = server.recvfrom(500)
        except BlockingIOError:  # it was there, and is not: poll(2) says that this happens
            continue
        server.sendto(answer(root, request), sender)


def serve_forking(server, root):
    while True:
        request, sender = server.recvfrom(500)
        if os.fork() == 0:
            server.sendto(answer(root, request), sender)
            os._exit(0)
        os.wait()


class Protocol(asyncio.DatagramProtocol):
    def __init__(self, root):
        self.root = root
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(answer(self.root, data), addr)


async def serve_asyncio(server, root):
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: Protocol(root), sock=server)
    await asyncio.Event().wait()


def serve(model, address, root):
    server = bound(address)
    if model == "asyncio":
        server.setblocking(False)
        asyncio.run(serve_asyncio(server, root))
    {"poll": serve_poll, "forking": serve_forking}[model](server, root)


def asker(address):
    family, name = family_and_name(address)
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.settimeout(SECONDS)
    if family == socket.AF_UNIX:
        client.bind("")  # so that there is somebody to answer
    client.connect(name)
    return client


def ask(client, request):
    client.send(request.encode())
    try:
        return client.recv(500).decode()
    except TimeoutError:
        return "none"


def ask_again(address, request):
    for _ in range(TRIES):
        with asker(address) as client:
            said = ask(client, request)
        if said != "none":
            break
    return said


def is_right(user, path, said):
    text, readers = FILES[path]
    if user in readers:
        return said == "ok " + text
    return said.startswith("error [Errno 13]") and path in said


def work(user, address, rounds):
    entry = pwd.getpwnam(user)
    os.initgroups(user, entry.pw_gid)
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    wrong = 0
    for _ in range(rounds):
        for path in FILES:
            said = ask_again(address, path)
            if not is_right(user, path, said):
                print(f"{user} {path}: {said}", file=sys.stderr)
                wrong += 1
    os._exit(min(wrong, 100))


def load(address):
    children = []
    for user in "alice", "bob", "carol", "stranger":
        child = os.fork()
        if child == 0:
            work(user, address, 25)
        children.append(child)
    wrong = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(f"400 requests: {sum(wrong)} wrong")
    sys.exit(any(wrong))


def main():
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    elif sys.argv[1] == "load":
        load(sys.argv[2])
    else:
        client = asker(sys.argv[2])
        for request in sys.argv[3:]:
            print(ask(client, request))


main()
