#!/usr/bin/python3
"""watchful.py HOST:PORT ROOT REPORT: an iterative file server that looks at what happens to it.

A line asks for a file below ROOT, a line answers; "slowly PATH" answers when the client goes on. It
has a child of its own from the start. On TERM it writes to REPORT how often SIGCHLD came, and which
children wait(2) told of. What it prints before it serves stays in stdio's buffer, in C's own sense:
it is printed by libc's printf.
"""
import ctypes
import os
import signal
import socket
import sys

signals = 0


def child_changed(*_):
    global signals
    signals += 1


def first_line(path):
    try:
        with open(path, encoding="utf-8") as file:
            return "ok " + file.readline()
    except OSError as error:
        return f"error {error}\n"


def report(own_child, leash):
    seen = signals
    found = []
    os.close(leash)  # its end: at ground the server may not kill it
    try:
        while True:
            found.append(os.wait()[0])
    except ChildProcessError:
        pass
    others = [pid for pid in found if pid != own_child]
    with open(sys.argv[3], "w", encoding="ascii") as file:
        file.write(f"{seen} signals, {len(others)} other children\n")
    os._exit(0)


def handle(client, root):
    lines = client.makefile()
    for line in lines:
        words = line.split()
        if words[0] == "slowly":
            lines.readline()
        client.sendall(first_line(root + words[-1]).encode())


def main():
    host, _, port = sys.argv[1].rpartition(":")
    ctypes.CDLL(None).printf(b"buffered once\n")
    end, leash = os.pipe()
    own_child = os.fork()
    if own_child == 0:
        os.close(leash)
        os.read(end, 1)
        os._exit(0)
    signal.signal(signal.SIGCHLD, child_changed)
    signal.signal(signal.SIGTERM, lambda *_: report(own_child, leash))
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, int(port)))
    listener.listen(64)
    while True:
        client, _ = listener.accept()
        with client:
            handle(client, sys.argv[2])


main()
