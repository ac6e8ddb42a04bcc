/* frame.h - one line of a stack: read, named in a way that stays from run to run, and left out when it tells nothing. */
#ifndef BR_FRAME_H
#define BR_FRAME_H

#include <stdbool.h>
#include <stddef.h>

/* How a language writes its stacks. */
enum br_stack_format {
	BR_STACK_NONE,
	BR_STACK_NATIVE, /* sanitizers, gdb, lldb, valgrind, glog, backtrace(3), Chromium, Windows, node's C++ part */
	BR_STACK_PYTHON,
	BR_STACK_JAVA, /* Kotlin, Scala */
	BR_STACK_JS,
	BR_STACK_GO,
	BR_STACK_RUST,
	BR_STACK_RUBY,
	BR_STACK_PHP,
	BR_STACK_PERL,
	BR_STACK_DOTNET,
	BR_NSTACK,
};

struct br_printed_frame {
	char name[256]; /* of the function, normalised; "": unknown */
	char file[192]; /* as printed, without line; "": unknown */
	bool module;	/* the function is unknown, name is that of the program or library */
};

enum br_line_kind {
	BR_LINE_OTHER, /* no part of a stack */
	BR_LINE_PART,  /* belongs to one, names no function (a source line, an unknown function) */
	BR_LINE_FRAME,
	BR_LINE_END, /* the stack ends here for certain */
};

/* One line of a stack in this format. *out is set for BR_LINE_FRAME. */
enum br_line_kind br_frame_read(enum br_stack_format format, const char *line, struct br_printed_frame *out);

/*
 * A C, C++, Objective-C or Rust function without return type, parameters, template arguments, anonymous namespaces,
 * clones' suffixes, offsets and hashes.
 */
void br_frame_name_native(const char *name, size_t n, char *out, size_t size);
/* "/a/b.c:3:4" or "C:\b.c" to "b.c". Points into path. */
const char *br_frame_basename(const char *path);

/* Whether this frame is runtime, allocator, sanitizer, fuzzer or test runner: the same whatever failed. */
bool br_frame_is_noise(enum br_stack_format format, const struct br_printed_frame *f);

#endif
