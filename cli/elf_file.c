#include "elf_file.h"

#include "cleanup.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OWN_MACHINE = EM_AARCH64 };
#endif

/* More than any linker writes; what is beyond is not read. */
enum { MOST_SEGMENTS = 512, MOST_NOTES = 1 << 16, MOST_SECTIONS = 1 << 16, MOST_NAMES = 1 << 20 };

struct reader {
    int file;
    uint64_t size;
    Elf64_Ehdr header;
};

/* All `size` bytes at `offset`, or an error: a file that ends earlier is damaged. */
static int read_at(const struct reader *reader, uint64_t offset, void *buffer, size_t size)
{
    size_t done = 0;

    if (offset > reader->size || size > reader->size - offset)
        return -EBADMSG;
    while (done < size) {
        ssize_t got =
            pread(reader->file, (char *)buffer + done, size - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return -EBADMSG;
        done += (size_t)got;
    }
    return 0;
}

/* The same into new memory, which the caller frees; NULL and an error in *result. */
static void *read_part(const struct reader *reader, uint64_t offset, size_t size, int *result)
{
    cleanup_memory char *buffer = calloc(1, size + 1);

    *result = buffer != NULL ? read_at(reader, offset, buffer, size) : -ENOMEM;
    return *result == 0 ? memory_steal(&buffer) : NULL;
}

static bool is_native(const unsigned char *ident)
{
    const unsigned char order =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

    return ident[EI_CLASS] == ELFCLASS64 && ident[EI_DATA] == order;
}

static int read_header(struct reader *reader, struct elf_file *elf)
{
    const Elf64_Ehdr *header = &reader->header;
    int result = read_at(reader, 0, &reader->header, EI_NIDENT);

    if (result == -EBADMSG || (result == 0 && memcmp(header->e_ident, ELFMAG, SELFMAG) != 0))
        return -ENOEXEC;
    if (result < 0 || !is_native(header->e_ident))
        return result;
    result = read_at(reader, 0, &reader->header, sizeof reader->header);
    if (result < 0)
        return result;
    elf->native = header->e_machine == OWN_MACHINE;
    if (!elf->native)
        return 0;
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return -EBADMSG;
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
        header->e_phnum > MOST_SEGMENTS)
        return -EBADMSG;
    return 0;
}

static int read_interpreter(
    const struct reader *reader, const Elf64_Phdr *segment, struct elf_file *elf)
{
    int result;

    if (elf->interpreted || segment->p_filesz < 2 || segment->p_filesz > sizeof elf->interpreter)
        return -EBADMSG;
    result = read_at(reader, segment->p_offset, elf->interpreter, segment->p_filesz);
    if (result == 0 && elf->interpreter[segment->p_filesz - 1] != '\0')
        result = -EBADMSG;
    elf->interpreted = result == 0;
    return result;
}

static size_t padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

/* The Go linker's build id: a note whose owner is "Go". */
static bool has_go_note(const char *notes, size_t size)
{
    while (size >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note;
        size_t length;

        memcpy(&note, notes, sizeof note);
        if (note.n_namesz > MOST_NOTES || note.n_descsz > MOST_NOTES)
            return false;
        length = sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
        if (length > size)
            return false;
        if (note.n_namesz == 4 && memcmp(notes + sizeof note, "Go\0", 4) == 0)
            return true;
        notes += length;
        size -= length;
    }
    return false;
}

static int read_note(const struct reader *reader, const Elf64_Phdr *segment, struct elf_file *elf)
{
    cleanup_memory char *notes = NULL;
    int result;

    if (segment->p_filesz > MOST_NOTES)
        return 0; /* no linker's note */
    notes = read_part(reader, segment->p_offset, segment->p_filesz, &result);
    if (result == 0 && has_go_note(notes, segment->p_filesz))
        elf->go = true;
    return result;
}

static int read_segment(
    const struct reader *reader, const Elf64_Phdr *segment, struct elf_file *elf)
{
    switch (segment->p_type) {
    case PT_INTERP:
        return read_interpreter(reader, segment, elf);
    case PT_NOTE:
        return read_note(reader, segment, elf);
    case PT_LOAD:
        if (segment->p_offset > reader->size ||
            segment->p_filesz > reader->size - segment->p_offset)
            return -EBADMSG;
        return 0;
    default:
        return 0;
    }
}

static int read_segments(const struct reader *reader, struct elf_file *elf)
{
    for (unsigned i = 0; i < reader->header.e_phnum; i++) {
        Elf64_Phdr segment;
        uint64_t offset = reader->header.e_phoff + i * sizeof segment;
        int result;

        if (offset < reader->header.e_phoff)
            return -EBADMSG;
        result = read_at(reader, offset, &segment, sizeof segment);
        if (result == 0)
            result = read_segment(reader, &segment, elf);
        if (result < 0)
            return result;
    }
    return 0;
}

static bool is_go_section(const char *name)
{
    return strcmp(name, ".note.go.buildid") == 0 || strcmp(name, ".go.buildinfo") == 0 ||
           strcmp(name, ".gopclntab") == 0;
}

/*
 * Go can leave its note out (-buildid=), not its tables. A file without sections (sstrip) is whole;
 * one whose section table cannot be read has been cut.
 */
static int read_sections(const struct reader *reader, struct elf_file *elf)
{
    const Elf64_Ehdr *header = &reader->header;
    cleanup_memory Elf64_Shdr *sections = NULL;
    cleanup_memory char *names = NULL;
    const Elf64_Shdr *table;
    int result;

    if (header->e_shoff == 0 || header->e_shnum == 0 || header->e_shstrndx == SHN_UNDEF)
        return 0;
    if (header->e_shentsize != sizeof *sections || header->e_shstrndx >= header->e_shnum)
        return -EBADMSG;
    sections = read_part(reader, header->e_shoff, header->e_shnum * sizeof *sections, &result);
    if (result < 0)
        return result;
    table = &sections[header->e_shstrndx];
    if (table->sh_type != SHT_STRTAB || table->sh_size > MOST_NAMES)
        return -EBADMSG;
    names = read_part(reader, table->sh_offset, table->sh_size, &result);
    for (unsigned i = 0; result == 0 && i < header->e_shnum; i++)
        if (sections[i].sh_name < table->sh_size && is_go_section(names + sections[i].sh_name))
            elf->go = true;
    return result;
}

int elf_file_read(int file, struct elf_file *elf)
{
    struct reader reader = {.file = file};
    struct stat status;
    int result;

    *elf = (struct elf_file){.native = false};
    if (fstat(file, &status) < 0)
        return -errno;
    reader.size = (uint64_t)status.st_size;
    result = read_header(&reader, elf);
    if (result < 0 || !elf->native)
        return result;
    result = read_segments(&reader, elf);
    return result < 0 ? result : read_sections(&reader, elf);
}
