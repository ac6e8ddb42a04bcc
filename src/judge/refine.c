/* refine.c - types of sanitizers' reports and of failed checks, from the words around them. */
#include "judge/recogniser.h"

#include "judge/detector.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nothing is ever mapped below (Linux's vm.mmap_min_addr): such an address comes from a null pointer. */
#define NULL_ZONE 0x10000ull

static void cut_at(char *s, const char *what)
{
	char *at = strstr(s, what);

	if (at && at > s)
		*at = '\0';
}

static void set_type(struct br_failure *f, const char *type, const char *more)
{
	char text[sizeof f->type];

	(void)snprintf(text, sizeof text, "%.60s%.30s", type, more);
	br_field_put(f->type, sizeof f->type, text);
}

/* " READ 8", " WRITE", "": from the lines around the report. */
static void find_access(const char *window, char *out, size_t size)
{
	static const struct {
		const char *text, *word;
	} forms[] = {{"READ of size ", " READ"},
		     {"WRITE of size ", " WRITE"},
		     {"  Write of size ", " WRITE"},
		     {"  Read of size ", " READ"},
		     {"  Atomic write of size ", " WRITE"},
		     {"caused by a READ", " READ"},
		     {"caused by a WRITE", " WRITE"}};
	const char *first = NULL;

	*out = '\0';
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		const char *at = strstr(window, forms[i].text);
		unsigned long bytes;

		if (!at || (first && at > first))
			continue;
		first = at;
		bytes = strtoul(at + strlen(forms[i].text), NULL, 10);
		if (bytes)
			(void)snprintf(out, size, "%s %lu", forms[i].word, bytes);
		else
			(void)snprintf(out, size, "%s", forms[i].word);
	}
}

static bool is_null(const char *type)
{
	const char *at = strstr(type, "address 0x");

	return at && strtoull(at + 8, NULL, 16) < NULL_ZONE;
}

void br_refine_sanitizer(const char *window, const char *file, struct br_failure *f)
{
	static const char *const ends[] = {" on address", " on unknown", " on 0x",  " (",
					   ":",		  " in ",	 " which ", " trying to"};
	char access[32], type[sizeof f->type];
	bool null = is_null(f->type);

	(void)file;
	if (strcmp(f->type, "Direct") == 0 || strcmp(f->type, "Indirect") == 0) {
		set_type(f, *f->type == 'D' ? "direct-leak" : "indirect-leak", "");
		return;
	}
	(void)snprintf(type, sizeof type, "%s", f->type);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		cut_at(type, ends[i]);
	find_access(window, access, sizeof access);
	if (strcmp(type, "SEGV") == 0 || strcmp(type, "unknown-crash") == 0 ||
	    strcmp(type, "access-violation") == 0) {
		if (null)
			access[strcspn(access, "0123456789")] =
				'\0'; /* the size of what is not there says nothing */
		for (size_t n = strlen(access); null && n && access[n - 1] == ' '; n--)
			access[n - 1] = '\0';
		set_type(f,
			 null				 ? "null-dereference"
			 : strcmp(type, "unknown-crash") ? "SEGV"
							 : type,
			 access);
		return;
	}
	if (strncmp(type, "attempting double-free", 22) == 0)
		set_type(f, "double-free", "");
	else if (strncmp(type, "attempting free", 15) == 0)
		set_type(f, "bad-free", "");
	else if (strstr(type, "out of memory") || strstr(type, "out-of-memory"))
		set_type(f, "out-of-memory", "");
	else
		set_type(f, type,
			 strcmp(type, "ABRT") && strcmp(type, "ILL") && strcmp(type, "stack-overflow") &&
					 strcmp(type, "BUS") && strcmp(type, "FPE") &&
					 strcmp(type, "breakpoint") && !strstr(type, "divide-by-zero")
				 ? access
				 : "");
}

/* "control flow integrity check for type 'B' failed during cast ..." to "bad-cast to B from A" */
static void name_cast(const char *window, struct br_failure *f)
{
	static const char before[] = "check for type '", vtable[] = "vtable is of type '";
	char text[sizeof f->message], to[200] = "", from[200] = "";
	const char *at = strstr(f->message, before), *end = at ? strstr(at, "' failed") : NULL;

	if (end)
		(void)snprintf(to, sizeof to, "%.*s", (int)(end - at - (ptrdiff_t)sizeof before + 1),
			       at + sizeof before - 1);
	at = strstr(window, vtable);
	if (at)
		(void)snprintf(from, sizeof from, " from %.*s", (int)strcspn(at + sizeof vtable - 1, "'\n"),
			       at + sizeof vtable - 1);
	else if (strstr(window, "note: invalid vtable"))
		(void)snprintf(from, sizeof from, " from invalid vptr");
	(void)snprintf(text, sizeof text, "bad-cast to %s%s", to, from);
	if (end)
		br_field_put(f->message, sizeof f->message, text);
}

