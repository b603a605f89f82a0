#!/usr/bin/python3
"""keyring.py hide COMMAND...: COMMAND runs in a new session keyring, which holds a key of ours.

keyring.py look: prints "seen" if the key can be had by the session keyring, else "not there".
It ends with 77 where the kernel has no keys, or where they are forbidden.
"""
import ctypes
import os
import platform
import sys

ADD_KEY, KEYCTL = {"x86_64": (248, 250), "aarch64": (217, 219)}[platform.machine()]
JOIN_SESSION, SEARCH, SESSION = 1, 10, -3

libc = ctypes.CDLL(None, use_errno=True)
if sys.argv[1] == "hide":
    if libc.syscall(KEYCTL, JOIN_SESSION, None) < 0:
        sys.exit(77)
    if libc.syscall(ADD_KEY, b"user", b"wsapeer-test", b"secret", 6, SESSION) < 0:
        sys.exit(77)
    os.execvp(sys.argv[2], sys.argv[2:])
print("seen" if libc.syscall(KEYCTL, SEARCH, SESSION, b"user", b"wsapeer-test", 0) >= 0 else "not there")
