/*
 * test_program.c: what cannot be wrapped is told by name before it starts.
 *
 * The files are copies of /bin/true, tampered with, in a directory of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static char message[4096], path[4096], directory[4096];
static char *original; /* /bin/true */
static size_t original_size;

static enum program_verdict examine(const char *name)
{
    message[0] = '\0';
    return program_examine(name, path, sizeof path, message, sizeof message);
}

static void assert_verdict(const char *name, enum program_verdict verdict, const char *part)
{
    enum program_verdict found = examine(name);

    if (found != verdict)
        fail_msg("%s: %d, not %d: %s", name, found, verdict, message);
    if (verdict == PROGRAM_OK)
        assert_string_equal(message, "");
    else if (strstr(message, part) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", name, message, part);
    assert_null(strchr(message, '\n'));
}

static void write_file(const char *name, const void *content, size_t size, mode_t mode)
{
    int file;

    unlink(name);
    file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0755);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, size), (ssize_t)size);
    assert_int_equal(fchmod(file, mode), 0);
    close(file);
}

static void write_script(const char *name, const char *text)
{
    write_file(name, text, strlen(text), 0755);
}

/* A private copy to tamper with; the caller frees it. */
static char *copy_original(void)
{
    char *copy = malloc(original_size);

    assert_non_null(copy);
    return memcpy(copy, original, original_size);
}

static Elf64_Phdr *segment_of(char *file, uint32_t type)
{
    Elf64_Ehdr *header = (Elf64_Ehdr *)file;
    Elf64_Phdr *segments = (Elf64_Phdr *)(file + header->e_phoff);

    for (unsigned i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == type)
            return &segments[i];
    fail_msg("/bin/true has no segment of type %u", type);
    return NULL;
}

static void dynamic_programs_can_be_wrapped(void **state)
{
    (void)state;
    assert_verdict("/bin/true", PROGRAM_OK, NULL);
    assert_string_equal(path, "/bin/true");
    assert_verdict("true", PROGRAM_OK, NULL);
    assert_int_equal(path[0], '/');
    write_file("copy", original, original_size, 0755);
    assert_verdict("./copy", PROGRAM_OK, NULL);
    assert_string_equal(path, "./copy");
    write_file("copy", original, original_size, S_ISGID | 0745); /* no group execution: no setgid */
    assert_verdict("./copy", PROGRAM_OK, NULL);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    assert_verdict("nosuchprogram", PROGRAM_NOT_FOUND, "cannot find 'nosuchprogram'");
    assert_verdict("./nosuchprogram", PROGRAM_NOT_FOUND, "there is no such file");
    assert_verdict("/bin/true/below", PROGRAM_NOT_FOUND, "there is no such file");
    assert_verdict("", PROGRAM_NOT_FOUND, "cannot find");
}

static void what_cannot_be_executed_is_told(void **state)
{
    (void)state;
    assert_verdict("/etc", PROGRAM_NOT_EXECUTABLE, "Permission denied");
    assert_verdict("/etc/passwd", PROGRAM_NOT_EXECUTABLE, "Permission denied");
    write_script("text", "just text\n");
    assert_verdict("./text", PROGRAM_NOT_EXECUTABLE, "neither an ELF program nor a script");
    write_script("empty", "");
    assert_verdict("./empty", PROGRAM_NOT_EXECUTABLE, "neither an ELF program nor a script");
}

static void path_is_searched_as_execvp_does(void **state)
{
    char *saved = strdup(getenv("PATH"));

    (void)state;
    mkdir("first", 0755);
    mkdir("second", 0755);
    write_file("first/twice", "x", 1, 0644);
    write_file("second/twice", original, original_size, 0755);
    write_file("here", original, original_size, 0755);
    setenv("PATH", "/nonexistent:first:second", 1);
    assert_verdict("twice", PROGRAM_OK, NULL);
    assert_string_equal(path, "second/twice");
    setenv("PATH", "first", 1);
    assert_verdict("twice", PROGRAM_NOT_EXECUTABLE, "'twice'");
    setenv("PATH", "/nonexistent:", 1);
    assert_verdict("here", PROGRAM_OK, NULL);
    assert_string_equal(path, "./here");
    unsetenv("PATH");
    assert_verdict("true", PROGRAM_OK, NULL);
    setenv("PATH", saved, 1);
    free(saved);
}

