#!/usr/bin/python3
"""caches.py MODEL ADDRESS ROOT BACKEND: a server that keeps what it opened for one client for all of
them: files, each read in another way than the last time, and connections to BACKEND (backend.py).

MODEL: threads (one for each connection), loop (epoll; each request ends in the callback that read it)

A line asks, a line answers, "ok TEXT" or "error TEXT":
  get /uid     whom BACKEND takes the server for
  get PATH     the first line of ROOT/PATH

What is kept and of no use any more (its use fails) is opened anew, as such servers do.
"""
import collections
import http.client
import itertools
import mmap
import os
import select
import socket
import socketserver
import sys
import threading

MOST = 200  # bytes of any file here


def by_read(file):
    with seek_lock:
        os.lseek(file, 0, os.SEEK_SET)
        return os.read(file, MOST)


def by_readv(file):
    parts = [bytearray(MOST)]
    with seek_lock:
        os.lseek(file, 0, os.SEEK_SET)
        size = os.readv(file, parts)
    return bytes(parts[0][:size])


def by_pread(file):
    return os.pread(file, MOST, 0)


def by_preadv(file):
    parts = [bytearray(MOST)]
    return bytes(parts[0][: os.preadv(file, parts, 0)])


def by_map(file):
    with mmap.mmap(file, 0, prot=mmap.PROT_READ) as text:
        return text[:]


def by_sendfile(file):
    near, far = socket.socketpair()
    with near, far:
        os.sendfile(near.fileno(), file, 0, MOST)
        return far.recv(MOST)


def by_splice(file):
    reading, writing = os.pipe()
    try:
        os.splice(file, writing, MOST, offset_src=0)
        return os.read(reading, MOST)
    finally:
        os.close(reading)
        os.close(writing)


def by_copy(file):
    copy = os.open(os.environ["TMPDIR"], os.O_TMPFILE | os.O_RDWR)
    try:
        os.copy_file_range(file, copy, MOST, 0)
        return os.pread(copy, MOST, 0)
    finally:
        os.close(copy)


ways = itertools.cycle(
    (by_read, by_readv, by_pread, by_preadv, by_map, by_sendfile, by_splice, by_copy))
seek_lock = threading.Lock()
files = {}  # path -> descriptor; one that another takes the place of stays open for who still reads
pool = collections.deque()  # connections to the backend that nobody uses


def read_kept(path):
    way = next(ways)
    try:
        return way(files[path])
    except (KeyError, OSError):
        files[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return way(files[path])


class Backend(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.host)

    def ask(self):
        self.request("GET", "/", headers={"Host": "backend"})
        return self.getresponse().read()


def ask_backend(address):
    while pool:
        connection = pool.popleft()
        try:
            answer = connection.ask()
        except (OSError, http.client.HTTPException):
            connection.close()
            continue
        pool.append(connection)
        return answer
    connection = Backend(address)
    answer = connection.ask()
    pool.append(connection)
    return answer


def answer(line):
    path = line.decode().strip().removeprefix("get ")
    try:
        text = ask_backend(backend) if path == "/uid" else read_kept(root + path)
    except OSError as error:
        return f"error {error}\n".encode()
    return b"ok " + text.split(b"\n", 1)[0] + b"\n"


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(answer(line))


class Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 128


def loop(address):
    """A client sends one line and waits for its answer, so a line is never in two parts."""
    listener = socket.create_server(address, backlog=128)
    clients, waits = {}, select.epoll()
    waits.register(listener, select.EPOLLIN)
    while True:
        for number, _ in waits.poll():
            if number == listener.fileno():
                client = listener.accept()[0]
                clients[client.fileno()] = client
                waits.register(client, select.EPOLLIN)
            elif line := clients[number].recv(MOST):
                clients[number].sendall(answer(line))
            else:
                waits.unregister(number)
                clients.pop(number).close()


def main(model, address):
    host, _, port = address.rpartition(":")
    if model == "threads":
        Threads((host, int(port)), Handler).serve_forever()
    loop((host, int(port)))


if __name__ == "__main__":
    root, backend = sys.argv[3:]
    main(*sys.argv[1:3])
