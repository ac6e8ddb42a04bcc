/* frame.c - lines of stacks of the languages that have a runtime. */
#include "judge/frame.h"

#include "judge/frame_native.h"

#include <ctype.h>
#include <string.h>

static const char *blanks(const char *s)
{
	return s + strspn(s, " \t");
}

static void put(char *out, size_t size, const char *s, size_t n)
{
	n = n < size ? n : size - 1;
	memcpy(out, s, n);
	out[n] = '\0';
}

/* Removes every part that stands in round or square brackets. */
static void drop_groups(char *s, char open, char close)
{
	char *out = s;
	int depth = 0;

	for (; *s; s++) {
		if (*s == open)
			depth++;
		if (!depth)
			*out++ = *s;
		if (*s == close && depth)
			depth--;
	}
	*out = '\0';
}

/* '  File "a.py", line 3, in f'; "  | " of exception groups before it. faulthandler's lines lack the comma. */
static enum br_line_kind read_python(const char *line, struct br_printed_frame *f)
{
	const char *s = line + strspn(line, " \t|+-"), *end, *in;

	if (strncmp(s, "File \"", 6) != 0)
		return BR_LINE_PART;
	end = strchr(s + 6, '"');
	if (!end || strncmp(end, "\", line ", 8) != 0)
		return BR_LINE_PART;
	*f = (struct br_printed_frame){0};
	put(f->file, sizeof f->file, s + 6, (size_t)(end - s - 6));
	in = strstr(end, " in ");
	if (in)
		put(f->name, sizeof f->name, in + 4, strlen(in + 4));
	return in ? BR_LINE_FRAME : BR_LINE_PART;
}

/* "at java.base/p.C$1.m(C.java:3)", "at p.C.lambda$f$0(C.kt:5)" */
static enum br_line_kind read_java(const char *line, struct br_printed_frame *f)
{
	const char *s = blanks(line), *open, *slash, *from;

	if (strncmp(s, "... ", 4) == 0 || strncmp(s, "Caused by: ", 11) == 0 ||
	    strncmp(s, "Suppressed: ", 12) == 0)
		return BR_LINE_PART;
	open = strchr(s, '(');
	if (strncmp(s, "at ", 3) != 0 || !open)
		return BR_LINE_OTHER;
	from = s + 3;
	slash = memchr(from, '/', (size_t)(open - from));
	for (; slash; slash = memchr(from, '/', (size_t)(open - from)))
		from = slash + 1; /* a module or class loader */
	*f = (struct br_printed_frame){0};
	put(f->name, sizeof f->name, from, (size_t)(open - from));
	put(f->file, sizeof f->file, open + 1, strcspn(open + 1, ":)"));
	return f->name[0] ? BR_LINE_FRAME : BR_LINE_OTHER;
}

/* "at f (a.js:1:2)", "at async C.m (a.js:1)", "at a.js:1:2", "f@a.js:1:2" (Firefox, Safari) */
static enum br_line_kind read_js(const char *line, struct br_printed_frame *f)
{
	const char *s = blanks(line), *open, *at;

	*f = (struct br_printed_frame){0};
	if (strncmp(s, "at ", 3) != 0) {
		at = strchr(s, '@');
		if (!at || strchr(s, ' ') || !strchr(at, ':'))
			return BR_LINE_OTHER;
		put(f->name, sizeof f->name, s, (size_t)(at - s));
		put(f->file, sizeof f->file, at + 1, strlen(at + 1));
		return f->name[0] ? BR_LINE_FRAME : BR_LINE_PART;
	}
	s += 3;
	if (strncmp(s, "async ", 6) == 0)
		s += 6;
	if (strncmp(s, "new ", 4) == 0)
		s += 4;
	open = strrchr(s, '(');
	if (!open || open == s) {
		put(f->file, sizeof f->file, s, strlen(s));
		s = br_frame_basename(s);
		put(f->name, sizeof f->name, s,
		    strcspn(s, ":")); /* a function without a name, in this file */
		f->module = true;
		return strncmp(f->file, "node:", 5) == 0 || !f->name[0] ? BR_LINE_PART : BR_LINE_FRAME;
	}
	put(f->file, sizeof f->file, open + 1, strcspn(open + 1, ")"));
	put(f->name, sizeof f->name, s, (size_t)(open - s));
	drop_groups(f->name, '[', ']'); /* [as method] */
	for (size_t n = strlen(f->name); n && f->name[n - 1] == ' '; n--)
		f->name[n - 1] = '\0';
	return f->name[0] && strcmp(f->name, "<anonymous>") != 0 ? BR_LINE_FRAME : BR_LINE_PART;
}

/* Start of the last bracket group of a line that ends with ')'; NULL: none. */
static const char *last_group(const char *s)
{
	size_t n = strlen(s);
	int depth = 0;

	if (!n || s[n - 1] != ')')
		return NULL;
	while (n--) {
		depth += (s[n] == ')') - (s[n] == '(');
		if (!depth)
			return s + n;
	}
	return NULL;
}

/* "net/http.(*conn).serve.func1(0xc4)", then a line with the file. */
static enum br_line_kind read_go(const char *line, struct br_printed_frame *f)
{
	const char *end, *from = line;