void br_refine_ubsan(const char *window, const char *file, struct br_failure *f)
{
	static const struct {
		const char *text, *type;
	} forms[] = {{"bad-cast to ", "bad-cast"},
		     {"integer overflow", "integer-overflow"},
		     {"negation of", "integer-overflow"},
		     {"division by zero", "divide-by-zero"},
		     {"shift", "undefined-shift"},
		     {"load of null pointer", "null-dereference READ"},
		     {"store to null pointer", "null-dereference WRITE"},
		     {"within null pointer", "null-dereference"},
		     {"on null pointer", "null-dereference"},
		     {"binding to null pointer", "null-dereference"},
		     {"offset to null pointer", "pointer-overflow"},
		     {"offset ", "pointer-overflow"},
		     {"pointer index expression", "pointer-overflow"},
		     {"null pointer passed", "invalid-null-argument"},
		     {"null pointer returned", "invalid-null-return"},
		     {"misaligned address", "misaligned-address"},
		     {"valid value for type 'bool'", "invalid-bool-value"},
		     {"valid value for type bool", "invalid-bool-value"},
		     {"not a valid value for type", "invalid-enum-value"},
		     {"variable length array bound", "non-positive-vla-bound-value"},
		     {"incorrect function type", "incorrect-function-pointer-type"},
		     {"outside the range of representable", "float-cast-overflow"},
		     {"does not point to an object", "object-type"},
		     {"insufficient space", "object-size"},
		     {"out of bounds", "index-out-of-bounds"},
		     {"unreachable", "unreachable"},
		     {"end of a value-returning function", "missing-return"},
		     {"implicit conversion", "implicit-conversion"},
		     {"passing zero to", "invalid-builtin"}};
	const char *type = "undefined-behavior";

	(void)file;
	if (strstr(f->message, "control flow integrity check"))
		name_cast(window, f);
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (strstr(f->message, forms[i].text)) {
			type = forms[i].type;
			break;
		}
	set_type(f, type, "");
}

/* "a == b (1 vs. 2) more. " to "a == b in file.cc": what stays from run to run. */
static void name_check(const char *file, struct br_failure *f)
{
	char text[sizeof f->message + 128];
	const char *base = br_frame_basename(file);
	char *at = strstr(f->message, " vs. ");
	size_t n;

	while (at && at > f->message && *at != '(')
		at--;
	if (at && at > f->message)
		*at = '\0';
	n = strlen(f->message);
	while (n && strchr(" .\n", f->message[n - 1]))
		f->message[--n] = '\0';
	(void)snprintf(text, sizeof text, "%s%s%s", f->message, *base && n ? " in " : "", base);
	br_field_put(f->message, sizeof f->message, text);
}

void br_refine_check(const char *window, const char *file, struct br_failure *f)
{
	const char *type = f->type;

	(void)window;
	if (strcmp(type, "Check failed") == 0 || strcmp(type, "Check") == 0)
		type = "CHECK failure";
	else if (strcmp(type, "DCHECK failed") == 0)
		type = "DCHECK failure";
	else if (strcmp(type, "Security CHECK failed") == 0)
		type = "Security CHECK failure";
	else if (strcmp(type, "Security DCHECK failed") == 0)
		type = "Security DCHECK failure";
	else if (!*type)
		type = "fatal error";
	if (strcmp(type, "V8 error") == 0)
		file = "";
	set_type(f, type, "");
	name_check(file, f);
}

void br_refine_v8(const char *window, const char *file, struct br_failure *f)
{
	const char *type = "fatal error";

	(void)window;
	if (strcmp(f->type, "Check failed") == 0)
		type = "CHECK failure";
	else if (strcmp(f->type, "Debug check failed") == 0)
		type = "DCHECK failure";
	else if (strstr(f->message, "out of memory") || strstr(f->message, "Allocation failed"))
		type = "out-of-memory";
	set_type(f, type, "");
	if (!strchr(file, '/') && !strchr(file, '\\'))
		file = "";
	name_check(file, f);
}

void br_refine_go(const char *window, const char *file, struct br_failure *f)
{
	static const char runtime[] = "runtime error: ";
	char type[sizeof f->type];
	const char *message = f->message;

	(void)window;
	(void)file;
	cut_at(f->message, " [recovered");
	if (strncmp(message, runtime, sizeof runtime - 1) != 0)
		return;
	message += sizeof runtime - 1;
	(void)snprintf(type, sizeof type, "%.90s", message);
	cut_at(type, " [");
	set_type(f, type, "");
}
