#!/usr/bin/python3
"""As root: users send files to upload.c, then every file is judged.

uploader.py [OPTION...] HOST:PORT DIRECTORY

--files files are sent over --connections kept-alive connections, the users taking turns: by default
one file after the other (two users: strictly alternating). With --at-once every connection sends as
fast as it can. With --reconnect each file has a connection of its own, for servers that handle one
connection at a time. Status 0 only if each file is there, belongs to its sender and the sender's
group, has mode 0600 and the sender's text. --put=PREFIX sends by HTTP's PUT to PREFIX/NAME; --size
makes every file at least so many bytes long.
"""
import argparse
import os
import pwd
import stat
import sys

from client import become, connect


def content(user, number, size):
    return f"{user} {number} " + (user * (number % 500)).ljust(size, ".") + "\n"


def send(options, connection, user, number):
    data = content(user, number, options.size).encode()
    if options.put is None:
        head, right = f"put {user}-{number} {len(data)}\n", b"ok\n"
    else:
        head = (f"PUT {options.put}/{user}-{number} HTTP/1.1\r\nHost: localhost\r\n"
                f"Content-Length: {len(data)}\r\n\r\n")
        right = b"HTTP/1.1 201 "
    connection.sendall(head.encode() + data)
    answer = connection.recv(2000)
    if not answer.startswith(right):
        raise ConnectionError(f"{user}-{number}: {answer!r}")


def work(options, user, turns, results):
    """Sends the file of each number that comes from `turns`, answers on `results`."""
    become(user)
    connection = None
    for line in turns:
        connection = connection or connect(options.address)
        send(options, connection, user, int(line))
        if options.reconnect:
            connection.close()
            connection = None
        print("sent", file=results, flush=True)


def start_worker(options, user, others):
    """Returns the worker's ends: where turns are written to, where results are read from."""
    turns_in, turns_out = os.pipe()
    results_in, results_out = os.pipe()
    if os.fork():
        os.close(turns_in)
        os.close(results_out)
        return open(turns_out, "w", encoding="ascii"), open(results_in, encoding="ascii")
    status = 1
    try:
        for turns, results in others:
            os.close(turns.fileno())
            os.close(results.fileno())
        os.close(turns_out)
        os.close(results_in)
        work(options, user, open(turns_in, encoding="ascii"),
             open(results_out, "w", encoding="ascii"))
        status = 0
    except (OSError, ValueError) as error:
        os.write(2, f"{user}: {error}\n".encode())
    finally:
        os._exit(status)


def give_turns(options, workers):
    for number in range(options.files):
        turns, results = workers[number % len(workers)]
        print(number, file=turns, flush=True)
        if not options.at_once and results.readline() != "sent\n":
            return
    for turns, results in workers:
        turns.close()
        results.read()


def judge(path, user, number, size):
    account = pwd.getpwnam(user)
    try:
        status = os.stat(path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        return str(error)
    if (status.st_uid, status.st_gid) != (account.pw_uid, account.pw_gid):
        return f"belongs to {status.st_uid}:{status.st_gid}"
    if stat.S_IMODE(status.st_mode) != 0o600:
        return f"has mode {stat.S_IMODE(status.st_mode):o}"
    return "" if text == content(user, number, size) else "has another text"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("directory")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--users", default="alice,bob")
    parser.add_argument("--at-once", action="store_true")
    parser.add_argument("--reconnect", action="store_true")
    parser.add_argument("--put", metavar="PREFIX")
    parser.add_argument("--size", type=int, default=0)
    options = parser.parse_args()
    users = options.users.split(",")
    workers = []
    for number in range(options.connections):
        workers.append(start_worker(options, users[number % len(users)], workers))
    give_turns(options, workers)
    wrong = 0
    for number in range(options.files):
        user = users[number % options.connections % len(users)]
        trouble = judge(f"{options.directory}/{user}-{number}", user, number, options.size)
        if trouble and (wrong := wrong + 1) <= 5:
            print(f"{user}-{number} {trouble}", file=sys.stderr)
    print(f"{options.files} files: {options.files - wrong} right, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
