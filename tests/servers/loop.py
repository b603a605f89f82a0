#!/usr/bin/python3
"""Loops by poll(2) as many servers have them, in one thread.

loop.py WHAT ADDRESS ROOT [OPTION...]    ADDRESS: HOST:PORT
WHAT: connections, a line asks and a line answers, or datagrams; "ok" with the first line of the file below
ROOT, or "error" with why. OPTIONs:
    drain       the socket does not block, and is emptied before anything is answered
    later       connections: what asks is answered after some turns that wait without it
    session     datagrams: the first answer, and the next requests, come by a socket for that client
    pipe, pair, event
                TERM is told to the loop by a pipe, a pair of sockets, or an eventfd; it tells that it ends
    also=ADDRESS
                connections come there, too
"""
import os
import select
import signal
import socket
import sys

TURN_MS = 20
TURNS = 5


def first_line(root, request):
    try:
        with open(root + request.decode().strip(), encoding="utf-8") as file:
            return b"ok " + file.readline().strip().encode()
    except OSError as error:
        return f"error {error}".encode()


def endpoint(address):
    host, _, port = address.rpartition(":")
    return host, int(port)


def waker(options):
    """The number to wait for, -1 for none. What TERM writes there is read by the loop alone."""
    if "event" in options:
        reads = writes = os.eventfd(0)
    elif "pair" in options:
        reads, writes = (end.detach() for end in socket.socketpair())
    elif "pipe" in options:
        reads, writes = os.pipe()
    else:
        return -1
    signal.signal(signal.SIGTERM, lambda *_: os.write(writes, (1).to_bytes(8, sys.byteorder)))
    return reads


class Loop:
    def __init__(self, root, options):
        self.root, self.options = root, options
        self.waits = select.poll()
        self.ready = {}  # what is to be called for each number
        self.waker = waker(options)
        self.due = []  # what is to be called after so many turns
        if self.waker >= 0:
            self.add(self.waker, self.stop)

    def stop(self):
        os.read(self.waker, 8)
        print("told to stop", flush=True)
        sys.exit(0)

    def add(self, number, call):
        self.ready[number] = call
        self.waits.register(number, select.POLLIN)

    def remove(self, number):
        self.waits.unregister(number)
        return self.ready.pop(number)

    def run(self):
        while True:
            for number, _ in self.waits.poll(TURN_MS if self.due else None):
                if number in self.ready:
                    self.ready[number]()
            self.due = [(turns - 1, call) for turns, call in self.due]
            for turns, call in self.due:
                if turns == 0:
                    call()
            self.due = [(turns, call) for turns, call in self.due if turns > 0]


class Connections(Loop):
    def listen(self, address):
        listener = socket.create_server(endpoint(address), backlog=64)
        listener.setblocking("drain" not in self.options)
        self.add(listener.fileno(), lambda: self.accept(listener))

    def accept(self, listener):
        try:
            self.take(listener.accept()[0])
            while "drain" in self.options:
                self.take(listener.accept()[0])
        except OSError:  # nobody (more)
            pass

    def take(self, client):
        client.setblocking(True)
        self.add(client.fileno(), lambda: self.read(client))

    def read(self, client):
        request = client.recv(500)
        if not request:
            self.remove(client.fileno())
            client.close()
        elif "later" in self.options:
            again = self.remove(client.fileno())
            self.due.append((TURNS, lambda: (self.answer(client, request), self.add(client.fileno(), again))))
        else:
            self.answer(client, request)

    def answer(self, client, request):
        client.sendall(first_line(self.root, request) + b"\n")


class Datagrams(Loop):
    def bind(self, name, call):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(name)
        server.setblocking("drain" not in self.options)
        self.add(server.fileno(), lambda: call(server))
        return server

    def read(self, server):
        requests = []
        try:
            requests.append(server.recvfrom(500))
            while "drain" in self.options:
                requests.append(server.recvfrom(500))
        except BlockingIOError:  # nothing (more); poll(2) says that it may be gone
            pass
        for request, sender in requests:
            answers_by = server
            if "session" in self.options:
                answers_by = self.bind(("127.0.0.1", 0), self.read_more)
            answers_by.sendto(first_line(self.root, request), sender)

    def read_more(self, session):
        request, sender = session.recvfrom(500)
        if not request:  # it was the last one
            self.remove(session.fileno())
            session.close()
            return
        session.sendto(first_line(self.root, request), sender)


def main(what, address, root, *options):
    if what == "connections":
        loop = Connections(root, options)
        for where in (address, *(option[5:] for option in options if option.startswith("also="))):
            loop.listen(where)
    else:
        loop = Datagrams(root, options)
        loop.bind(endpoint(address), loop.read)
    loop.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
