/* recognise_language.c - uncaught exceptions, panics, and what interpreters say when they cannot even start. */
#include "judge/recogniser.h"

#define THREW BR_SAYS_THREW
#define CRASHED BR_SAYS_CRASHED
#define INFRA BR_SAYS_INFRA

enum { THROWN = 70, PANICKED = 80, NO_START = 75 };

static const struct br_recogniser rows[] = {
	/* Python */
	{"Python", "Traceback (most recent call last):", "^.*Traceback \\(most recent call last\\):", THREW,
	 THROWN, BR_LATEST, BR_STACK_PYTHON, "exception", "exception", NULL},
	{"Python", "Fatal Python error: ", "^Fatal Python error: (?<m>.*)", CRASHED, PANICKED, 0,
	 BR_STACK_PYTHON, "panic", "Fatal Python error", NULL},
	{"Python module", "\nModuleNotFoundError: ", "^(?<t>ModuleNotFoundError): (?<m>No module named.*)",
	 INFRA, NO_START, BR_LATEST, BR_STACK_NONE, "infra", NULL, NULL},
	{"Python import", "\nImportError: ",
	 "^(?<t>ImportError): (?<m>No module named.*|cannot import name.*|.*cannot open shared "
	 "object.*|.*undefined symbol.*)",
	 INFRA, NO_START, BR_LATEST, BR_STACK_NONE, "infra", NULL, NULL},
	{"Python -m", ": No module named ", "^\\S*python[\\d.]*: (?<m>No module named .*)", INFRA, NO_START,
	 0, BR_STACK_NONE, "infra", "ModuleNotFoundError", NULL},
	{"Python file", "can't open file", "^\\S*python[\\d.]*: (?<m>can't open file .*)", INFRA, NO_START, 0,
	 BR_STACK_NONE, "infra", "no such file", NULL},
	{"Python syntax", "\nSyntaxError: ", "^(?<t>SyntaxError): (?<m>.*)", INFRA, NO_START - 5, BR_LATEST,
	 BR_STACK_NONE, "infra", NULL, NULL},
	{"Python syntax", "\nIndentationError: ", "^(?<t>IndentationError): (?<m>.*)", INFRA, NO_START - 5,
	 BR_LATEST, BR_STACK_NONE, "infra", NULL, NULL},
	{"Python syntax", "\nTabError: ", "^(?<t>TabError): (?<m>.*)", INFRA, NO_START - 5, BR_LATEST,
	 BR_STACK_NONE, "infra", NULL, NULL},
	/* Go */
	{"Go panic", "panic: ", "^panic: (?<m>.*)", CRASHED, PANICKED, 0, BR_STACK_GO, "panic", "panic",
	 br_refine_go},
	{"Go fatal", "fatal error: ", "^fatal error: (?<m>.*)", CRASHED, PANICKED, 0, BR_STACK_GO, "panic",
	 "fatal error", NULL},
	{"Go race", "WARNING: DATA RACE", "^WARNING: (?<t>DATA RACE)", CRASHED, PANICKED,
	 BR_DEFECT | BR_PASSED, BR_STACK_GO, "sanitizer", NULL, NULL},
	/* Rust */
	{"Rust", " panicked at ",
	 "^thread '(?!rustc').*'(?: \\(\\d+\\))? panicked at (?:'(?<m>.*)', "
	 "(?<f>[^\\s:]+):\\d+|(?<f>[^\\s:]+):\\d+:\\d+:\\n(?<m>.*))",
	 CRASHED, PANICKED, 0, BR_STACK_RUST, "panic", "panic", NULL},
	{"Rust", "has overflowed its stack", "^thread '.*'(?: \\(\\d+\\))? (?<m>has overflowed its stack)",
	 CRASHED, PANICKED, 0, BR_STACK_RUST, "panic", "stack overflow", NULL},
	{"Rust main", "Error: ", "^Error: (?<m>[A-Z]\\w*(?:\\(|\\s*\\{).*)", THREW, 20, 0, BR_STACK_NONE,
	 "exception", "Error", NULL},
	/* Java, Kotlin, Scala */
	{"Java", "Exception in thread \"", "^Exception in thread \"[^\"\\n]*\" (?<t>[\\w$.]+)(?:: (?<m>.*))?",
	 THREW, THROWN + 2, 0, BR_STACK_JAVA, "exception", NULL, NULL},
	{"Jazzer", "== Java Exception: ", "^== Java Exception: (?<t>[\\w$.]+)(?:: (?<m>.*))?", CRASHED, 92, 0,
	 BR_STACK_JAVA, "exception", NULL, NULL},
	{"Java", "\n\tat ",
	 "^\\s*(?:Caused by: |\\[ERROR\\] +)?(?<t>(?:[a-z_]\\w*\\.)+[A-Z][\\w$]*)(?:: (?<m>.*))?\\n\\tat ",
	 THREW, THROWN - 2, BR_ABOVE, BR_STACK_JAVA, "exception", NULL, NULL},
	{"Java", "\n    at ",
	 "^\\s*(?:Caused by: )?(?<t>(?:[a-z_]\\w*\\.)+[A-Z][\\w$]*)(?:: (?<m>.*))?\\n    at ", THREW,
	 THROWN - 2, BR_ABOVE, BR_STACK_JAVA, "exception", NULL, NULL},
	{"Java start", "Could not find or load main class",
	 "^Error: (?<m>Could not find or load main class .*)", INFRA, NO_START, 0, BR_STACK_NONE, "infra",
	 "no such class", NULL},
	{"Java start", "Unable to access jarfile", "^Error: (?<m>Unable to access jarfile .*)", INFRA,
	 NO_START, 0, BR_STACK_NONE, "infra", "no such file", NULL},
	{"Java version", "UnsupportedClassVersionError", "^.*(?<t>UnsupportedClassVersionError): (?<m>.*)",
	 INFRA, NO_START, 0, BR_STACK_NONE, "infra", NULL, NULL},
	{"HotSpot", "# A fatal error has been detected by the Java Runtime",
	 "^# A fatal error has been detected by the Java Runtime Environment:\\n#\\n# +(?<t>\\S+)", CRASHED,
	 PANICKED, 0, BR_STACK_NONE, "signal", NULL, NULL},
	/* JavaScript */
	{"JS", "Error",
	 "^(?:.*Uncaught (?:Exception: )?|\\[?Unhandled [^:]*: "
	 ")?(?<t>[A-Z][\\w$]*Error|Error)(?: \\[\\w+\\])?(?:: "
	 "(?<m>.*))?\\n(?:.*\\n){0,15}?\\s+at ",
	 THREW, THROWN, 0, BR_STACK_JS, "exception", NULL, NULL},
	{"Jazzer.js", " Uncaught Exception: ",
	 "^==\\d+== Uncaught Exception: (?:Jazzer\\.js: )?(?<m>.*)(?:\\n(?<t>\\w+):)?", CRASHED, 92, 0,
	 BR_STACK_JS, "exception", NULL, NULL},
	{"browser", "JavaScript error: ", "^JavaScript error: (?<f>[^,]*), line \\d+: (?<t>\\w+): (?<m>.*)",
	 THREW, THROWN, 0, BR_STACK_JS, "exception", NULL, NULL},
	{"node module", "Error: Cannot find module ", "^Error: (?<m>Cannot find module '[^']*').*", INFRA,
	 NO_START, 0, BR_STACK_NONE, "infra", "MODULE_NOT_FOUND", NULL},
	{"node module", "[ERR_MODULE_NOT_FOUND]", "^Error \\[(?<t>ERR_MODULE_NOT_FOUND)\\]: (?<m>.*)", INFRA,
	 NO_START, 0, BR_STACK_NONE, "infra", NULL, NULL},
	{"node syntax", "SyntaxError: ",
	 "^(?<t>SyntaxError): (?<m>.*)\\n(?: +at (?!.*JSON).*\\n){0,2}? +at "
	 "(?:.*wrapSafe|.*internalCompileFunction|.*compileSourceTextModule|"
	 ".*compileFunction|.*ModuleLoader|new Script|.*checkSyntax|.*createScript|Loader\\.)",
	 INFRA, NO_START, 0, BR_STACK_NONE, "infra", NULL, NULL},
	{"npm", "npm ", "^npm (?:ERR!|error) (?<m>Missing script.*|missing script.*)", INFRA, NO_START, 0,
	 BR_STACK_NONE, "infra", "npm", NULL},
	/* Ruby */
	{"Ruby", ":in ",
	 "^(?!\\s)(?<f>.+?):\\d+:in [`'](?<w>.*?)': (?<m>.*) "
	 "\\((?<t>(?!LoadError|SyntaxError)[A-Z][\\w:]*)\\)",
	 THREW, THROWN, 0, BR_STACK_RUBY, "exception", NULL, NULL},
	{"Ruby load", "cannot load such file -- ",
	 "^.*(?<m>cannot load such file -- .*?)(?: \\(LoadError\\))?$", INFRA, NO_START, 0, BR_STACK_NONE,
	 "infra", "LoadError", NULL},
	{"Ruby syntax", "syntax error", "^(?:ruby: )?\\S+:\\d+: (?<m>syntax errors? ?.*|.*\\(SyntaxError\\))",
	 INFRA, NO_START, 0, BR_STACK_NONE, "infra", "SyntaxError", NULL},
	{"Ruby VM", "[BUG] ", "^(?<f>.*?):\\d+: \\[BUG\\] (?<m>.*)", CRASHED, PANICKED, 0, BR_STACK_NONE,
	 "panic", "[BUG]", NULL},
	/* PHP */
	{"PHP", "Fatal error: ",
	 "^(?:PHP )?Fatal error: +Uncaught (?<t>[\\w\\\\]+)(?:: (?<m>.*?))? in (?<f>.*?):\\d+$", THREW,
	 THROWN, 0, BR_STACK_PHP, "exception", NULL, NULL},
	{"PHP", "Fatal error: ",
	 "^(?:PHP )?(?<t>Fatal error): +(?!Uncaught)(?<m>.*?)(?: in (?<f>\\S+) on line \\d+)?$", THREW,
	 THROWN, 0, BR_STACK_PHP, "exception", NULL, NULL},
	{"PHP syntax", "Parse error: ", "^(?:PHP )?(?<t>Parse error): +(?<m>.*)", INFRA, NO_START, 0,
	 BR_STACK_NONE, "infra", NULL, NULL},
	{"PHP file", "Could not open input file", "^(?<m>Could not open input file: .*)", INFRA, NO_START, 0,
	 BR_STACK_NONE, "infra", "no such file", NULL},
	/* Perl */
	{"Perl", " line ",
	 "^(?!\\s|#|Can't locate|BEGIN failed|syntax error)(?<m>.*) at (?<f>\\S+) line \\d+(?:, <\\w*> \\w+ "
	 "\\d+)?\\.$",
	 THREW, 40, BR_LATEST, BR_STACK_PERL, "exception", "die", NULL},
	{"Perl module", "Can't locate ", "^Can't locate (?<m>\\S+\\.pm in @INC)", INFRA, NO_START, 0,
	 BR_STACK_NONE, "infra", "no such module", NULL},
	{"Perl syntax", "syntax error at ", "^(?<m>syntax error at \\S+ line \\d+.*)", INFRA, NO_START, 0,
	 BR_STACK_NONE, "infra", "syntax error", NULL},
	{"Perl file", "Can't open perl script", "^(?<m>Can't open perl script .*)", INFRA, NO_START, 0,
	 BR_STACK_NONE, "infra", "no such file", NULL},
	/* .NET */
	{".NET", "Unhandled exception. ", "^Unhandled exception\\. (?<t>[\\w.]+)(?:: (?<m>.*))?", CRASHED,
	 PANICKED, 0, BR_STACK_DOTNET, "exception", NULL, NULL},
	{".NET", "Unhandled Exception: ", "^Unhandled Exception: (?<t>[\\w.]+)(?:: (?<m>.*))?", CRASHED,
	 PANICKED, 0, BR_STACK_DOTNET, "exception", NULL, NULL},
	{".NET", "Process terminated. ", "^Process terminated\\. (?<m>.*)", CRASHED, PANICKED, 0,
	 BR_STACK_DOTNET, "assertion", "Process terminated", NULL},
	/* others */
	{"Haskell", "CallStack (from HasCallStack)", "^CallStack \\(from HasCallStack\\)", THREW, 30, 0,
	 BR_STACK_NONE, "exception", "error", NULL},
	{"OCaml", "Fatal error: exception ", "^Fatal error: exception (?<t>[\\w.]+)(?<m>.*)", THREW, THROWN,
	 0, BR_STACK_NONE, "exception", NULL, NULL},
	{"Lua", "stack traceback:", "^stack traceback:", THREW, 30, 0, BR_STACK_NONE, "exception", "error",
	 NULL},
	{"Elixir", "** (", "^\\*\\* \\((?<t>[A-Z][\\w.]*)\\) (?<m>.*)", THREW, THROWN, 0, BR_STACK_NONE,
	 "exception", NULL, NULL},
	{"Swift", "Fatal error: ", "^(?<f>\\S+):\\d+: (?<t>Fatal error): (?<m>.*)", CRASHED, PANICKED, 0,
	 BR_STACK_NATIVE, "panic", NULL, NULL},
	{"Zig", "panic: ", "^thread \\d+ panic: (?<m>.*)", CRASHED, PANICKED, 0, BR_STACK_NATIVE, "panic",
	 "panic", NULL},
	/* shells */
	{"shell syntax", "yntax error", "^\\S+: (?:line |-c: line )?\\d+: (?<m>[Ss]yntax error.*)", INFRA,
	 NO_START, 0, BR_STACK_NONE, "infra", "syntax error", NULL},
	{"shell command", "not found", "^\\S+: (?:line )?\\d+: (?<m>\\S+: (?:command )?not found)$", INFRA,
	 30, 0, BR_STACK_NONE, "infra", "not found", NULL},
	{"env", "No such file or directory", "^(?:/usr/bin/)?env: (?<m>.*: No such file or directory)", INFRA,
	 NO_START, 0, BR_STACK_NONE, "infra", "not found", NULL},
	/* the loader */
	{"loader",
	 "error while loading shared libraries: ", "^.*: error while loading shared libraries: (?<m>.*)",
	 INFRA, NO_START, 0, BR_STACK_NONE, "infra", "missing library", NULL},
	{"loader", "symbol lookup error: ", "^.*: symbol lookup error: (?<m>.*)", INFRA, NO_START, 0,
	 BR_STACK_NONE, "infra", "missing symbol", NULL},
	{"loader", "not found (required by ", "^.*: (?<m>version `\\S+' not found) \\(required by ", INFRA,
	 30, 0, BR_STACK_NONE, "infra", "missing version", NULL},
	{"loader", "Error loading shared library", "^(?<m>Error loading shared library .*)", INFRA, NO_START,
	 0, BR_STACK_NONE, "infra", "missing library", NULL},
	/* the machine */
	{"disk full", "No space left on device", "^.*(?<m>No space left on device)", BR_SAYS_FULL, 60, 0,
	 BR_STACK_NONE, "infra", "disk full", NULL},
	{"quota", "Disk quota exceeded", "^.*(?<m>Disk quota exceeded)", BR_SAYS_FULL, 60, 0, BR_STACK_NONE,
	 "infra", "disk full", NULL},
	{"I/O", "I/O error", "^.*: (?<m>I/O error)$", BR_SAYS_FULL, 60, 0, BR_STACK_NONE, "infra",
	 "I/O error", NULL},
	{"I/O", "Input/output error", "^.*: (?<m>Input/output error)", BR_SAYS_FULL, 60, 0, BR_STACK_NONE,
	 "infra", "I/O error", NULL},
	{"read-only", "Read-only file system", "^.*: (?<m>Read-only file system)", BR_SAYS_INFRA, 50, 0,
	 BR_STACK_NONE, "infra", "read-only file system", NULL},
	{"fork",
	 "fork: ", "^.*fork: (?:retry: )?(?<m>Resource temporarily unavailable|Cannot allocate memory)",
	 BR_SAYS_FULL, 60, 0, BR_STACK_NONE, "infra", "no processes left", NULL},
	{"OOM killer", "Out of memory: Kill", "^.*(?<m>Out of memory: Kill(?:ed)? process)", BR_SAYS_FULL, 60,
	 0, BR_STACK_NONE, "infra", "out of memory", NULL},
	{"network", "Could not resolve host", "^.*(?<m>Could not resolve host.*)", INFRA, 50, 0,
	 BR_STACK_NONE, "infra", "no network", NULL},
	{"network", "Temporary failure in name resolution", "^.*(?<m>Temporary failure in name resolution)",
	 INFRA, 50, 0, BR_STACK_NONE, "infra", "no network", NULL},
};

const struct br_recognisers *br_recognise_languages(void)
{
	static const struct br_recognisers all = {rows, sizeof rows / sizeof *rows};

	return &all;
}
