#!/usr/bin/python3
"""Servers of datagrams and of connections with a habit that many have.

habits.py MODEL ADDRESS ROOT [OPTION...]    ADDRESS: HOST:PORT, /PATH or @ABSTRACT

Over datagrams; a request is a path below ROOT, the answer is "ok" with the file's first line, or "error" with why:
    peek                looks (MSG_PEEK) who asks what, then takes it; where it may not look it takes it at once
    forks-datagrams     SIGCHLD ignored; waits with poll(2), and forks for each; the child waits for GATE
    lock FILE ROOM      holds a lock (fcntl(2)) on FILE; receives with so much room for control data
    pidfd ROOM WANT     asks for SO_PASSPIDFD, and for SO_PASSCRED if WANT is "credentials"; closes what it gets
    edge GATE           epoll(7), edge-triggered; its first wait is after GATE, a FIFO, was opened
    signals EFFECT      tells what it received, and when USR1 ended a receive: EFFECT is "restart" (SA_RESTART) or "end"
    time-out            tells when a receive with SO_RCVTIMEO came to its end
Over connections; a line asks, a line answers:
    backend PORT GATE   asks a backend at 127.0.0.1:PORT for each client, by a UDP socket that it bound and,
                        after GATE was opened, connected before it served; tells the backend's answer first
    poll, poll-nonblocking
                        poll(2) for the listener and its connections together; tells why accept(2) failed
    polite              a listener with O_NONBLOCK; tells when nobody was there; ends when TERM set a flag
    forks, forks-blocking
                        SIGCHLD ignored; waits with poll(2), or in accept(2), and forks for each client;
                        tells why accept(2) failed, USR1 has a handler
    iterative, reaper   blocking calls only; the second adopts orphans (PR_SET_CHILD_SUBREAPER)
"""
import array
import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys

SO_PASSPIDFD = 76
SCM_PIDFD = 4
SO_RCVBUFFORCE = 33
PR_SET_CHILD_SUBREAPER = 36
QUEUE = 4 << 20
libc = ctypes.CDLL(None, use_errno=True)
stopping = False


def first_line(root, request):
    try:
        with open(root + request.decode().strip(), encoding="utf-8") as file:
            return b"ok " + file.readline().strip().encode()
    except OSError as error:
        return f"error {error}".encode()


def tell(text):
    print(text, flush=True)


def datagrams(address):
    if address[0] in "/@":
        server, name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), address.replace("@", "\0", 1)
    else:
        server, name = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), endpoint(address)
    return server, name


def bind(server, name):
    before = os.umask(0)
    server.bind(name)
    os.umask(before)


def endpoint(address):
    host, _, port = address.rpartition(":")
    return host, int(port)


def wait_for(gate):
    with open(gate, encoding="ascii"):
        pass


def serve_peek(address, root):
    server, name = datagrams(address)
    bind(server, name)
    while True:
        try:
            request, sender = server.recvfrom(500, socket.MSG_PEEK)
            server.recv(1)
        except OSError:
            request, sender = server.recvfrom(500)
        server.sendto(first_line(root, request), sender)


def serve_forks_datagrams(address, root, gate):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server, name = datagrams(address)
    bind(server, name)
    waits = select.poll()
    waits.register(server, select.POLLIN)
    while True:
        waits.poll()
        request, sender = server.recvfrom(500)
        if os.fork() == 0:
            server.sendto(first_line(root, request), sender)
            wait_for(gate)
            os._exit(0)


def serve_lock(address, root, path, room):
    server, name = datagrams(address)
    with open(path, "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        bind(server, name)
        while True:
            if int(room):
                request, _, _, sender = server.recvmsg(500, int(room))
            else:
                request, sender = server.recvfrom(500)
            if sender:
                server.sendto(first_line(root, request), sender)


def serve_pidfd(address, root, room, want):
    server, name = datagrams(address)
    server.setsockopt(socket.SOL_SOCKET, SO_PASSPIDFD, 1)
    if want == "credentials":
        server.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    bind(server, name)
    while True:
        request, control, _, sender = server.recvmsg(500, int(room))
        for _, kind, data in control:
            if kind in (SCM_PIDFD, socket.SCM_RIGHTS):
                for number in array.array("i", data):
                    os.close(number)
        try:
            server.sendto(first_line(root, request), sender)
        except OSError:  # it has gone
            pass


def serve_edge(address, root, gate):
    server, name = datagrams(address)
    server.setblocking(False)
    server.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, QUEUE)
    waits = select.epoll()
    waits.register(server, select.EPOLLIN | select.EPOLLET)
    bind(server, name)
    wait_for(gate)
    while True:
        waits.poll()
        try:
            while True:
                request, sender = server.recvfrom(500)
                server.sendto(first_line(root, request), sender)
        except BlockingIOError:
            pass


