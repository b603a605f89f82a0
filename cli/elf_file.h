/*
 * elf_file.h: what an ELF file says about how it is loaded.
 *
 * Invariant: every offset and size in the file is taken for hostile and checked against the file's
 * own size; nothing is mapped, so a file that is cut short meanwhile gives an error and no signal.
 *
 * Called by program.c. Allocates within bounds, closes nothing, leaves the file position alone.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

struct elf_file {
    bool native;      /* of this machine, class and byte order; else nothing further is set */
    bool go;          /* carries the Go linker's notes or sections */
    bool interpreted; /* names a dynamic loader */
    char interpreter[PATH_MAX];
};

/*
 * Reads the open file. Returns 0; -ENOEXEC if it is no ELF file; -EBADMSG if it is damaged, or no
 * program; or another -errno.
 */
int elf_file_read(int file, struct elf_file *elf);
