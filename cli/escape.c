#include "escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The length of the well-formed UTF-8 character at `text`, and its code; 0 if there is none. */
static size_t read_character(const unsigned char *text, uint32_t *code)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80         ? 1
                    : text[0] >> 5 == 0x06 ? 2
                    : text[0] >> 4 == 0x0e ? 3
                    : text[0] >> 3 == 0x1e ? 4
                                           : 0;

    if (length == 0)
        return 0;
    *code = length == 1 ? text[0] : text[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if (text[i] >> 6 != 0x02) /* the terminating NUL too */
            return 0;
        *code = *code << 6 | (text[i] & 0x3f);
    }
    if (*code < lowest[length] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return length;
}

static bool is_harmless(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
        return false;
    if (code == 0x200e || code == 0x200f || code == 0x61c)
        return false; /* marks of direction */
    return !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069);
}

static void write_hexadecimal(char *escaped, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";

    escaped[0] = '\\';
    escaped[1] = 'x';
    escaped[2] = digits[byte >> 4];
    escaped[3] = digits[byte & 0x0f];
}

char *escape_text(char *escaped, size_t size, const char *text)
{
    const unsigned char *next = (const unsigned char *)text;
    size_t used = 0;

    while (*next != '\0') {
        uint32_t code = 0;
        size_t length = read_character(next, &code);
        bool harmless = length > 0 && is_harmless(code);
        size_t needed;

        if (length == 0)
            length = 1;
        needed = harmless ? length : ESCAPE_FACTOR * length;
        if (used + needed >= size)
            break;
        if (harmless)
            memcpy(escaped + used, next, length);
        for (size_t i = 0; !harmless && i < length; i++)
            write_hexadecimal(escaped + used + ESCAPE_FACTOR * i, next[i]);
        used += needed;
        next += length;
    }
    escaped[used] = '\0';
    return escaped;
}
