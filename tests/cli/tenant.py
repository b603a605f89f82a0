#!/usr/bin/python3
"""tenant.py [OPTION...] ADDRESS...: a server that tells about itself, one event loop in one thread.

ADDRESS: HOST:PORT, [HOST6]:PORT, /PATH or @ABSTRACT. A line asks, a line answers, "ok TEXT" or
"error TEXT": `get /uid` is answered with the server's own uid, `get PATH` with the first line of a
file; any other line is an expression of Python, answered with its value.

  --dual          [::] takes IPv4, too
  --reuseport     SO_REUSEPORT, and two listeners for each address
  --lock=FILE     only one may run at a time: status 3 for the second
  --fail=STATUS   ends so before it listens
  --fault=FILE    ends with status 3 before it listens, if the file is there
  --config=FILE   its first line is options.text: read at the start, and on HUP as far as it may be
  --threads=N --children=N   are made before it serves, and sleep
  --workers=N     it is they that serve, and the one that was started waits for them
  --signals=FILE  writes down each HUP, USR1, USR2, WINCH with its pid
  --term=ignore|STATUS       what TERM does
  --farewell=FIFO            TERM ends with status 5: at once, but the process that started first,
                             and named it FIFO.first, waits until somebody opens that
  --daemon        the one that was started ends when the listeners are there
  --pidfile=FILE  of the daemon; the first one stays in it
  --ready=FIFO    and not before somebody opens FIFO
  --attached      and the daemon stays in its session
  --control       listens on a name of its own, too: @control-PID
  --notify        tells NOTIFY_SOCKET that it is ready, as late as it can
  --wait=poll|select   what its loop waits by; without: epoll
  --begin=HOW     how it comes to wait for clients, one or more of, with commas between:
                  late     another thread waits already when the listeners join its set
                  unheard  they join the set before they listen
                  asks     each is asked for a client before it joins the set
"""
import argparse
import contextlib
import ctypes
import errno
import fcntl
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time

kept = []  # what an expression is to leave behind
options = None


def fork(count):
    """So many processes that do nothing; as many as the limits allow."""
    for _ in range(count):
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            while True:
                signal.pause()
    return count


def hog(megabytes):
    kept.append(b"x" * (megabytes << 20))
    return megabytes


def crash():
    os.abort()


def read_key(number):
    """The payload of a key (keyctl(2)), or the error's name."""
    libc = ctypes.CDLL(None, use_errno=True)
    payload = ctypes.create_string_buffer(100)
    size = libc.syscall({"x86_64": 250, "aarch64": 219}[os.uname().machine], 11, number, payload, 100, 0)
    return payload.raw[:size].decode() if size >= 0 else os.strerror(ctypes.get_errno())


def run(*command):
    return " ".join(subprocess.run(command, capture_output=True, text=True, check=False).stdout.split())


def first_line(path):
    with open(path, encoding="utf-8") as file:
        return file.readline().strip()


def sockets_of_ours():
    """The inodes of the sockets among our descriptors."""
    names = (os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")
             if os.path.lexists(f"/proc/self/fd/{number}"))
    return {name[8:-1] for name in names if name.startswith("socket:")}


def real_listeners():
    """How many of our sockets listen on TCP, by the kernel's word and not by getsockopt's."""
    found = 0
    for table in "tcp", "tcp6":
        with open(f"/proc/self/net/{table}", encoding="ascii") as file:
            rows = [line.split() for line in file][1:]
        found += sum(row[3] == "0A" and row[9] in sockets_of_ours() for row in rows)
    return found


def answer(line):
    try:
        if line == "get /uid":
            value = os.geteuid()
        elif line.startswith("get "):
            value = first_line(line[4:])
        else:
            value = eval(line)  # pylint: disable=eval-used
    except Exception as error:  # pylint: disable=broad-except
        return f"error {error}\n"
    return f"ok {value}\n"


def open_listener(address):
    host, _, port = address.rpartition(":")
    if address[0] in "/@":
        listener, where = socket.socket(socket.AF_UNIX), address.replace("@", "\0", 1)
    elif host.startswith("["):
        listener, where = socket.socket(socket.AF_INET6), (host.strip("[]"), int(port))
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not options.dual)
    else:
        listener, where = socket.socket(), (host, int(port))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if options.reuseport:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(where)
    listener.setblocking(False)
    return listener


def listen(listeners):
    for listener in listeners:
        listener.listen(128)


class Client:
    def __init__(self, connection):
        self.connection, self.text = connection, b""

    def is_over(self):
        try:
            some = self.connection.recv(65536)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        *lines, self.text = (self.text + some).split(b"\n")
        try:
            for line in lines:
                self.connection.sendall(answer(line.decode()).encode())
        except ConnectionError:
            return True
        return not some


