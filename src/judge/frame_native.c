/*
 * frame_native.c - lines of stacks of compiled programs. The forms, each after optional blanks and valgrind's ==pid==:
 *
 *   #1 0x4f6b78 in f(int) a.cc:76:7        sanitizers; the address may lack (TSan), and "in" (HWASan, Chromium)
 *   #1.1  0x0000658e5ed9863c in f a.cc:1   Fuchsia
 *   #1  0x07d8 in f (x=1) at a.c:3         gdb, eu-stack, coredumpctl
 *   frame #1: 0x1000 prog`f(x=1) at a.c:3  lldb
 *   at 0x109213: f (a.c:7)                 valgrind (by 0x...: for callers)
 *   @     0x7ff6bcb521ed  f()              glog, absl
 *   prog(f+0x25) [0x400b]                  backtrace(3), V8
 *    3: 0xb78db3 f(char const*) [node]     node, libuv
 *    3# f(int) at a.cc:7                   Boost.Stacktrace (" in prog" too)
 *   f [0x13454F91+33] (C:\a.cc:217)        Chromium on Windows; "f() [0x13d6753]" elsewhere
 */
#include "judge/frame_native.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *blanks(const char *s)
{
	return s + strspn(s, " \t");
}

static const char *digits(const char *s)
{
	return s + strspn(s, "0123456789");
}

/* Behind 0x and hexadecimal digits; s itself when there are none. */
static const char *address(const char *s)
{
	size_t n;

	if (s[0] != '0' || s[1] != 'x')
		return s;
	n = strspn(s + 2, "0123456789abcdefABCDEF");
	return n ? s + 2 + n : s;
}

/* Bare digits of an address, as some print them: at least eight. */
static const char *bare_address(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return n >= 8 && (s[n] == ' ' || s[n] == '\t') ? s + n : s;
}

static const char *last(const char *s, const char *what)
{
	const char *at = NULL;

	for (const char *p = strstr(s, what); p; p = strstr(p + 1, what))
		at = p;
	return at;
}

static void put_field(char *out, size_t size, const char *s, size_t n)
{
	n = n < size ? n : size - 1;
	memcpy(out, s, n);
	out[n] = '\0';
}

/* The path without ":line:column", "(line)". */
static void put_file(struct br_printed_frame *f, const char *s, size_t n)
{
	if (n && s[0] == '(') {
		s++;
		n--;
	}
	while (n && (s[n - 1] == ')' || s[n - 1] == ' '))
		n--;
	for (int i = 0; i < 2; i++) {
		size_t k = n;

		while (k && isdigit((unsigned char)s[k - 1]))
			k--;
		if (k && k < n && s[k - 1] == ':')
			n = k - 1;
	}
	put_field(f->file, sizeof f->file, s, n);
}

static bool known_suffix(const char *s, size_t n)
{
	static const char *const suffixes[] = {".c",   ".cc",  ".cpp", ".cxx",	 ".h", ".hh",  ".hpp",
					       ".inc", ".m",   ".mm",  ".S",	 ".s", ".rs",  ".go",
					       ".inl", ".asm", ".cu",  ".swift", ".d", ".f90", ".zig"};
	size_t end = n;

	while (end && (isdigit((unsigned char)s[end - 1]) || s[end - 1] == ':'))
		end--;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		size_t k = strlen(suffixes[i]);

		if (end > k && memcmp(s + end - k, suffixes[i], k) == 0)
			return true;
	}
	return false;
}

/* Whether the word at s begins what follows a function's name: a path, (a module), <null>. */
static bool is_place(const char *s)
{
	size_t n = strcspn(s, " \t");

	if (!n)
		return false;
	if (*s == '/' || *s == '<' || strncmp(s, "./", 2) == 0 || strncmp(s, "../", 3) == 0)
		return true;
	if (*s == '(')
		return strncmp(s, "(anonymous", 10) != 0 &&
		       (s[1] == '/' || s[1] == '<' || memchr(s, '+', n) || memchr(s, '\\', n) ||
			strncmp(s, "(Build", 6) == 0);
	if (isalpha((unsigned char)*s) && s[1] == ':' && (s[2] == '\\' || s[2] == '/'))
		return true;
	if (memchr(s, '(', n) || memchr(s, '<', n) || memchr(s, '`', n))
		return false;
	return memchr(s, '/', n) || memchr(s, '\\', n) || known_suffix(s, n) ||
	       strncmp(s, "_asan_rtl_", 10) == 0;
}

