/* text.c - small pure helpers on text: durations, sizes, quoting, hostile bytes, nearest words. */
#include "base/text.h"

#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NS_S UINT64_C(1000000000)
#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

int br_parse_u64(const char *s, uint64_t *out)
{
	uint64_t n = 0;

	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return -1;
	}
	*out = n;
	return 0;
}

/* The largest first: a later part of "1h30m" must be a smaller unit, or "5m2h" would pass for a slip of the pen. */
static const struct unit {
	char name[4];
	uint64_t ns;
} units[] = {
	{"d", 86400 * NS_S}, {"h", 3600 * NS_S}, {"min", 60 * NS_S}, {"m", 60 * NS_S},
	{"s", NS_S},	     {"ms", 1000000},	 {"us", 1000},	     {"ns", 1},
};

static uint64_t unit_at(const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strlen(units[i].name) == len && memcmp(units[i].name, s, len) == 0)
			return units[i].ns;
	return 0;
}

/* A number as whole + frac / scale. Digits beyond the twelfth after the point are below a nanosecond of any unit we have. */
struct decimal {
	uint64_t whole, frac, scale;
};

static int read_decimal(const char **s, struct decimal *out)
{
	const char *p = *s;
	struct decimal d = {.scale = 1};

	if (!isdigit((unsigned char)*p))
		return -1;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(d.whole, 10u, &d.whole) ||
		    __builtin_add_overflow(d.whole, (uint64_t)(*p - '0'), &d.whole))
			return -1;
	if (*p == '.') {
		if (!isdigit((unsigned char)*++p))
			return -1;
		for (; isdigit((unsigned char)*p); p++)
			if (d.scale < UINT64_C(1000000000000)) {
				d.frac = d.frac * 10 + (uint64_t)(*p - '0');
				d.scale *= 10;
			}
	}
	*s = p;
	*out = d;
	return 0;
}

__extension__ typedef unsigned __int128 wide; /* whole * unit cannot overflow it */

static int add_scaled(uint64_t *sum, const struct decimal *d, uint64_t unit)
{
	wide ns = (wide)d->whole * unit + (wide)d->frac * unit / d->scale + *sum;

	if (ns > UINT64_MAX)
		return -1;
	*sum = (uint64_t)ns;
	return 0;
}

int br_parse_duration(const char *s, uint64_t *out_ns)
{
	uint64_t sum = 0, last = UINT64_MAX;
	bool first = true;

	do {
		struct decimal d;
		uint64_t unit;
		size_t len;

		if (read_decimal(&s, &d) != 0)
			return -1;
		len = strspn(s, "dhminsu");
		unit = len || !first || *s ? unit_at(s, len) : NS_S;
		if (unit == 0 || unit >= last || add_scaled(&sum, &d, unit) != 0)
			return -1;
		last = unit;
		first = false;
		s += len;
	} while (*s);
	*out_ns = sum;
	return 0;
}

int br_parse_size(const char *s, uint64_t *out_b)
{
	static const char letters[] = "kmgtpe";
	size_t digits = strspn(s, "0123456789");
	const char *suffix = s + digits;
	br_auto_free char *number = br_strndup(s, digits);
	uint64_t n;

	if (br_parse_u64(number, &n) != 0)
		return -1;
	if (*suffix) {
		const char *at = strchr(letters, tolower((unsigned char)*suffix));

		if (at) {
			if (__builtin_mul_overflow(n, UINT64_C(1) << (10 * (at - letters + 1)), &n))
				return -1;
			suffix++;
			if (suffix[0] == 'i' && suffix[1] == 'B')
				suffix++;
		}
		if (*suffix == 'B')
			suffix++;
		if (*suffix)
			return -1;
	}
	*out_b = n;
	return 0;
}

/* "3 min 20 s", and "3 min" when nothing is left over. */
static void two_units(char *buf, size_t size, uint64_t n, const char *const name[2], uint64_t per)
{
	if (n % per)
		(void)snprintf(buf, size, "%ju %s %ju %s", (uintmax_t)(n / per), name[0],
			       (uintmax_t)(n % per), name[1]);
	else
		(void)snprintf(buf, size, "%ju %s", (uintmax_t)(n / per), name[0]);
}

