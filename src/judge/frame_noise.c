/*
 * frame_noise.c - the frames that are left out of a signature: what runs whatever failed. One table a language; whoever
 * changes one raises BR_SIGNATURE_VERSION.
 */
#include "judge/frame.h"

#include <ctype.h>
#include <string.h>

/* A word ends with '$' when the whole name must be equal; else the name begins with it. */
static const char *const native[] = {
	/* sanitizers and fuzzers */
	"__asan",
	"__hwasan",
	"__msan",
	"__tsan",
	"__lsan",
	"__ubsan",
	"__sanitizer",
	"__sancov",
	"__interceptor",
	"___interceptor",
	"__interception",
	"__cfi",
	"__scudo",
	"scudo::",
	"fuzzer::",
	"LLVMFuzzerRunDriver$",
	"LLVMFuzzerInitialize$",
	"afl_",
	"__afl",
	"HandleReadNoSuchSymbol",
	"asan_",
	"Unwind$",
	"_Unwind_",
	"jazzer",
	"RunCallback$",
	"interceptor_",
	/* ending by its own will */
	"abort$",
	"__abort",
	"raise$",
	"gsignal$",
	"pthread_",
	"__pthread_kill",
	"tgkill$",
	"kill$",
	"__kill$",
	"__GI_",
	"__assert",
	"_assert",
	"__libc_fatal",
	"__libc_message",
	"__fortify_fail",
	"__stack_chk_fail",
	"__chk_fail",
	"__fail$",
	"exit$",
	"_exit$",
	"__exit$",
	"__run_exit_handlers",
	"terminate$",
	"uncaught_exception",
	"__restore_rt$",
	"_sigtramp$",
	"__kernel_",
	"[vdso]$",
	"linux-gate",
	"killpg$",
	"RaiseException",
	"RtlFailFast",
	"_objc_terminate",
	"__cxa_",
	"__cxxabi",
	"__gxx_",
	"__gnu_cxx::",
	"g_log",
	"g_assertion_message",
	"g_abort",
	"g_error",
	"qt_message",
	"QMessageLogger::",
	"qt_assert",
	"DebuggerBreak",
	"KiUserException",
	/* start of a program or thread */
	"__libc_start",
	"_start$",
	"start$",
	"start_thread$",
	"clone$",
	"clone3$",
	"__clone",
	"_dl_",
	"call_init",
	"__libc_csu",
	"thread_start$",
	"_pthread_",
	"BaseThreadInitThunk",
	"RtlUserThreadStart",
	"__scrt_common_main",
	"invoke_main$",
	"_dispatch_client_callout$",
	/* allocators */
	"malloc$",
	"free$",
	"calloc$",
	"realloc$",
	"reallocarray$",
	"memalign$",
	"posix_memalign$",
	"aligned_alloc$",
	"valloc$",
	"cfree$",
	"malloc_printerr$",
	"malloc_consolidate$",
	"unlink_chunk$",
	"sysmalloc$",
	"_int_",
	"operator new",
	"operator delete",
	"tcache_",
	"je_",
	"tc_malloc",
	"tc_free",
	"mi_",
	"_mi_",
	"g_malloc",
	"g_free",
	"g_realloc",
	"xmalloc$",
	"_asan_rtl_",
	"__libc_malloc",
	"__libc_free",
	"__libc_calloc",
	"__libc_realloc",
	"__libcpp_allocate",
	"base::internal::",
	"partition_alloc::",
	"base::allocator",
	/* libraries of the language */
	"std::",
	"__aeabi_",
	"_IO_",
	"__printf",
	"printf$",
	"vprintf$",
	"fprintf$",
	"vfprintf",
	"__vfprintf",
	"puts$",
	"qsort",
	"msort_",
	"bsearch$",
	"__GI__",
	"boost::assertion_failed",
	"boost::throw_exception",
	"WTF::",
	"fxcrt::",
	"absl::base_internal",
	"absl::log_internal",
	"absl::debugging_internal",
	"absl::raw_log",
	/* loggers that abort */
	"google::LogMessage",
	"google::DumpStack",
	"google::LogDestination",
	"google::logging_fail",
	"logging::",
	"base::debug::",
	"base::ImmediateCrash",
	"V8_Fatal",
	"V8_Dcheck",
	"v8::base::OS::Abort",
	"v8::base::debug::",
	"v8::base::FatalOOM",
	"v8::internal::V8::FatalProcessOutOfMemory",
	"v8::internal::FatalProcessOutOfMemory",
	"v8::Utils::ReportOOMFailure",
	"v8::Utils::ReportApiFailure",
	"v8::api_internal::",
	"node::OOMErrorHandler",
	"node::OnFatalError",
	"node::Abort",
	"node::DumpBacktrace",
	"blink::ReportV8FatalError",
	"blink::ReportFatalError",
	"blink::V8Initializer",
	"report_fatal_error",
	"llvm::report_fatal_error",
	"llvm::sys::PrintStackTrace",
	"llvm::sys::RunSignalHandlers",
	"llvm_unreachable",
	"SignalHandler$",
	"SkAbort",
	"sk_abort",
	"backtrace$",
	"PrintStackTrace",
	"CrashSignalHandler",
	"CrashTrampoline",
	"operator",
	/* test runners */
	"testing::",
	"Catch::",
	"doctest::",
	"boost::unit_test",
	"boost::detail",
	"cmocka_",
	"_cmocka_",
	"cm_run",
	"srunner_",
	"tcase_run",
	"_ck_assert",
	"CppUnit::",
	"QTest::",
	"Unity",
	/* Rust's runtime */
	"rust_begin_unwind",
	"__rust",
	"__rustc",
	"core::panicking",
	"core::result::unwrap_failed",
	"core::option::unwrap_failed",
	"core::option::expect_failed",
	"core::ops::function",
	"core::slice::",
	"core::str::",
};

