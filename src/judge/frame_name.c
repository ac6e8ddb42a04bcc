/* frame_name.c - names of functions as debuggers and demanglers print them, made stable. */
#include "judge/frame.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct out {
	char *text;
	size_t len, size;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->text[o->len++] = c;
}

static bool starts(const char *s, const char *end, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(end - s) >= n && memcmp(s, with, n) == 0;
}

/* Behind the bracket that closes the one at s; `->` closes nothing. end when there is none. */
static const char *behind_group(const char *s, const char *end)
{
	int depth = 0;

	for (; s < end; s++) {
		if (*s == '<' || *s == '(' || *s == '[' || *s == '{')
			depth++;
		else if ((*s == '>' && s[-1] != '-') || *s == ')' || *s == ']' || *s == '}')
			depth--;
		if (depth <= 0)
			return s + 1;
	}
	return end;
}

/* After the word "operator": its symbol, copied. Returns behind it. */
static const char *copy_operator(const char *s, const char *end, struct out *o)
{
	if (starts(s, end, "()") || starts(s, end, "[]")) {
		put(o, *s++);
		put(o, *s++);
		return s;
	}
	while (s < end && strchr("<>=!+-*/%&|^~,", *s))
		put(o, *s++);
	if (s < end && *s == ' ' && s + 1 < end &&
	    isalpha((unsigned char)s[1])) { /* operator new, operator bool */
		put(o, *s++);
		while (s < end && (isalnum((unsigned char)*s) || *s == '_' || *s == ':'))
			put(o, *s++);
	}
	return s;
}

static bool after_operator(const struct out *o)
{
	return o->len >= 8 && memcmp(o->text + o->len - 8, "operator", 8) == 0 &&
	       (o->len == 8 || !(isalnum((unsigned char)o->text[o->len - 9]) || o->text[o->len - 9] == '_'));
}

static const char *skip_anonymous(const char *s, const char *end)
{
	static const char *const names[] = {"(anonymous namespace)::", "`anonymous namespace'::",
					    "{anonymous}::", "`anonymous-namespace'::"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (starts(s, end, names[i]))
			return s + strlen(names[i]);
	return NULL;
}

/* "<impl p::T for p::U>::f", "<p::Foo as Trait>::f": the type itself. Returns behind the bracket, or NULL. */
static const char *copy_rust_type(const char *s, const char *end, struct out *o)
{
	const char *close = behind_group(s, end), *from = s + 1, *to = close - 1;

	if (!starts(close, end, "::"))
		return NULL;
	for (const char *p = from; p + 4 < to; p++)
		if (starts(p, to, " as "))
			to = p;
	while (from < to && (*from == '&' || *from == '*'))
		from++;
	for (; from < to && *from != '<' && *from != ' '; from++)
		put(o, *from);
	return close;
}

/* What stands behind a space at the outermost level: the rest of a name whose return type came before, or qualifiers. */
static bool is_qualifier(const char *s, const char *end)
{
	static const char *const words[] = {"const", "volatile", "+ ",	     "[clone",
					    "(.",    "&",	 "noexcept", "[abi:"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (starts(s, end, words[i]))
			return true;
	return s >= end;
}

static void copy_name(const char *s, const char *end, struct out *o)
{
	const char *start = s;

	while (s < end) {
		const char *anonymous = skip_anonymous(s, end);

		if (anonymous) {
			s = anonymous;
		} else if (after_operator(o) && strchr("<>=!+-*/%&|^~,( [", *s) && *s) {
			const char *next = copy_operator(s, end, o);

			if (next == s)
				s = behind_group(s, end);
			else
				s = next;
		} else if (*s == '<' && o->len == 0) {
			const char *next = copy_rust_type(s, end, o);

			s = next ? next : behind_group(s, end);
		} else if (*s == '<' && s + 1 < end && s - start >= 2 && s[-1] == ':' && s[-2] == ':') {
			s = behind_group(s, end); /* Rust's f::<T> */
			if (o->len >= 2 && starts(s, end, "::"))
				o->len -= 2;
		} else if (*s == '<' || *s == '(' || *s == '[') {
			s = behind_group(s, end);
		} else if (*s == ' ') {
			while (s < end && *s == ' ')
				s++;
			if (is_qualifier(s, end))
				break;
			if (*s != '(' || skip_anonymous(s, end)) /* gdb writes "f (x=1)" */
				o->len = 0;			 /* that was the return type */
		} else {
			put(o, *s++);
		}
	}
}

/* Cuts at the first of these, and at what compilers and the linker append. */
static void cut_suffixes(struct out *o)
{
	static const char *const from[] = {".part.", ".isra.",	   ".constprop.", ".cold",
					   ".llvm.", ".lto_priv.", ".localalias", "@plt",
					   "@@",     "@GLIBC",	   ".abi0",	  "+0x"};

	o->text[o->len] = '\0';
	for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
		char *at = strstr(o->text, from[i]);

		if (at && at > o->text)
			*at = '\0';
	}
	o->len = strlen(o->text);
	if (o->len > 19 && memcmp(o->text + o->len - 19, "::h", 3) == 0 &&
	    strspn(o->text + o->len - 16, "0123456789abcdef") == 16)
		o->text[o->len -= 19] = '\0'; /* Rust's hash of the crate */
}

void br_frame_name_native(const char *name, size_t n, char *out, size_t size)
{
	static const char *const before[] = {"non-virtual thunk to ", "virtual thunk to ", "static ",
					     "typeinfo for "};
	struct out o = {.text = out, .size = size};
	const char *s = name, *end = name + n;

	for (size_t i = 0; i < sizeof before / sizeof *before; i++)
		if (starts(s, end, before[i]))
			s += strlen(before[i]);
	if (starts(s, end, "-[") || starts(s, end, "+[")) { /* Objective-C */
		for (; s < end; s++)
			put(&o, *s);
	} else if (starts(s, end, "[")) { /* [vdso] */
		const char *to = behind_group(s, end);

		for (; s < to; s++)
			put(&o, *s);
	} else {
		copy_name(s, end, &o);
	}
	cut_suffixes(&o);
}

const char *br_frame_basename(const char *path)
{
	const char *base = path;

	for (const char *s = path; *s; s++)
		if ((*s == '/' || *s == '\\') && s[1])
			base = s + 1;
	return base;
}