const char *br_format_duration(uint64_t ns, char *buf, size_t size)
{
	uint64_t tenths = ns / (NS_S / 10) + (ns % (NS_S / 10) >= NS_S / 20);
	uint64_t seconds = ns / NS_S + (ns % NS_S >= NS_S / 2);
	uint64_t minutes = seconds / 60 + (seconds % 60 >= 30);

	if (ns == 0)
		(void)snprintf(buf, size, "0 s");
	else if (ns < NS_S / 10)
		(void)snprintf(buf, size, "%ju ms", (uintmax_t)(ns < 1500000 ? 1 : (ns + 500000) / 1000000));
	else if (tenths < 100)
		(void)snprintf(buf, size, "%ju.%ju s", (uintmax_t)(tenths / 10), (uintmax_t)(tenths % 10));
	else if (seconds < 60)
		(void)snprintf(buf, size, "%ju s", (uintmax_t)seconds);
	else if (seconds < 3600)
		two_units(buf, size, seconds, (const char *const[]){"min", "s"}, 60);
	else if (minutes < 24 * 60)
		two_units(buf, size, minutes, (const char *const[]){"h", "min"}, 60);
	else
		two_units(buf, size, minutes / 60 + (minutes % 60 >= 30), (const char *const[]){"d", "h"},
			  24);
	return buf;
}

static bool shell_plain(char c)
{
	return isalnum((unsigned char)c) ? (unsigned char)c < 0x80 : c && strchr("_@%+:,./-", c) != NULL;
}

/* '=' is plain in an option only: as the first word NAME=VALUE would be an assignment. */
static bool shell_plain_word(const char *word)
{
	if (!*word)
		return false;
	for (const char *p = word; *p; p++)
		if (!shell_plain(*p) && !(*p == '=' && *word == '-'))
			return false;
	return true;
}

static void quote_into(struct br_buf *b, const char *word)
{
	if (shell_plain_word(word)) {
		br_buf_str(b, word);
		return;
	}
	br_buf_char(b, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			br_buf_str(b, "'\\''");
		else
			br_buf_char(b, *word);
	}
	br_buf_char(b, '\'');
}

char *br_shell_quote(const char *word)
{
	struct br_buf b = {0};

	quote_into(&b, word);
	return br_buf_take(&b);
}

char *br_shell_join(char *const *argv)
{
	struct br_buf b = {0};

	for (size_t i = 0; argv && argv[i]; i++) {
		if (i > 0)
			br_buf_char(&b, ' ');
		quote_into(&b, argv[i]);
	}
	return br_buf_take(&b);
}

/* Reads one word at *s into b and moves *s behind it. -1: something a shell would not take literally, or an open quote. */
static int split_word(const char **s, struct br_buf *b)
{
	const char *p = *s;

	while (*p && *p != ' ') {
		if (*p == '\'') {
			const char *end = strchr(p + 1, '\'');

			if (!end)
				return -1;
			br_buf_add(b, p + 1, (size_t)(end - p - 1));
			p = end + 1;
		} else if (p[0] == '\\' && p[1] == '\'') {
			br_buf_char(b, '\'');
			p += 2;
		} else if (shell_plain(*p) || *p == '=') {
			br_buf_char(b, *p++);
		} else {
			return -1;
		}
	}
	*s = p;
	return 0;
}

char **br_shell_split(const char *line)
{
	size_t n = 0, cap = 8;
	char **out = br_calloc(cap, sizeof *out);

	while (*(line += strspn(line, " "))) {
		struct br_buf word = {0};

		if (split_word(&line, &word) != 0) {
			br_buf_done(&word);
			br_strv_free(out);
			return NULL;
		}
		br_grow(&out, n + 1, &cap);
		out[n++] = br_buf_take(&word);
		out[n] = NULL;
	}
	return out;
}

/*
 * One code point of valid UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF). Returns the bytes it
 * takes; for an invalid sequence *cp is -1 and the length is its maximal valid prefix, at least 1, as Unicode recommends to replace.
 */