/* Where the name ends and the place begins, at a blank outside of all brackets; NULL: there is no place. */
static const char *find_place(const char *s)
{
	int depth = 0;

	for (const char *p = s; *p; p++) {
		if (strncmp(p, "operator", 8) == 0 && p[8] && strchr("<>-=!+(", p[8])) {
			p += 8;
			p += strspn(p, "<>-=!+");
			p--;
			continue;
		}
		if (*p == '(' || *p == '<')
			depth++;
		else if ((*p == ')' || (*p == '>' && p[-1] != '-')) && depth)
			depth--;
		else if (*p == ' ' && !depth && is_place(p + 1))
			return p + 1;
	}
	return NULL;
}

/* gdb's "f (args) at file:line", "f (args) from library": the place, and where the name ends. */
static const char *gdb_place(const char *s, size_t *n)
{
	const char *at = strstr(s, ") at "), *from = strstr(s, ") from ");

	if (!at && !from)
		return NULL;
	*n = (size_t)((at ? at : from) + 1 - s);
	return at ? at + 5 : from + 7;
}

static void put_module(struct br_printed_frame *f, const char *s)
{
	const char *base;
	size_t n;

	s += *s == '(';
	n = strcspn(s, "+)");
	put_field(f->file, sizeof f->file, s, n);
	base = br_frame_basename(f->file);
	put_field(f->name, sizeof f->name, base, strlen(base));
	f->module = true;
}

/* "f(int) const a.cc:7", "f (x=1) at a.c:3", "(/bin/prog+0x12)": what stands behind the address. */
static enum br_line_kind read_rest(const char *s, struct br_printed_frame *f)
{
	const char *place;
	size_t n;

	s = blanks(s);
	*f = (struct br_printed_frame){0};
	if (!*s || (*s == '<' && strncmp(s, "<<", 2) != 0))
		return strncmp(s, "<signal handler", 15) == 0 || strncmp(s, "<unknown", 8) == 0 || *s == '<'
			       ? BR_LINE_PART
			       : BR_LINE_OTHER;
	if (*s == '(' && is_place(s)) {
		put_module(f, s);
		return f->name[0] && f->name[0] != '<' ? BR_LINE_FRAME : BR_LINE_PART;
	}
	if (strncmp(s, "in ", 3) == 0 || strncmp(s, "?? ", 3) == 0)
		s = blanks(s + 3);
	place = gdb_place(s, &n);
	if (!place) {
		place = find_place(s);
		n = place ? (size_t)(place - s) : strlen(s);
	}
	if (!place && n > 2 && s[n - 1] == ']' && last(s, " [")) /* node's "f(int) [program]" */
		n = (size_t)(last(s, " [") - s);
	while (n && s[n - 1] == ' ')
		n--;
	if (place && n > 3 && memcmp(s + n - 3, " at", 3) == 0) /* lldb, of a function without parameters */
		n -= 3;
	if (place)
		put_file(f, place, strcspn(place, " \t"));
	if (is_place(s) && !place && s[0] == '/') { /* a module without brackets */
		put_module(f, s);
		return BR_LINE_FRAME;
	}
	br_frame_name_native(s, n, f->name, sizeof f->name);
	return f->name[0] && strcmp(f->name, "??") != 0 ? BR_LINE_FRAME : BR_LINE_PART;
}

/* "#1 ", "#1.1 ", "1: 0x", "3# ", "frame #1: ". Returns what follows, or NULL. */
static const char *behind_number(const char *s)
{
	const char *p = s;

	if (strncmp(p, "* ", 2) == 0)
		p = blanks(p + 2);
	if (strncmp(p, "frame #", 7) == 0)
		p += 6;
	if (*p == '#') {
		const char *end = digits(p + 1);

		if (end == p + 1)
			return NULL;
		if (*end == '.')
			end = digits(end + 1);
		if (*end == ':')
			end++;
		return *end == ' ' || *end == '\t' ? blanks(end) : NULL;
	}
	if (!isdigit((unsigned char)*p))
		return NULL;
	p = digits(p);
	if (*p == '#' && p[1] == ' ')
		return blanks(p + 1);
	return *p == ':' && p[1] == ' ' && address(blanks(p + 1)) != blanks(p + 1) ? blanks(p + 1) : NULL;
}

/* lldb: "prog`f(x=1) at a.c:3:2" */
static const char *behind_image(const char *s)
{
	size_t n = strcspn(s, " `");

	return n && s[n] == '`' && s[n + 1] && strncmp(s + n, "`anonymous", 10) != 0 ? s + n + 1 : s;
}

