/*
 * test_complain.c: what strangers wrote reaches the terminal as text on one line, or as \xNN.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "command.h"
#include "escape.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void assert_escaped(const char *text, const char *expected)
{
    char escaped[256];

    assert_string_equal(escape_text(escaped, sizeof escaped, text), expected);
}

static void plain_text_stays(void **state)
{
    (void)state;
    assert_escaped("", "");
    assert_escaped("alice: no such account", "alice: no such account");
    assert_escaped(
        "J\u00fcrgen \u2013 \u65e5\u672c \U0001f600", "J\u00fcrgen \u2013 \u65e5\u672c \U0001f600");
}

static void controls_are_escaped(void **state)
{
    (void)state;
    assert_escaped("a\nb\r\tc", "a\\x0ab\\x0d\\x09c");
    assert_escaped("\033[2J\a\177", "\\x1b[2J\\x07\\x7f");
    assert_escaped("\302\233"
                   "2J",
        "\\xc2\\x9b2J");                                                            /* CSI as C1 */
    assert_escaped("\342\200\250|\342\200\256", "\\xe2\\x80\\xa8|\\xe2\\x80\\xae"); /* LS, RLO */
    assert_escaped("\342\201\246", "\\xe2\\x81\\xa6");                              /* LRI */
}

static void what_is_not_utf8_is_escaped(void **state)
{
    (void)state;
    assert_escaped("\200\377", "\\x80\\xff");
    assert_escaped("\303", "\\xc3");                            /* cut off */
    assert_escaped("\303(", "\\xc3(");                          /* wrong continuation */
    assert_escaped("\300\257", "\\xc0\\xaf");                   /* overlong */
    assert_escaped("\340\200\257", "\\xe0\\x80\\xaf");          /* overlong */
    assert_escaped("\355\240\200", "\\xed\\xa0\\x80");          /* surrogate */
    assert_escaped("\364\220\200\200", "\\xf4\\x90\\x80\\x80"); /* beyond Unicode */
}

static void what_does_not_fit_is_left_off_whole(void **state)
{
    char escaped[8];

    (void)state;
    assert_string_equal(escape_text(escaped, 8, "abcdefgh"), "abcdefg");
    assert_string_equal(escape_text(escaped, 8, "abcd\n"), "abcd");
    assert_string_equal(escape_text(escaped, 8, "abcde\u65e5"), "abcde");
    assert_string_equal(escape_text(escaped, 1, "a"), "");
}

/* Runs complain() with stderr in a pipe. */
static void complaint(char *output, size_t size, const char *text)
{
    int pipe_ends[2], saved = dup(STDERR_FILENO);
    ssize_t length;

    assert_int_equal(pipe(pipe_ends), 0);
    dup2(pipe_ends[1], STDERR_FILENO);
    errno = EXDEV;
    complain("about '%s'", text);
    assert_int_equal(errno, EXDEV);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_ends[1]);
    length = read(pipe_ends[0], output, size - 1);
    close(pipe_ends[0]);
    assert_true(length > 0);
    output[length] = '\0';
}

static void a_complaint_is_one_line(void **state)
{
    char output[4096], long_text[1001], escaped[sizeof long_text * ESCAPE_FACTOR];

    (void)state;
    complaint(output, sizeof output, "a\nwsapeer: b");
    assert_string_equal(output, "wsapeer: about 'a\\x0awsapeer: b'\n");
    complaint(output, sizeof output, "");
    assert_string_equal(output, "wsapeer: about ''\n");

    memset(long_text, '\n', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    complaint(output, sizeof output, long_text);
    escape_text(escaped, sizeof escaped, long_text);
    assert_int_equal(strlen(output), strlen("wsapeer: about ''\n") + strlen(escaped));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays),
        cmocka_unit_test(controls_are_escaped),
        cmocka_unit_test(what_is_not_utf8_is_escaped),
        cmocka_unit_test(what_does_not_fit_is_left_off_whole),
        cmocka_unit_test(a_complaint_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