static size_t utf8_next(const unsigned char *s, size_t n, int32_t *cp)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t len;
	int32_t c = s[0];

	*cp = -1;
	if (c < 0x80) {
		*cp = c;
		return 1;
	}
	if (c < 0xC2 || c > 0xF4)
		return 1;
	len = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	if (c == 0xE0)
		low = 0xA0;
	else if (c == 0xED)
		high = 0x9F;
	else if (c == 0xF0)
		low = 0x90;
	else if (c == 0xF4)
		high = 0x8F;
	c &= 0xFF >> (len + 1);
	for (size_t i = 1; i < len; i++) {
		if (i >= n || s[i] < low || s[i] > high)
			return i;
		c = (c << 6) | (s[i] & 0x3F);
		low = 0x80;
		high = 0xBF;
	}
	*cp = c;
	return len;
}

/* Characters that move, hide or reorder other text: C0, DEL, C1, line separators, bidirectional controls, the byte order mark. */
static bool hostile(int32_t cp)
{
	return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029 || cp == 0x061C ||
	       (cp >= 0x200B && cp <= 0x200F && cp != 0x200C && cp != 0x200D) ||
	       (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2060 && cp <= 0x206F) || cp == 0xFEFF ||
	       (cp >= 0xE0000 && cp <= 0xE007F);
}

char *br_text_clean(const char *s, size_t n, bool multiline)
{
	const unsigned char *p = (const unsigned char *)s;
	struct br_buf b = {0};

	for (size_t i = 0; i < n;) {
		int32_t cp;
		size_t len = utf8_next(p + i, n - i, &cp);

		if (cp < 0)
			br_buf_str(&b, REPLACEMENT);
		else if (!hostile(cp) || (multiline && (cp == '\n' || cp == '\t')))
			br_buf_add(&b, s + i, len);
		else if (cp < 0x100)
			br_buf_fmt(&b, "\\x%02x", (unsigned)cp);
		else
			br_buf_str(&b, REPLACEMENT);
		i += len;
	}
	return br_buf_take(&b);
}

char *br_text_utf8(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	struct br_buf b = {0};

	for (size_t i = 0; i < n;) {
		int32_t cp;
		size_t len = utf8_next(p + i, n - i, &cp);

		if (cp <= 0)
			br_buf_str(&b, REPLACEMENT);
		else
			br_buf_add(&b, s + i, len);
		i += len;
	}
	return br_buf_take(&b);
}

#define WORD_MAX_LEN 48

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment (Damerau-Levenshtein without overlapping swaps), letter case ignored; O(na * nb). */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t row[3][WORD_MAX_LEN + 1];
	size_t *before = row[0], *above = row[1], *now = row[2];

	for (size_t j = 0; j <= nb; j++)
		above[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *spare = before;
		int ca = tolower((unsigned char)a[i - 1]);

		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			int cb = tolower((unsigned char)b[j - 1]);

			now[j] = min3(above[j] + 1, now[j - 1] + 1, above[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]))
				now[j] = min3(now[j], now[j], before[j - 2] + 1);
		}
		before = above;
		above = now;
		now = spare;
	}
	return above[nb];
}

/* Slips of the finger that a word of this length may hold: more, and another word was meant. */
static size_t slips(size_t len)
{
	return len <= 4 ? 1 : len <= 8 ? 2 : 3;
}

/* People hardly ever miss the first letter: where it differs, the rest must be right. */
static bool begins_alike(const char *a, const char *b)
{
	return tolower((unsigned char)*a) == tolower((unsigned char)*b);
}

int br_text_nearest(const char *word, const char *const *list)
{
	size_t len = strlen(word), best = slips(len) + 1;
	int found = -1;

	if (len < 2 || len > WORD_MAX_LEN)
		return -1;
	for (int i = 0; list[i]; i++) {
		size_t n = strlen(list[i]), d;

		if (n > WORD_MAX_LEN)
			continue;
		d = edit_distance(word, len, list[i], n);
		if (d < best && d < n && (d == 1 || begins_alike(word, list[i]))) {
			best = d;
			found = i;
		}
	}
	return found;
}

const char *br_signal_name(int sig, char *buf, size_t size)
{
	const char *name = sigabbrev_np(sig);

	if (name)
		(void)snprintf(buf, size, "SIG%s", name);
	else
		(void)snprintf(buf, size, "signal %d", sig);
	return buf;
}