	if (*line == ' ' || *line == '\t' || strncmp(line, "goroutine ", 10) == 0 ||
	    strncmp(line, "[signal ", 8) == 0)
		return BR_LINE_PART;
	if (strncmp(line, "created by ", 11) == 0)
		return BR_LINE_END;
	end = last_group(line);
	if (!end || end == line || strcspn(line, " \t") < (size_t)(end - line))
		return BR_LINE_OTHER;
	for (const char *p = line; p < end && *p != '('; p++)
		if (*p == '/')
			from = p + 1;
	*f = (struct br_printed_frame){0};
	put(f->name, sizeof f->name, from, (size_t)(end - from));
	drop_groups(f->name, '[', ']'); /* type arguments */
	return BR_LINE_FRAME;
}

/* "   3: p::f", "  12:     0x5581 - p::f::h0123"; the file stands on the next line. */
static enum br_line_kind read_rust(const char *line, struct br_printed_frame *f)
{
	const char *s = blanks(line), *end = s + strspn(s, "0123456789");

	if (strncmp(s, "at ", 3) == 0 && s > line)
		return BR_LINE_PART;
	if (end == s || *end != ':' || s == line)
		return BR_LINE_OTHER;
	s = blanks(end + 1);
	if (strncmp(s, "0x", 2) == 0) {
		s = strstr(s, " - ");
		s = s ? s + 3 : "";
	}
	*f = (struct br_printed_frame){0};
	br_frame_name_native(s, strlen(s), f->name, sizeof f->name);
	return f->name[0] && f->name[0] != '<' ? BR_LINE_FRAME : BR_LINE_PART;
}

/* "a.rb:3:in `block in f'", "\tfrom a.rb:1:in 'C#m'" */
static enum br_line_kind read_ruby(const char *line, struct br_printed_frame *f)
{
	static const char *const before[] = {"block in ", "rescue in ", "ensure in "};
	const char *s = blanks(line), *in, *end;

	s += strncmp(s, "from ", 5) == 0 ? 5 : strncmp(s, "# ", 2) == 0 ? 2 : 0;
	in = strstr(s, ":in ");
	if (!in || (in[4] != '`' && in[4] != '\''))
		return BR_LINE_OTHER;
	*f = (struct br_printed_frame){0};
	put(f->file, sizeof f->file, s, (size_t)(in - s));
	s = in + 5;
	if (strncmp(s, "block (", 7) == 0 && strstr(s, ") in "))
		s = strstr(s, ") in ") + 5;
	for (size_t i = 0; i < sizeof before / sizeof *before; i++)
		if (strncmp(s, before[i], strlen(before[i])) == 0)
			s += strlen(before[i]);
	end = strchr(s, '\'');
	put(f->name, sizeof f->name, s, end ? (size_t)(end - s) : strlen(s));
	return f->name[0] ? BR_LINE_FRAME : BR_LINE_PART;
}

/* "#0 /a.php(3): C->m()", "#1 {main}" */
static enum br_line_kind read_php(const char *line, struct br_printed_frame *f)
{
	const char *s = blanks(line), *colon, *open;

	if (*s != '#' || !isdigit((unsigned char)s[1]))
		return strncmp(s, "Stack trace:", 12) == 0 ? BR_LINE_PART : BR_LINE_OTHER;
	if (strstr(s, " {main}"))
		return BR_LINE_END;
	colon = strstr(s, "): ");
	s = colon ? colon + 3 : strchr(s, ' ') ? strchr(s, ' ') + 1 : s;
	open = strchr(s, '(');
	if (!open)
		return BR_LINE_PART;
	*f = (struct br_printed_frame){0};
	put(f->name, sizeof f->name, s, (size_t)(open - s));
	return BR_LINE_FRAME;
}

/* "\tmain::f(1, 'x') called at a.pl line 3" */
static enum br_line_kind read_perl(const char *line, struct br_printed_frame *f)
{
	const char *s = blanks(line), *called = strstr(s, " called at ");

	if (!called || s == line)
		return BR_LINE_OTHER;
	*f = (struct br_printed_frame){0};
	put(f->name, sizeof f->name, s, strcspn(s, "( "));
	return BR_LINE_FRAME;
}

/* "   at N.C.M(Int32 x) in /a.cs:line 5", "   at N.C.<M>b__0(T t)" */
static enum br_line_kind read_dotnet(const char *line, struct br_printed_frame *f)
{
	const char *s = blanks(line), *open, *in;

	if (strncmp(s, "--- ", 4) == 0)
		return BR_LINE_PART;
	open = strchr(s, '(');
	if (strncmp(s, "at ", 3) != 0 || !open)
		return BR_LINE_OTHER;
	*f = (struct br_printed_frame){0};
	put(f->name, sizeof f->name, s + 3, (size_t)(open - s - 3));
	drop_groups(f->name, '[', ']');
	in = strstr(open, ") in ");
	if (in)
		put(f->file, sizeof f->file, in + 5, strcspn(in + 5, ":"));
	return f->name[0] ? BR_LINE_FRAME : BR_LINE_OTHER;
}

enum br_line_kind br_frame_read(enum br_stack_format format, const char *line, struct br_printed_frame *out)
{
	static enum br_line_kind (*const read[BR_NSTACK])(const char *, struct br_printed_frame *) = {
		[BR_STACK_NATIVE] = br_frame_read_native,
		[BR_STACK_PYTHON] = read_python,
		[BR_STACK_JAVA] = read_java,
		[BR_STACK_JS] = read_js,
		[BR_STACK_GO] = read_go,
		[BR_STACK_RUST] = read_rust,
		[BR_STACK_RUBY] = read_ruby,
		[BR_STACK_PHP] = read_php,
		[BR_STACK_PERL] = read_perl,
		[BR_STACK_DOTNET] = read_dotnet,
	};

	return read[format] ? read[format](line, out) : BR_LINE_OTHER;
}
