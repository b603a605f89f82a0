#!/usr/bin/python3
"""Asks servers of $WORLD/home for files, as different users, and judges what comes back.

client.py ask [--lines] ADDRESS REQUEST...     as the calling user; prints the answers, one a line
client.py load [OPTION...] ADDRESS             as root: workers that are each one user for good

ADDRESS is HOST:PORT or the path of an AF_UNIX socket, @NAME an abstract one. --lines speaks
fileserver.py's protocol instead of HTTP. `load` ends with one line of counts; its status is 0 only if
every answer was right: the text of the very owner where the user may read the file, a refusal where
it may not. With --ask=uid each asks instead who it is, and must be told its own uid. --prefix stands
before each path: another way to the same files.
"""
import argparse
import grp
import os
import pwd
import socket
import sys

# What there is, and who may have it.
FILES = {
    "/alice/private": ("alice's private", {"alice"}),
    "/bob/private": ("bob's private", {"bob"}),
    "/shared/staff": ("staff's own", {"alice", "carol"}),
    "/shared/public": ("everybody's", {"alice", "bob", "carol", "stranger"}),
}
UID = "/uid"  # answered with the asker's own
SECONDS = 20  # for any one answer


class Refused(Exception):
    """The server answered, and the answer is no."""


def connect(address):
    if address[0] in "/@":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(SECONDS)
        connection.connect(address.replace("@", "\0", 1))
        return connection
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), SECONDS)


class Http:
    """HTTP/1.1, only what these servers answer with."""

    def __init__(self, address, keep_alive):
        self.keep_alive = keep_alive
        self.is_over = False
        self.socket = connect(address)
        self.file = self.socket.makefile("rb")

    def ask(self, path):
        kind = "keep-alive" if self.keep_alive else "close"
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: {kind}\r\n\r\n"
        self.socket.sendall(request.encode())
        status = self.file.readline().split()
        if len(status) < 2:
            raise ConnectionError("no answer")
        headers = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = self.body(headers)
        kind = headers.get("connection", "keep-alive" if status[0] == b"HTTP/1.1" else "close")
        self.is_over = kind.lower() == "close"
        if status[1] in (b"403", b"404"):
            raise Refused(status[1].decode())
        if status[1] != b"200":
            raise ConnectionError(f"status {status[1].decode()}")
        return body.decode().strip()

    def body(self, headers):
        if "content-length" in headers:
            return self.file.read(int(headers["content-length"]))
        if headers.get("transfer-encoding") != "chunked":
            return self.file.read()
        body = b""
        while size := int(self.file.readline(), 16):
            body += self.file.read(size)
            self.file.readline()
        self.file.readline()
        return body

    def close(self):
        self.file.close()
        self.socket.close()


class Lines:
    """fileserver.py's protocol: a line asks, a line answers, "ok TEXT" or "error TEXT"."""

    def __init__(self, address, keep_alive):
        self.keep_alive = keep_alive
        self.is_over = False
        self.socket = connect(address)
        self.file = self.socket.makefile("rb")

    def ask(self, request):
        if request.startswith("/"):
            request = "get " + request
        self.socket.sendall(request.encode() + b"\n")
        answer = self.file.readline().decode().strip()
        if answer.startswith("ok "):
            return answer[3:]
        if answer.startswith("error "):
            raise Refused(answer[6:])
        raise ConnectionError(f"no answer: {answer!r}")

    close = Http.close


def become(user):
    account = pwd.getpwnam(user)
    groups = {account.pw_gid, *(g.gr_gid for g in grp.getgrall() if user in g.gr_mem)}
    os.setgroups(sorted(groups))
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)


def due(user, path):
    """What the user must be answered; None for a refusal."""
    if path == UID:
        return str(pwd.getpwnam(user).pw_uid)
    text, readers = FILES[path]
    return text if user in readers else None


def judge(user, path, answer):
    """Returns "right", "wrong" (a file it may not have, or another's) or "withheld"."""
    if answer == due(user, path):
        return "right"
    return "withheld" if answer is None else "wrong"


def one_request(connection, user, prefix, path):
    try:
        return judge(user, path, connection.ask(prefix + path))
    except Refused:
        return judge(user, path, None)


def work(options, number, user):
    """One worker's share of the requests; returns counts by outcome and the first trouble."""
    counts = dict.fromkeys(("right", "wrong", "withheld", "failed"), 0)
    trouble = ""
    connection = None
    paths = [UID] if options.ask == "uid" else list(FILES)
    for turn in range(number, options.requests, options.workers):
        path = paths[turn // options.workers % len(paths)]
        try:
            connection = connection or options.protocol(options.address, options.keep_alive)
            outcome = one_request(connection, user, options.prefix, path)
        except (OSError, ValueError) as error:
            outcome = "failed"
            trouble = trouble or f"{user} {path}: {error}"
        counts[outcome] += 1
        if outcome in ("wrong", "withheld"):
            trouble = trouble or f"{user} {path}: {outcome}"
        if connection and (outcome == "failed" or connection.is_over or not options.keep_alive):
            connection.close()
            connection = None
    return counts, trouble


def start_worker(options, number, user):
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return open(reading, encoding="utf-8")
    try:
        become(user)
        counts, trouble = work(options, number, user)
        report = " ".join(str(count) for count in counts.values()) + " " + trouble
        os.write(writing, report.encode())
    finally:
        os._exit(0)


def load(options):
    users = options.users.split(",")
    workers = [start_worker(options, number, users[number % len(users)])
               for number in range(options.workers)]
    reports = [worker.read().split(" ", 4) for worker in workers]
    right, wrong, withheld, failed = (
        sum(int(report[outcome]) for report in reports if len(report) == 5)
        for outcome in range(4))
    for trouble in sorted({report[4] for report in reports if report[-1]})[:10]:
        print(trouble, file=sys.stderr)
    print(f"{options.requests} requests: {right} right, {wrong} wrong, "
          f"{withheld} withheld from who may have them, {failed} failed")
    return 0 if right == options.requests else 1


def ask(options):
    connection = options.protocol(options.address, keep_alive=True)
    status = 0
    for request in options.request:
        try:
            print("ok", connection.ask(request), flush=True)
        except Refused as refusal:
            print("error", refusal, flush=True)
            status = 1
    return status


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    asking, loading = commands.add_parser("ask"), commands.add_parser("load")
    for command in (asking, loading):
        command.add_argument("--lines", dest="protocol", action="store_const", const=Lines,
                             default=Http)
        command.add_argument("address")
    asking.add_argument("request", nargs="+")
    loading.add_argument("--requests", type=int, default=1000)
    loading.add_argument("--workers", type=int, default=16)
    loading.add_argument("--users", default="alice,bob,carol,stranger")
    loading.add_argument("--keep-alive", action="store_true")
    loading.add_argument("--ask", choices=("files", "uid"), default="files")
    loading.add_argument("--prefix", default="")
    options = parser.parse_args()
    return {"ask": ask, "load": load}[options.command](options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"client.py: {error}")