static enum br_line_kind read_numbered(const char *s, struct br_printed_frame *f)
{
	const char *p = address(s);

	if (p == s)
		p = bare_address(s);
	p = blanks(p);
	if (p != s && strncmp(p, "- ", 2) == 0) /* eu-stack's old form */
		p += 2;
	if (*p == '[' && strncmp(p, "[vdso]", 6) != 0) /* node: only the program is known */
		return BR_LINE_PART;
	return read_rest(strncmp(p, "in ", 3) == 0 ? p + 3 : behind_image(p), f);
}

/* "at 0x109213: f (a.c:7)", "by 0x48417B4: malloc (in /usr/lib/x.so)" */
static enum br_line_kind read_valgrind(const char *s, struct br_printed_frame *f)
{
	const char *p = address(s + 3), *place;

	if (p == s + 3 || *p != ':')
		return BR_LINE_OTHER;
	p = blanks(p + 1);
	*f = (struct br_printed_frame){0};
	place = strrchr(p, '(');
	if (strncmp(p, "???", 3) == 0)
		return BR_LINE_PART;
	if (place)
		put_file(f, place + (strncmp(place, "(in ", 4) == 0 ? 4 : 1), strlen(place) - 1);
	br_frame_name_native(p, place && place > p ? (size_t)(place - p - 1) : strlen(p), f->name,
			     sizeof f->name);
	return f->name[0] ? BR_LINE_FRAME : BR_LINE_PART;
}

/* "/lib/libv8.so(v8::f(int)+0x272) [0x7f59]": the end of the line may have come on the next one. */
static enum br_line_kind read_backtrace(const char *s, struct br_printed_frame *f)
{
	const char *open = strchr(s, '('), *offset = last(s, "+0x");
	size_t n = strcspn(s, " \t");

	if (!open || !offset || offset < open || (size_t)(open - s) > n || open == s)
		return BR_LINE_OTHER;
	if (s[0] != '/' && s[0] != '.' && !strstr(offset, ") ["))
		return BR_LINE_OTHER;
	*f = (struct br_printed_frame){0};
	put_field(f->file, sizeof f->file, s, (size_t)(open - s));
	br_frame_name_native(open + 1, (size_t)(offset - open - 1), f->name, sizeof f->name);
	return f->name[0] ? BR_LINE_FRAME : BR_LINE_PART;
}

/* "f [0x13454F91+33] (C:\a.cc:217)", "f() [0x13d6753]", "(No symbol) [0x...]" */
static enum br_line_kind read_bracketed(const char *s, struct br_printed_frame *f)
{
	const char *at = last(s, " [0x"), *p;

	if (!at)
		return BR_LINE_OTHER;
	p = address(at + 2);
	if (*p == '+')
		p = digits(p + 1);
	if (*p != ']')
		return BR_LINE_OTHER;
	*f = (struct br_printed_frame){0};
	p = blanks(p + 1);
	if (*p == '(')
		put_file(f, p, strlen(p));
	if (strncmp(s, "(No symbol)", 11) == 0 ||
	    (memchr(s, ')', (size_t)(at - s)) && !memchr(s, '(', (size_t)(at - s))))
		return BR_LINE_PART; /* unknown, or the rest of a line that was split */
	br_frame_name_native(s, (size_t)(at - s), f->name, sizeof f->name);
	return f->name[0] ? BR_LINE_FRAME : BR_LINE_PART;
}

static const char *skip_pid(const char *s)
{
	const char *p = digits(s + 2);

	if ((strncmp(s, "==", 2) == 0 || strncmp(s, "--", 2) == 0) && p > s + 2 && strncmp(p, s, 2) == 0)
		return blanks(p + 2);
	return s;
}

enum br_line_kind br_frame_read_native(const char *line, struct br_printed_frame *out)
{
	const char *s = blanks(skip_pid(blanks(line))), *p;
	enum br_line_kind kind;

	p = behind_number(s);
	if (p)
		return strstr(p, " cov: ") ? BR_LINE_OTHER : read_numbered(p, out); /* libFuzzer's progress */
	if (strncmp(s, "at 0x", 5) == 0 || strncmp(s, "by 0x", 5) == 0)
		return read_valgrind(s, out);
	if (*s == '@' && address(blanks(s + 1)) != blanks(s + 1)) {
		p = blanks(address(blanks(s + 1)));
		return strncmp(p, "(unknown)", 9) == 0 ? BR_LINE_PART : read_rest(p, out);
	}
	kind = read_backtrace(s, out);
	return kind == BR_LINE_OTHER ? read_bracketed(s, out) : kind;
}
