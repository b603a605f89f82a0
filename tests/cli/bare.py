#!/usr/bin/python3
"""bare.py ENTRY... -- COMMAND...: COMMAND with exactly this environment, entry by entry: one may have no
"=", or a name that another has."""
import ctypes
import os
import shutil
import sys


def array(words):
    return (ctypes.c_char_p * (len(words) + 1))(*map(os.fsencode, words), None)


end = sys.argv.index("--")
command = sys.argv[end + 1:]
path = shutil.which(command[0])
ctypes.CDLL(None).execve(os.fsencode(path), array(command), array(sys.argv[1:end]))
sys.exit(f"{path} cannot be executed")