def accept(waits, listener):
    try:
        connection, _ = listener.accept()
    except (BlockingIOError, ConnectionError):
        return
    except OSError as error:  # what does not listen yet hangs up, and wakes who waits
        if error.errno != errno.EINVAL or "unheard" not in options.begin:
            raise
        return
    connection.setblocking(True)
    waits.register(connection, selectors.EVENT_READ, Client(connection))


def join(waits, listeners):
    for listener in listeners:
        waits.register(listener, selectors.EVENT_READ)


def loop(waits):
    while True:
        for key, _ in waits.select():
            if key.data is None:
                accept(waits, key.fileobj)
            elif key.data.is_over():
                waits.unregister(key.fileobj)
                key.fileobj.close()


def loop_in_a_thread(waits):
    """It waits when this returns."""
    thread = threading.Thread(target=loop, args=(waits,))
    thread.start()
    while True:
        with open(f"/proc/self/task/{thread.native_id}/syscall", encoding="ascii") as file:
            words = file.read().split()
        if len(words) > 1 and int(words[1], 16) == waits.fileno():
            return


def serve(listeners):
    waits = {"poll": selectors.PollSelector, "select": selectors.SelectSelector,
             None: selectors.EpollSelector}[options.wait]()
    if "late" in options.begin:
        loop_in_a_thread(waits)
    if "unheard" in options.begin:
        join(waits, listeners)
        listen(listeners)
    elif options.begin:
        listen(listeners)
    if "asks" in options.begin:
        for listener in listeners:
            accept(waits, listener)
    if "unheard" not in options.begin:
        join(waits, listeners)
    if "late" not in options.begin:
        loop(waits)


def note(number, _):
    line = f"{os.getpid()} {signal.Signals(number).name}\n"
    descriptor = os.open(options.signals, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def await_opening(fifo):
    os.close(os.open(fifo, os.O_RDONLY))


def say_farewell(is_first):
    if is_first:
        await_opening(options.farewell + ".first")
    os._exit(5)


def prepare_farewell():
    try:
        os.rename(options.farewell, options.farewell + ".first")
        is_first = True
    except FileNotFoundError:
        is_first = False
    signal.signal(signal.SIGTERM, lambda *_: say_farewell(is_first))


def read_config(*_):
    try:
        options.text = first_line(options.config)
    except PermissionError as error:
        print("tenant:", error, file=sys.stderr)


def prepare_signals():
    if options.signals:
        for number in signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH:
            signal.signal(number, note)
    if options.term == "ignore":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif options.term:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(int(options.term)))
    if options.farewell:
        prepare_farewell()
    if options.config:
        read_config()
        signal.signal(signal.SIGHUP, read_config)


def prepare_company():
    for _ in range(options.threads):
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
    fork(options.children)


def is_worker(count):
    """In each of so many children, and not in their parent."""
    return any(os.fork() == 0 for _ in range(count))


def take_lock():
    lock = os.open(options.lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(f"tenant: {options.lock} is locked: is another one running?", file=sys.stderr)
        sys.exit(3)
    kept.append(lock)


def become_daemon():
    if os.fork():
        if options.ready:
            await_opening(options.ready)
        os._exit(0)
    if not options.attached:
        os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for number in 0, 1, 2:
        os.dup2(null, number)
    if options.pidfile:
        with contextlib.suppress(FileExistsError), open(options.pidfile, "x", encoding="ascii") as file:
            file.write(str(os.getpid()))


def tell_ready():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(b"READY=1\n", os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))


def main():
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("address", nargs="+")
    for flag in "dual", "reuseport", "daemon", "control", "notify", "attached":
        parser.add_argument(f"--{flag}", action="store_true")
    texts = ("lock", "signals", "term", "farewell", "note", "pidfile", "ready", "wait", "fault",
             "config")
    for text in texts:
        parser.add_argument(f"--{text}")
    parser.add_argument("--begin", type=lambda text: text.split(","), default=[])
    for number in "fail", "threads", "children", "workers":
        parser.add_argument(f"--{number}", type=int, default=0)
    options = parser.parse_args()
    if options.fail:
        print("tenant: no, not today", file=sys.stderr)
        sys.exit(options.fail)
    if options.fault and os.path.exists(options.fault):
        print(f"tenant: {options.fault} is in the way", file=sys.stderr)
        sys.exit(3)
    if options.lock:
        take_lock()
    os.umask(0)  # everybody may connect to an AF_UNIX socket
    prepare_signals()
    prepare_company()
    if options.control:
        options.address.append(f"@control-{os.getpid()}")
    listeners = [open_listener(address) for address in options.address
                 for _ in range(2 if options.reuseport else 1)]
    os.umask(0o022)
    if not options.begin:
        listen(listeners)
    if options.daemon:
        become_daemon()
    if options.notify:
        tell_ready()
    if not options.workers or is_worker(options.workers):
        serve(listeners)
    os.wait()


main()