static const char *const rust[] = {"std::", "core::", "alloc::", "test::", "rust_", "__rust", "main$"};

static const char *const python[] = {
	"importlib/", "<frozen ",     "runpy.py",	  "unittest/", "_pytest/",
	"pluggy/",    "nose/",	      "nose2/",		  "/pytest",   "concurrent/futures/",
	"asyncio/",   "threading.py", "multiprocessing/", "doctest.py"};

static const char *const java[] = {"java.",
				   "javax.",
				   "jdk.",
				   "sun.",
				   "com.sun.",
				   "org.junit.",
				   "junit.",
				   "org.testng.",
				   "org.gradle.",
				   "org.apache.maven.",
				   "org.hamcrest.",
				   "org.assertj.",
				   "org.mockito.",
				   "kotlin.",
				   "kotlinx.",
				   "scala.",
				   "org.scalatest.",
				   "groovy.",
				   "org.codehaus.groovy.",
				   "org.spockframework.",
				   "worker.org.gradle.",
				   "com.intellij.rt.",
				   "org.opentest4j.",
				   "com.code_intelligence.jazzer.",
				   "org.eclipse.jdt.",
				   "clojure.lang.",
				   "com.google.common.truth.",
				   "reactor.core."};

static const char *const js[] = {
	"node:",     "internal/",   "(internal/",	 "node_modules/",     "[eval]-wrapper",
	"native ",   "<anonymous>", "chrome-extension:", "webpack/bootstrap", "bun:",
	"ext:",	     "timers.js",   "events.js",	 "module.js",	      "bootstrap_node.js",
	"assert.js", "vm.js"};

static const char *const go[] = {"panic$",
				 "testing.",
				 "main._cgoexpwrap",
				 "main.LLVMFuzzer",
				 "reflect.Value",
				 "created by",
				 "runtime.goexit",
				 "runtime.main",
				 "runtime.gopanic",
				 "runtime.panic",
				 "runtime.sigpanic",
				 "runtime.throw",
				 "runtime.fatal",
				 "runtime.go",
				 "runtime.raise",
				 "runtime.morestack",
				 "runtime.newstack",
				 "runtime.call",
				 "runtime.mcall",
				 "runtime.park",
				 "runtime.chan",
				 "runtime.select",
				 "runtime.sema",
				 "runtime.mapassign",
				 "runtime.mapaccess",
				 "runtime.asmcgocall",
				 "runtime.cgocall",
				 "runtime.doInit",
				 "runtime.dieFromSignal",
				 "runtime.systemstack",
				 "runtime.debugCall",
				 "runtime.(",
				 "runtime.slice",
				 "runtime.grow",
				 "runtime/debug",
				 "debug.Stack",
				 "assert.",
				 "require.",
				 "suite."};

static const char *const ruby[] = {"minitest", "rspec",	 "test/unit", "rubygems",
				   "bundler",  "/gems/", "<internal:"};