static void privileged_files_are_refused(void **state)
{
    const struct vfs_cap_data capability = {.magic_etc = VFS_CAP_REVISION_2};

    (void)state;
    write_file("copy", original, original_size, S_ISUID | 0755);
    assert_verdict("./copy", PROGRAM_SETUID, "./copy: it is setuid");
    write_file("copy", original, original_size, S_ISGID | 0755);
    assert_verdict("./copy", PROGRAM_SETUID, "it is setgid");
    write_file("copy", original, original_size, 0755);
    if (setxattr("copy", "security.capability", &capability, XATTR_CAPS_SZ_2, 0) == 0)
        assert_verdict("./copy", PROGRAM_SETUID, "file capabilities");
}

static void foreign_programs_are_refused(void **state)
{
    cleanup_memory char *copy = copy_original();

    (void)state;
    ((Elf64_Ehdr *)copy)->e_machine = EM_MIPS;
    write_file("foreign", copy, original_size, 0755);
    assert_verdict("./foreign", PROGRAM_FOREIGN, "another machine");
    memcpy(copy, original, original_size);
    copy[EI_CLASS] = ELFCLASS32;
    write_file("foreign", copy, original_size, 0755);
    assert_verdict("./foreign", PROGRAM_FOREIGN, "another machine");
    memcpy(copy, original, original_size);
    ((Elf64_Ehdr *)copy)->e_type = ET_CORE;
    write_file("foreign", copy, original_size, 0755);
    assert_verdict("./foreign", PROGRAM_NOT_EXECUTABLE, "damaged");
}

static void static_programs_are_refused(void **state)
{
    cleanup_memory char *copy = copy_original();

    (void)state;
    segment_of(copy, PT_INTERP)->p_type = PT_NULL;
    write_file("static", copy, original_size, 0755);
    assert_verdict("./static", PROGRAM_STATIC, "cannot wrap ./static: it is statically linked");
}

static void other_loaders_are_refused(void **state)
{
    cleanup_memory char *copy = copy_original();
    const Elf64_Phdr *segment = segment_of(copy, PT_INTERP);
    char *loader = copy + segment->p_offset;

    (void)state;
    memset(loader, 0, segment->p_filesz);
    strcpy(loader, "/lib/ld-musl-any.so.1");
    write_file("other", copy, original_size, 0755);
    assert_verdict("./other", PROGRAM_MUSL, "built for musl (/lib/ld-musl-any.so.1)");
    memset(loader, 0, segment->p_filesz);
    strcpy(loader, "/bin/true");
    write_file("other", copy, original_size, 0755);
    assert_verdict("./other", PROGRAM_MUSL, "loaded by /bin/true");
    memset(loader, 0, segment->p_filesz);
    strcpy(loader, "/nonexistent.so");
    write_file("other", copy, original_size, 0755);
    assert_verdict("./other", PROGRAM_NOT_EXECUTABLE, "needs the loader /nonexistent.so");
    memset(loader, 'x', segment->p_filesz);
    write_file("other", copy, original_size, 0755);
    assert_verdict("./other", PROGRAM_NOT_EXECUTABLE, "damaged");
}

static void go_is_known_by_its_note(void **state)
{
    cleanup_memory char *copy = copy_original();
    const Elf64_Phdr *segment = segment_of(copy, PT_NOTE);
    Elf64_Nhdr *note = (Elf64_Nhdr *)(copy + segment->p_offset);

    (void)state;
    assert_int_equal(note->n_namesz, 4);
    memcpy(note + 1, "Go\0", 4);
    write_file("go", copy, original_size, 0755);
    assert_verdict("./go", PROGRAM_GO, "written in Go");
}

