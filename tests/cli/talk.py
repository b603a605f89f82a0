#!/usr/bin/python3
"""talk.py ADDRESS [COUNT]: a client that stays. It says "connected" when it is. Then each line of its
input asks, and each answer is a line: "ok VALUE" or "error TEXT"; "refused" if the connection ends.

With COUNT it has so many connections, and each has asked, once, who serves it, before it says
"connected"; then how many were answered what, as "COUNT ANSWER". It ends with its input.
"""
import collections
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../servers")
import client  # noqa: E402 pylint: disable=wrong-import-position

client.SECONDS = 120


def talk(address):
    connection = client.Lines(address, True)
    print("connected", flush=True)
    for line in sys.stdin:
        try:
            print("ok", connection.ask(line.strip()), flush=True)
        except client.Refused as refusal:
            print("error", refusal, flush=True)


def crowd(address, count):
    connections = [client.connect(address) for _ in range(count)]
    for connection in connections:
        connection.sendall(b"get /uid\n")
    print("connected", flush=True)
    answers = collections.Counter(connection.makefile().readline().strip()
                                  for connection in connections)
    for answer, number in answers.items():
        print(number, answer, flush=True)
    sys.stdin.read()


try:
    if len(sys.argv) > 2:
        crowd(sys.argv[1], int(sys.argv[2]))
    else:
        talk(sys.argv[1])
except ConnectionError:
    print("refused", flush=True)
