#!/usr/bin/python3
"""masters.py WAY WAIT ADDRESS: a master, and two workers who get its listener in one of many ways.

WAY: how a worker comes to what it listens on
  fork        it is forked when the master listens; the rest is closed by close_range(2)
  exec        executed with it as descriptor 3, as by LISTEN_FDS
  high        executed with it as descriptor 200
  spawn       by posix_spawn(3), as descriptor 5
  pass        executed without it, and given it in a message
  move        the master moves it, over another listener of its own, by dup2(2), then forks
  own         it makes one of its own, by SO_REUSEPORT
  pair        the master makes two by SO_REUSEPORT, one for each: binds both, then listens on both
  alone       there is no worker: the master serves; on HUP it opens its listener anew
WAY-bound: the master binds it, and each worker listens on it itself; with own, two are bound before
  one listens

ADDRESS: HOST:PORT, or /PATH

WAIT: how a worker waits for clients: epoll, poll, select, or accept, which waits by itself

A line asks, a line answers: `get /uid` with the worker's user id, `pid` with its process id, `port`
with what the listener says; `die` ends the worker, and the master starts another.
"""
import contextlib
import os
import select
import signal
import socket
import sys

WORKERS = 2


def make(address):
    if address[0] == "/":
        listener = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address)
        listener.bind(address)
        return listener
    host, _, port = address.rpartition(":")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if way in ("own", "pair"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, int(port)))
    return listener


# ---- workers --------------------------------------------------------------------------------------


def answer(line, listener):
    if line == "die":
        os._exit(0)
    told = {"get /uid": os.getuid, "pid": os.getpid, "port": lambda: listener.getsockname()[1]}
    return f"ok {told[line]()}\n"


def attend(listener):
    try:
        connection, _ = listener.accept()
    except (BlockingIOError, ConnectionError):
        return
    connection.setblocking(True)
    with connection, connection.makefile() as lines:
        for line in lines:
            connection.sendall(answer(line.strip(), listener).encode())


def waiter(listener):
    """What waits until a client may be there."""
    if wait == "epoll":
        waits = select.epoll()
        waits.register(listener, select.EPOLLIN)
        return waits.poll
    if wait == "poll":
        waits = select.poll()
        waits.register(listener, select.POLLIN)
        return waits.poll
    return lambda: select.select([listener], [], [])


def work(listener):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if is_bound:
        listener.listen(128)
    if wait == "accept":
        listener.setblocking(True)
        while True:
            attend(listener)
    listener.setblocking(False)
    some = waiter(listener)
    while True:
        some()
        attend(listener)


def close_others(number):
    """Every number from 3 on but that one."""
    os.closerange(3, number)
    os.closerange(number + 1, 1 << 20)


def executed():
    """The rest of the life of a worker that was executed: "NUMBER" or "message NUMBER"."""
    number = int(sys.argv[5])
    if sys.argv[4] == "message":
        with socket.socket(fileno=number) as channel:
            _, (number,), _, _ = socket.recv_fds(channel, 1, 1)
    work(socket.socket(fileno=number))


# ---- masters --------------------------------------------------------------------------------------


def execute(*more):
    arguments = [sys.executable, os.path.abspath(__file__), *sys.argv[1:4], *more]
    os.execv(sys.executable, arguments)


def begin_executed(listener, number):
    if os.fork():
        return
    os.dup2(listener.fileno(), number)
    os.set_inheritable(number, True)
    close_others(number)
    execute("descriptor", str(number))


def begin_spawned(listener):
    arguments = [sys.executable, os.path.abspath(__file__), *sys.argv[1:4], "descriptor", "5"]
    os.posix_spawn(sys.executable, arguments, os.environ,
                   file_actions=[(os.POSIX_SPAWN_DUP2, listener.fileno(), 5)])


def begin_passed(listener):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if os.fork() == 0:
            os.set_inheritable(theirs.fileno(), True)
            close_others(theirs.fileno())
            execute("message", str(theirs.fileno()))
        socket.send_fds(ours, [b"x"], [listener.fileno()])


def begin_forked(listener):
    if os.fork() == 0:
        close_others(listener.fileno())
        work(listener)


def begin_own():
    if os.fork() == 0:
        listener = make(sys.argv[3])
        if not is_bound:
            listener.listen(128)
        work(listener)


def begin(turn, listeners):
    listener = listeners[turn % len(listeners)] if listeners else None
    ways = {"exec": lambda: begin_executed(listener, 3),
            "high": lambda: begin_executed(listener, 200),
            "spawn": lambda: begin_spawned(listener),
            "pass": lambda: begin_passed(listener),
            "own": begin_own}
    ways.get(way, lambda: begin_forked(listener))()


def prepare():
    """The master's listeners."""
    if way == "own":
        return []
    listeners = [make(sys.argv[3]) for _ in range(2 if way == "pair" else 1)]
    if way == "move":
        listeners.append(socket.socket())
        listeners[1].bind(("127.0.0.1", 0))
        listeners[1].listen(1)
    for listener in [] if is_bound else listeners:
        listener.listen(128)
    if way == "move":
        os.dup2(listeners[0].fileno(), listeners[1].fileno())
        listeners.pop(0).close()
    return listeners


def end(*_):
    """All of it, as a terminal would."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    os._exit(0)


class Hangup(Exception):
    """HUP came."""


def hang_up(*_):
    raise Hangup


def alone():
    signal.signal(signal.SIGHUP, hang_up)
    while True:
        with contextlib.suppress(Hangup), make(sys.argv[3]) as listener:
            listener.listen(128)
            work(listener)


def master():
    os.umask(0)  # everybody may connect to an AF_UNIX socket
    if way == "alone":
        alone()
    listeners = prepare()
    signal.signal(signal.SIGTERM, end)
    for turn in range(WORKERS):
        begin(turn, listeners)
    turn = WORKERS
    while True:
        os.wait()
        begin(turn, listeners)
        turn += 1


way, _, bound = sys.argv[1].partition("-")
is_bound = bound == "bound"
wait = sys.argv[2]
if len(sys.argv) > 4:
    executed()
else:
    master()