static void go_is_known_by_its_sections(void **state)
{
    cleanup_memory char *copy = copy_original();
    const Elf64_Ehdr *header = (Elf64_Ehdr *)copy;
    const Elf64_Shdr *sections = (Elf64_Shdr *)(copy + header->e_shoff);
    char *names = copy + sections[header->e_shstrndx].sh_offset;
    char *name = memmem(
        names, sections[header->e_shstrndx].sh_size, ".eh_frame_hdr", sizeof ".eh_frame_hdr");

    (void)state;
    assert_non_null(name);
    strcpy(name, ".gopclntab");
    write_file("go", copy, original_size, 0755);
    assert_verdict("./go", PROGRAM_GO, "written in Go");
}

static void what_is_cut_short_is_refused(void **state)
{
    (void)state;
    write_file("cut", original, original_size, 0755);
    for (size_t size = original_size; size > 0; size -= size > 4200 ? 1 + size % 397 : 1) {
        if (size < original_size)
            assert_int_equal(truncate("cut", (off_t)size), 0);
        if (examine("./cut") != (size < original_size ? PROGRAM_NOT_EXECUTABLE : PROGRAM_OK))
            fail_msg("%zu of %zu bytes: %s", size, original_size, message);
    }
}

/* With the sanitizers: no header, however wrong, is believed beyond the file. */
static void hostile_headers_are_survived(void **state)
{
    cleanup_memory char *copy = copy_original();
    cleanup_descriptor int file = memfd_create("hostile", 0);
    const size_t section_table = ((Elf64_Ehdr *)original)->e_shoff;
    char name[64];
    unsigned seed = 1;

    (void)state;
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    for (int round = 0; round < 5000; round++) {
        memcpy(copy, original, original_size);
        for (int change = 0; change < 8; change++) {
            size_t where = (size_t)rand_r(&seed);

            where = where % 3 == 0   ? section_table + where % (original_size - section_table)
                    : where % 3 == 1 ? where % 1024
                                     : where % 64;
            copy[where] = rand_r(&seed) % 3 == 0 ? '\xff' : (char)rand_r(&seed);
        }
        assert_int_equal(pwrite(file, copy, original_size, 0), (ssize_t)original_size);
        examine(name);
    }
}

static void scripts_are_judged_by_what_runs_them(void **state)
{
    (void)state;
    write_script("script", "#!/bin/sh\n");
    assert_verdict("./script", PROGRAM_OK, NULL);
    assert_string_equal(path, "./script");
    write_script("script", "#! \t/bin/sh  -e \nmore");
    assert_verdict("./script", PROGRAM_OK, NULL);
    write_script("script", "#!/bin/sh");
    assert_verdict("./script", PROGRAM_OK, NULL);
    write_script("script", "#!./static\n");
    assert_verdict("./script", PROGRAM_STATIC,
        "cannot wrap ./script: its interpreter ./static is statically linked");
    write_script("script", "#!/nonexistent/sh\n");
    assert_verdict("./script", PROGRAM_NOT_FOUND, "'/nonexistent/sh', which ./script needs");
    write_script("script", "#!/etc/passwd\n");
    assert_verdict("./script", PROGRAM_NOT_EXECUTABLE, "'/etc/passwd', which ./script needs");
    write_script("script", "#!\n");
    assert_verdict("./script", PROGRAM_NOT_EXECUTABLE, "whole #! line");
    write_script("script", "#!   ");
    assert_verdict("./script", PROGRAM_NOT_EXECUTABLE, "whole #! line");
}