def serve_signals(address, _root, effect):
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler would end receives
    signal.signal(signal.SIGUSR1, lambda *_: tell("USR1"))
    signal.siginterrupt(signal.SIGUSR1, effect == "end")
    server, name = datagrams(address)
    bind(server, name)
    room = ctypes.create_string_buffer(500)
    while True:
        size = libc.recv(server.fileno(), room, len(room), 0)
        tell(f"received {room.raw[:size].decode()}" if size >= 0 else errno.errorcode[ctypes.get_errno()])


def serve_time_out(address, _):
    server, name = datagrams(address)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 500000))
    bind(server, name)
    while True:
        try:
            tell(f"received {server.recv(500)}")
        except BlockingIOError:
            tell("its time is over")


def listening(address):
    return socket.create_server(endpoint(address), backlog=64)


def serve_backend(address, root, port, gate):
    backend = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    backend.bind(("127.0.0.1", int(port) + 1))
    wait_for(gate)
    backend.connect(("127.0.0.1", int(port)))
    backend.settimeout(5)
    listener = listening(address)
    while True:
        with listener.accept()[0] as client:
            request = client.recv(500)
            backend.send(b"question")
            try:
                answer = backend.recv(500)
            except OSError as error:
                answer = str(error).encode()
            client.sendall(answer + b", " + first_line(root, request) + b"\n")


def accept(listener):
    """By accept(3) itself: Python's own tries again after EINTR."""
    number = libc.accept(listener.fileno(), None, None)
    if number >= 0:
        return socket.socket(fileno=number)
    tell(f"accept: {errno.errorcode[ctypes.get_errno()]}")
    return None


def serve_poll(address, root, blocking=True):
    listener = listening(address)
    listener.setblocking(blocking)
    clients = {}
    waits = select.poll()
    waits.register(listener, select.POLLIN)
    while True:
        for number, _ in waits.poll():
            if number == listener.fileno():
                client = accept(listener)
                if client:
                    clients[client.fileno()] = client
                    waits.register(client, select.POLLIN)
                continue
            request = clients[number].recv(500)
            if request:
                clients[number].sendall(first_line(root, request) + b"\n")
            else:
                waits.unregister(number)
                clients.pop(number).close()


def stop(*_):
    global stopping
    stopping = True


def handle(client, root):
    with client, client.makefile("rb") as lines:
        for line in lines:
            client.sendall(first_line(root, line) + b"\n")


def serve_polite(address, root):
    signal.signal(signal.SIGTERM, stop)
    listener = listening(address)
    listener.setblocking(False)
    waits = select.poll()
    waits.register(listener, select.POLLIN)
    while not stopping:
        waits.poll(300)
        client = accept(listener)
        if client:
            client.setblocking(True)
            handle(client, root)
    tell("stopped by its flag")


def serve_forks(address, root, blocking=False):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    listener = listening(address)
    waits = select.poll()
    waits.register(listener, select.POLLIN)
    while True:
        if not blocking:
            waits.poll()
        client = accept(listener)
        if client and os.fork() == 0:
            listener.close()
            handle(client, root)
            os._exit(0)
        if client:
            client.close()


def serve_iterative(address, root, reaper=False):
    if reaper:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    listener = listening(address)
    while True:
        handle(listener.accept()[0], root)


MODELS = {"peek": serve_peek, "forks-datagrams": serve_forks_datagrams,
          "lock": serve_lock, "pidfd": serve_pidfd, "edge": serve_edge,
          "time-out": serve_time_out, "signals": serve_signals, "backend": serve_backend, "poll": serve_poll,
          "poll-nonblocking": lambda *arguments: serve_poll(*arguments, blocking=False),
          "polite": serve_polite, "forks": serve_forks,
          "forks-blocking": lambda *arguments: serve_forks(*arguments, blocking=True),
          "iterative": serve_iterative,
          "reaper": lambda *arguments: serve_iterative(*arguments, reaper=True)}
MODELS[sys.argv[1]](*sys.argv[2:])
