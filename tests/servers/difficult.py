#!/usr/bin/python3
"""difficult.py WAY ADDRESS ROOT: an iterative file server that does first what old daemons do.

  daemonise   forks twice, with a session of its own; its parents end
  close       closes every descriptor that it did not open
  close-raw   the same by close_range(2), behind libc's back
  bare        executes its worker with an empty environment, the listener at 3
  upgrade     on USR2 executes itself anew, with its listener
  master      has a worker who serves, and on USR2 ends it and executes itself anew, with the listener
  chroot      confines itself to ROOT before it serves
  all         daemonises, closes everything, and executes a bare worker that confines itself

A line asks for a file ("get PATH"), a line answers: "ok TEXT" or "error TEXT".
"""
import ctypes
import os
import signal
import socket
import sys

LISTENER = 3
CLOSE_RANGE = 436
ORDERS = {signal.SIGUSR2, signal.SIGTERM}


def daemonise():
    for last in False, True:
        if os.fork() > 0:
            os._exit(0)
        if not last:
            os.setsid()


def listen(address):
    host, _, port = address.rpartition(":")
    return socket.create_server((host, int(port)))


def execute(arguments, listener, environment):
    if listener.fileno() != LISTENER:
        os.dup2(listener.fileno(), LISTENER)
    os.set_inheritable(LISTENER, True)
    os.execve("/usr/bin/python3", ["python3", sys.argv[0], *arguments], environment)


def answer(root, line):
    try:
        with open(root + line.split()[1], encoding="utf-8") as file:
            return "ok " + file.readline().strip()
    except OSError as error:
        return f"error {error}"


def serve(listener, root):
    while True:
        connection = listener.accept()[0]
        with connection, connection.makefile(encoding="utf-8") as lines:
            line = lines.readline()
            if line:
                connection.sendall((answer(root, line) + "\n").encode())


def upgrade_on_signal(listener, arguments):
    signal.signal(signal.SIGUSR2, lambda *_: execute(["upgraded", *arguments], listener, os.environ))


def be_master(listener, arguments):
    worker = os.fork()
    if worker == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ORDERS)
        return
    order = signal.sigwait(ORDERS)
    os.kill(worker, signal.SIGTERM)
    os.waitpid(worker, 0)
    if order == signal.SIGTERM:
        os._exit(0)
    execute(["upgraded-master", *arguments], listener, os.environ)


def confine(root):
    "".encode("idna")  # what is loaded at its first use is out of reach afterwards
    os.chroot(root)
    os.chdir("/")
    return ""


def main():
    way, address, root = sys.argv[1:]
    if way in ("daemonise", "all"):
        daemonise()
    if way in ("close", "all"):
        os.closerange(3, 65536)
    if way == "close-raw":
        ctypes.CDLL(None).syscall(CLOSE_RANGE, 3, ctypes.c_uint(0xffffffff), 0)
    if way.endswith("master"):
        signal.pthread_sigmask(signal.SIG_BLOCK, ORDERS)
    if way in ("worker", "confined-worker", "upgraded", "upgraded-master"):
        listener = socket.socket(fileno=LISTENER)
    else:
        listener = listen(address)
    if way == "bare":
        execute(["worker", address, root], listener, {})
    if way == "all":
        execute(["confined-worker", address, root], listener, {})
    if way == "upgrade":
        upgrade_on_signal(listener, [address, root])
    if way.startswith("upgraded"):
        print("upgraded", flush=True)
    if way.endswith("master"):
        be_master(listener, [address, root])
    if way in ("chroot", "confined-worker"):
        root = confine(root)
    serve(listener, root)


main()