static void a_line_longer_than_the_kernel_reads_is_refused(void **state)
{
    char line[400];

    (void)state;
    memset(line, '/', sizeof line);
    memcpy(line, "#!", 2);
    memcpy(line + 290, "bin/sh\n", 8);
    write_script("long", line);
    assert_verdict("./long", PROGRAM_NOT_EXECUTABLE, "whole #! line");
    memcpy(line + 240, "bin/sh\n", 8);
    write_script("long", line);
    assert_verdict("./long", PROGRAM_OK, NULL);
}

static void scripts_for_scripts_end_somewhere(void **state)
{
    (void)state;
    write_script("s1", "#!/bin/sh\n");
    write_script("s2", "#!./s1\n");
    write_script("s3", "#!./s2\n");
    write_script("s4", "#!./s3\n");
    write_script("s5", "#!./s4\n");
    assert_verdict("./s4", PROGRAM_OK, NULL);
    assert_verdict("./s5", PROGRAM_NOT_EXECUTABLE, "deeper than wsapeer follows");
    write_script("s1", "#!./s1\n");
    assert_verdict("./s1", PROGRAM_NOT_EXECUTABLE, "deeper than wsapeer follows");
}

static void env_is_followed_to_the_program(void **state)
{
    static const char *const good[] = {
        "sh", "-S sh -e", "-Ssh", "--split-string=sh -e", "-S A=b C=d sh"};
    static const char *const bad[] = {"", "-i sh", "-u LD_PRELOAD sh", "-S -i sh", "-S", "-S A=b",
        "-S LD_PRELOAD=x sh", "-S PATH=/x sh", "-S 's'h", "-S ${SHELL}", "A=b",
        "--ignore-environment"};
    char script[256];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(script, sizeof script, "#!/usr/bin/env %s\n", good[i]);
        write_script("script", script);
        assert_verdict("./script", PROGRAM_OK, NULL);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(script, sizeof script, "#!/usr/bin/env %s\n", bad[i]);
        write_script("script", script);
        assert_verdict("./script", PROGRAM_NOT_EXECUTABLE, "arguments for env(1)");
    }
    write_script("script", "#!/usr/bin/env nosuchprogram\n");
    assert_verdict("./script", PROGRAM_NOT_FOUND, "'nosuchprogram', which ./script needs");
    write_script("script", "#!/usr/bin/env ./static\n");
    assert_verdict("./script", PROGRAM_STATIC, "its interpreter ./static");
}

static bool own_directory(void)
{
    const char *parent = getenv("TMPDIR");

    snprintf(directory, sizeof directory, "%s/programXXXXXX", parent ? parent : "/tmp");
    return mkdtemp(directory) != NULL;
}

static int read_original(void **state)
{
    struct stat status;
    int file = open("/bin/true", O_RDONLY);

    (void)state;
    if (file < 0 || fstat(file, &status) < 0 || !own_directory() || chdir(directory) < 0)
        return -1;
    original_size = (size_t)status.st_size;
    original = malloc(original_size);
    if (original == NULL || read(file, original, original_size) != (ssize_t)original_size)
        return -1;
    return close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dynamic_programs_can_be_wrapped),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(what_cannot_be_executed_is_told),
        cmocka_unit_test(path_is_searched_as_execvp_does),
        cmocka_unit_test(privileged_files_are_refused),
        cmocka_unit_test(foreign_programs_are_refused),
        cmocka_unit_test(static_programs_are_refused),
        cmocka_unit_test(other_loaders_are_refused),
        cmocka_unit_test(go_is_known_by_its_note),
        cmocka_unit_test(go_is_known_by_its_sections),
        cmocka_unit_test(what_is_cut_short_is_refused),
        cmocka_unit_test(hostile_headers_are_survived),
        cmocka_unit_test(scripts_are_judged_by_what_runs_them),
        cmocka_unit_test(a_line_longer_than_the_kernel_reads_is_refused),
        cmocka_unit_test(scripts_for_scripts_end_somewhere),
        cmocka_unit_test(env_is_followed_to_the_program),
    };
    int failed = cmocka_run_group_tests(tests, read_original, NULL);

    free(original);
    return failed;
}