static const char *const php[] = {"PHPUnit\\", "PHPUnit_",	"Composer\\",	"include$",
				  "require$",  "require_once$", "include_once$"};
static const char *const perl[] = {"Test::", "TAP::", "Carp::", "eval", "require "};
static const char *const dotnet[] = {"System.", "Microsoft.", "Xunit.", "NUnit.", "Interop.", "Internal."};

struct table {
	const char *const *word;
	size_t n;
	bool in_file; /* words stand in the file, not at the start of the name */
};

#define TABLE(t, f)                                                                                          \
	{                                                                                                    \
		t, sizeof(t) / sizeof *(t), f                                                                \
	}

static const struct table tables[BR_NSTACK] = {
	[BR_STACK_NATIVE] = TABLE(native, false), [BR_STACK_RUST] = TABLE(rust, false),
	[BR_STACK_PYTHON] = TABLE(python, true),  [BR_STACK_JAVA] = TABLE(java, false),
	[BR_STACK_JS] = TABLE(js, true),	  [BR_STACK_GO] = TABLE(go, false),
	[BR_STACK_RUBY] = TABLE(ruby, true),	  [BR_STACK_PHP] = TABLE(php, false),
	[BR_STACK_PERL] = TABLE(perl, false),	  [BR_STACK_DOTNET] = TABLE(dotnet, false),
};

static bool name_fits(const char *name, const char *word)
{
	size_t n = strlen(word);

	if (word[n - 1] == '$')
		return strlen(name) == n - 1 && memcmp(name, word, n - 1) == 0;
	return strncmp(name, word, n) == 0;
}

/* memcpy, __strlen_avx2, __memmove_ssse3_back, wcscpy: functions of the C library on bytes and strings. */
static bool is_string_function(const char *name)
{
	static const char *const start[] = {"mem", "str", "wcs", "wmem"};
	static const char *const rest[] = {"cpy",  "set",     "move",	  "chr", "cmp",	 "len",	 "cat",
					   "dup",  "ncpy",    "ncmp",	  "str", "rchr", "ccpy", "pcpy",
					   "nlen", "casecmp", "ncat",	  "spn", "cspn", "ndup", "mem",
					   "pbrk", "tok",     "ncasecmp", "sep", "toul", "tol"};
	size_t skip = strspn(name, "_");

	name += skip;
	for (size_t i = 0; i < sizeof start / sizeof *start; i++) {
		size_t n = strlen(start[i]);

		if (strncmp(name, start[i], n) != 0)
			continue;
		for (size_t k = 0; k < sizeof rest / sizeof *rest; k++) {
			size_t m = strlen(rest[k]);

			if (strncmp(name + n, rest[k], m) == 0 && !isalnum((unsigned char)name[n + m]) &&
			    (skip || !name[n + m] || strchr("-.@", name[n + m])))
				return true;
		}
	}
	return false;
}

static bool is_native_library(const struct br_printed_frame *f)
{
	static const char *const files[] = {
		"/libc++/",	     "/c++/v1/",	  "include/c++/",      "libFuzzer/src/",
		"/libfuzzer/Fuzzer", "/compiler-rt/lib/", "libclang_rt",       "/libfuzzer/afl/",
		"/googletest/",	     "csu/libc-start",	  "/rustc/",	       "_asan_rtl_",
		"libsanitizer/",     "vgpreload_",	  "/library/std/src/", "/libgcc/"};
	static const char *const modules[] = {"/lib/",	  "/lib64/", "/usr/lib", "linux-gate",
					      "<unknown", ".dylib",  "ld-linux", "/usr/libexec/valgrind"};

	if (strcmp(f->name, "LLVMFuzzerTestOneInput") == 0)
		return false;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strstr(f->file, files[i]))
			return true;
	for (size_t i = 0; f->module && i < sizeof modules / sizeof *modules; i++)
		if (strstr(f->file, modules[i]))
			return true;
	return is_string_function(f->name);
}

bool br_frame_is_noise(enum br_stack_format format, const struct br_printed_frame *f)
{
	const struct table *t = &tables[format];

	if ((format == BR_STACK_NATIVE || format == BR_STACK_RUST) && is_native_library(f))
		return true;
	for (size_t i = 0; i < t->n; i++)
		if (t->in_file ? strstr(f->file, t->word[i]) != NULL : name_fits(f->name, t->word[i]))
			return true;
	return false;
}
