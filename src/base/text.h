/* text.h - small pure helpers on text: durations, sizes, quoting, hostile bytes, nearest words. */
#ifndef BR_TEXT_H
#define BR_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

/* "90s", "5m", "1h30m", "250ms", "1.5s", a bare number of seconds. 0, or -1 when it is none (or does not fit). */
int br_parse_duration(const char *s, uint64_t *out_ns);
/* "512M", "2G", "64k", a bare number of bytes; powers of 1024. 0 or -1. */
int br_parse_size(const char *s, uint64_t *out_b);
/* A whole decimal number without sign or blanks. 0 or -1. */
int br_parse_u64(const char *s, uint64_t *out);

/* "0.3 s", "12 s", "3 min 20 s", "2 h 5 min"; for people. buf of at least 32 bytes; returns buf. */
const char *br_format_duration(uint64_t ns, char *buf, size_t size);

/* One word for a POSIX shell, quoted only when needed. The caller frees. */
char *br_shell_quote(const char *word);
/* Words quoted and joined by blanks. The caller frees. */
char *br_shell_join(char *const *argv);
/* The reverse, of what br_shell_join wrote. NULL-terminated vector to free with br_strv_free; NULL: not such a text. */
char **br_shell_split(const char *line);

/* Valid UTF-8 without control characters: others become \xNN or U+FFFD. newline and tab stay when multiline. The caller frees. */
char *br_text_clean(const char *s, size_t n, bool multiline);
/* Bytes to valid UTF-8: invalid sequences become U+FFFD, NUL too. The caller frees. */
char *br_text_utf8(const char *s, size_t n);

/* Index of the entry of the NULL-terminated list that is nearest to word by edit distance, or -1 when none is near. */
int br_text_nearest(const char *word, const char *const *list);

/* "SIGSEGV" for 11; "signal 70" for unnamed ones. buf of at least 24 bytes; returns buf. */
const char *br_signal_name(int sig, char *buf, size_t size);

#endif
