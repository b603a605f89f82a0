#!/usr/bin/python3
"""blind.py CALL ERROR COMMAND...: COMMAND runs where the kernel answers CALL with ERROR, without doing it.

CALL is setgroups, setresgid, setresuid or capset; ERROR is 0 ("done", which is a lie) or the name of
an error, as EAGAIN. A filter of seccomp(2) does it.
"""
import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {
    "x86_64": {"setgroups": 116, "setresuid": 117, "setresgid": 119, "capset": 126},
    "aarch64": {"setgroups": 159, "setresuid": 147, "setresgid": 149, "capset": 91},
}
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000
PR_SET_SECCOMP, MODE_FILTER = 22, 2


def main():
    number = NUMBERS[platform.machine()][sys.argv[1]]
    error = getattr(errno, sys.argv[2]) if sys.argv[2] != "0" else 0
    program = b"".join(struct.pack("=HBBI", *step) for step in [
        (LOAD, 0, 0, 0), (EQUAL, 0, 1, number), (RETURN, 0, 0, RET_ERRNO | error), (RETURN, 0, 0, RET_ALLOW)])
    steps = ctypes.create_string_buffer(program)
    fprog = struct.pack("@HP", len(program) // 8, ctypes.addressof(steps))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.create_string_buffer(fprog), 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[3], sys.argv[3:])


main()
