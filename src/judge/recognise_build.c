/* recognise_build.c - compilers, linkers and build tools that could not make what was to be tested. */
#include "judge/recogniser.h"

#define BUILD(name, literal, re, rank)                                                                       \
	{                                                                                                    \
		name, literal, re, BR_SAYS_BUILD, rank, 0, BR_STACK_NONE, "build", name, NULL                \
	}
/* Nothing can have been run behind this one. */
#define NO_BUILD(name, literal, re, rank)                                                                    \
	{                                                                                                    \
		name, literal, re, BR_SAYS_NO_BUILD, rank, 0, BR_STACK_NONE, "build", name, NULL             \
	}

enum { STOPPED = 20, LINKED = 70, COMPILED = 80 };

static const struct br_recogniser rows[] = {
	/* compilers: file:line:column: error; tools that tests are written in print one number only */
	BUILD("compiler", "error: ",
	      "^(?:\\[[^\\]]*\\] *)?(?<f>(?!\\s)[^\\s:][^\\n:]*):\\d+:\\d+: (?:fatal |internal compiler "
	      ")?error: (?<m>.*)",
	      COMPILED),
	BUILD("compiler", "error: ",
	      "^(?:\\S*/"
	      ")?(?:cc1|cc1plus|cc1obj|lto1|lto-wrapper|collect2|as|gcc|g\\+\\+|c\\+\\+|cc|clang|clang\\+\\+|"
	      "[\\w-]+-gcc|[\\w-]+-g\\+\\+|gcc-\\d+|g\\+\\+-\\d+|clang(?:\\+\\+)?-\\d+|swiftc|ifort|nvcc|icx|"
	      "tcc|rustc|kotlinc|scalac|javac|dmd|ldc2|zig): "
	      "(?:fatal )?error: (?<m>.*)",
	      LINKED - 1),
	BUILD("compiler", "internal compiler error: ", "^.*(?<m>internal compiler error: .*)", COMPILED),
	BUILD("compiler", " error generated.", "^(?<m>\\d+ errors? generated\\.)", STOPPED),
	BUILD("compiler", " errors generated.", "^(?<m>\\d+ errors? generated\\.)", STOPPED),
	BUILD("compiler", "compilation terminated.", "^(?<m>compilation terminated\\.)", STOPPED),
	BUILD("MSVC", "error C", "^(?<f>[^\\n(]+)\\(\\d+(?:,\\d+)?\\): (?:fatal )?error (?<m>C\\d+: .*)",
	      COMPILED),
	BUILD("C#", "error CS", "^(?<f>[^\\n(]+)\\(\\d+,\\d+\\): error (?<m>CS\\d+: .*)", COMPILED),
	BUILD("MSBuild", "error MSB", "^.*error (?<m>MSB\\d+: .*)", LINKED),
	BUILD("TypeScript", "error TS", "^(?<f>[^\\n(:]+)[(:]\\d+[,:]\\d+\\)?(?::| -) error (?<m>TS\\d+: .*)",
	      COMPILED),
	BUILD("assembler", "Error: ", "^(?<f>(?!\\s)[^\\s:]+):\\d+: Error: (?<m>.*)", COMPILED),
	BUILD("assembler", "error: ", "^(?<f>[^\\s:]+\\.(?:asm|s|S|nasm|inc)):\\d+: error: (?<m>.*)",
	      COMPILED),
	BUILD("gfortran", "Error: ", "^(?:Fatal )?Error: (?<m>.* at \\(1\\).*)", COMPILED),
	BUILD("OCaml", "Error: ",
	      "^File \"(?<f>[^\"]+)\", lines? \\d[^\\n]*:\\n(?:.*\\n){0,6}?Error: (?<m>.*)", COMPILED),
	BUILD("OCaml", "\nFile \"",
	      "^File \"(?<f>[^\"]+\\.mli?)\", lines? \\d[^\\n]*:\\n(?:.*\\n){0,6}?Error: (?<m>.*)", COMPILED),
	BUILD("GHC", ": error:", "^(?<f>\\S+\\.l?hs):\\d+:\\d+: error:(?<m>[^\\n]*(?:\\n +.*)?)", COMPILED),
	BUILD("protoc", ".proto:", "^(?<f>\\S+\\.proto):\\d+:\\d+: (?<m>.*)", COMPILED),
	BUILD("bison, flex", "syntax error, unexpected",
	      "^(?<f>\\S+\\.[yl]+):\\d+[.:-][\\d.:-]*: error: (?<m>.*)", COMPILED),
	/* linkers */
	BUILD("linker", "undefined reference to ", "^.*(?<m>undefined reference to .*)", LINKED),
	BUILD("linker", "multiple definition of ", "^.*(?<m>multiple definition of [^;]*)", LINKED),
	BUILD("linker", "cannot find -l", "^\\S*ld\\S*: (?<m>cannot find -l[^\\s:]+)", LINKED),
	BUILD("linker", "ld: cannot find ", "^\\S*ld: (?<m>cannot find .*)", LINKED),
	BUILD("linker", "ld.lld: error: ", "^.*ld\\.lld: error: (?<m>.*)", LINKED),
	BUILD("linker", "mold: ", "^mold: (?:fatal|error): (?<m>.*)", LINKED),
	BUILD("linker", "ld returned ", "^.*(?<m>ld returned \\d+ exit status)", STOPPED),
	BUILD("linker", "linker command failed", "^.*(?<m>linker command failed) with exit code", STOPPED),
	BUILD("linker", "Undefined symbols for architecture", "^(?<m>Undefined symbols for architecture .*)",
	      LINKED),
	/* make: a rule that makes a file failed; any other rule may be a test's */
	BUILD("make", "*** [",
	      "^\\S*make(?:\\[\\d+\\])?: \\*\\*\\* \\[(?:[^\\]\\s]*:\\d+: "
	      ")?(?<m>[^\\]]*\\.(?:l?o|obj|l?a|so|dll|d|ko|elf|exe|gch|pch|c|cc|cpp|cxx|h|hpp|hh|class|jar|"
	      "cm[iox]|pyc|gcda|S|s|i))\\] ",
	      STOPPED),
	BUILD("make", "*** [",
	      "^\\S*make(?:\\[\\d+\\])?: \\*\\*\\* \\[(?:[^\\]\\s]*:\\d+: "
	      ")?(?<m>(?:all|build|compile|configure|config|install|prepare|libs?|objs?|[\\w-]*-build|build-["
	      "\\w-]*)(?:-\\w+)?)\\] Error",
	      STOPPED - 5),
	BUILD("make", "*** [",
	      "^\\S*make(?:\\[\\d+\\])?: \\*\\*\\* \\[(?:[^\\]\\s]*:\\d+: )?(?<m>[^\\]]*\\] Error 12[67])",
	      STOPPED - 5),
	BUILD("make", "No rule to make target ",
	      "^\\S*make(?:\\[\\d+\\])?: \\*\\*\\* (?<m>No rule to make target [^.]*)", LINKED - 5),
	BUILD("make", "***",
	      "^\\S*make(?:\\[\\d+\\])?: \\*\\*\\* (?<m>No targets.*|.*No such file or directory\\.  "
	      "Stop\\.|.*recursive variable.*)",
	      LINKED - 5),
	BUILD("make", " Stop.", "^(?<f>[^\\s:]+):\\d+: \\*\\*\\* (?<m>.*?)\\.?  Stop\\.", LINKED - 5),
	BUILD("make", " No such file or directory",
	      "^(?<f>[Mm]akefile\\S*|\\S+\\.mk):\\d+: (?<m>.*: No such file or directory)", STOPPED),
	/* cmake, meson, ninja, autotools, Bazel, SCons */
	BUILD("cmake", "CMake Error",
	      "^CMake Error(?: at (?<f>[^\\s:]+):\\d+ \\(\\S+\\))?:?(?<m>[^\\n]*(?:\\n  .*)?)", COMPILED),
	BUILD("meson", "ERROR: ",
	      "^(?:.*/)?(?<f>meson\\.build|meson_options\\.txt|meson\\.options):\\d+:\\d+: ERROR: (?<m>.*)",
	      COMPILED),
	BUILD("ninja", "ninja: ", "^ninja: (?<m>build stopped: .*|error: .*|fatal: .*)", STOPPED),
	BUILD("ninja", "\nFAILED: ", "^FAILED: (?<m>\\S+\\.(?:o|obj|so|a|d|h|c|cc|cpp)\\S*) ?", STOPPED + 1),
	BUILD("configure", "configure: error: ", "^configure: error: (?<m>.*)", COMPILED),
	BUILD("autoconf", "error: ",
	      "^(?:autoreconf|aclocal|automake|autoconf|autoheader|libtoolize)\\S*: (?:error: )(?<m>.*)",
	      LINKED),
	BUILD("Bazel", "Build did NOT complete",
	      "^(?:FAILED|ERROR): (?<m>Build did NOT complete successfully)", STOPPED),
	BUILD("SCons", "scons: ***", "^scons: \\*\\*\\* (?<m>.*)", STOPPED),
	BUILD("waf", "\nBuild failed", "^(?<m>Build failed)$", STOPPED),
	BUILD("xcodebuild", "** BUILD FAILED **", "^\\*\\* BUILD FAILED \\*\\*", STOPPED),
	/* Rust */
	{"rustc", "\nerror[", "^error\\[(?<t>E\\d+)\\]: (?<m>.*)(?:\\n *--> (?<f>[^:]+))?", BR_SAYS_BUILD,
	 COMPILED, 0, BR_STACK_NONE, "build", NULL, NULL},
	BUILD("rustc", "\n --> ", "^error: (?<m>.*)\\n *--> (?<f>[^:\\n]+):\\d+:\\d+", COMPILED - 1),
	NO_BUILD("cargo", "could not compile ", "^error: (?<m>could not compile `[^`]*`)", STOPPED),
	NO_BUILD("cargo", "failed to run custom build command",
		 "^error: (?<m>failed to run custom build command for .*)", LINKED),
	NO_BUILD("cargo", "linking with ", "^error: (?<m>linking with .* failed)", LINKED),
	BUILD("rustc", "'rustc' panicked", "^thread 'rustc'.*panicked at (?<m>.*)", COMPILED),
	BUILD("cargo", "\nerror: ",
	      "^error: (?<m>no matching package.*|failed to "
	      "(?:select|load|get|parse|resolve|download|fetch|read|verify|sync|query|update|determine).*|"
	      "could not find `Cargo\\.toml`.*|no such (?:sub)?command.*|package .* cannot be built.*|the "
	      "lock file .*|no (?:bin|test|example|bench) target.*|toolchain .*)",
	      LINKED),
	/* Go */
	BUILD("go", ".go:", "^(?:vet: )?(?<f>(?:\\./|\\.\\./|/)?(?!\\s)[^\\s:]+\\.go):\\d+:\\d+: (?<m>.*)",
	      COMPILED),
	BUILD("go", " failed]", "^FAIL\\t(?<m>\\S+ \\[(?:build|setup) failed\\])", LINKED - 20),
	BUILD("go", "no required module provides package",
	      "^.*(?<m>no required module provides package [^;]*)", COMPILED + 1),
	BUILD("go", "cannot find package", "^.*(?<m>cannot find package .*)", LINKED),
	BUILD("go", "cannot find m", "^(?:go: .*)?(?<m>cannot find (?:module|main module).*)", LINKED),
	BUILD("go", "\ngo: ",
	      "^go: (?<m>(?:errors? |missing |updates to|inconsistent|module |go\\.mod|.*: (?:module "
	      "lookup|invalid version|unrecognized|missing go\\.sum|parsing go\\.mod)|cannot find main).*)",
	      LINKED),
	BUILD("go", " is not in ", "^.*(?<m>package \\S+ is not in (?:std|GOROOT).*)", LINKED),
	BUILD("go", "import cycle not allowed", "^.*(?<m>import cycle not allowed)", LINKED),
	BUILD("go link", "link: ", "^(?:\\S*/)?link: (?<m>.*)", LINKED),
	/* Java, Kotlin, Scala */
	BUILD("javac", ".java:",
	      "^(?:\\s*\\[javac\\] )?(?:\\[ERROR\\] )?(?<f>(?!\\s)[^\\n:]+\\.java):(?:\\d+: error: "
	      "|\\[\\d+,\\d+\\] )(?<m>.*)",
	      COMPILED),
	BUILD("javac", "\nerror: ",
	      "^error: (?<m>(?:file not found|release version|invalid (?:flag|source|target)|package |cannot "
	      "access|no source files|Class names).*)",
	      LINKED),
	BUILD("kotlinc", ".kt", "^e: (?:file://)?(?<f>\\S+?\\.kts?)[: (]+\\d+[:,] ?\\d+\\)?:? (?<m>.*)",
	      COMPILED),
	BUILD("scalac", ".scala:",
	      "^(?:\\[error\\] )?(?:-- .*Error: )?(?<f>\\S+\\.scala):\\d+(?::\\d+)?: (?:error: )?(?<m>.*)",
	      COMPILED - 1),
	BUILD("Maven", "COMPILATION ERROR", "^.*(?<m>COMPILATION ERROR)", STOPPED),
	BUILD("Maven", "Could not resolve dependencies", "^.*(?<m>Could not resolve dependencies for .*)",
	      LINKED),
	BUILD("Maven", "Non-resolvable ", "^.*(?<m>Non-resolvable .*)", LINKED),
	BUILD("Gradle", "> Task :", "^> Task :(?<m>\\S*(?:compile|Compile|generate|process|kapt)\\S* FAILED)",
	      STOPPED),
	BUILD("Gradle", "Could not resolve ", "^.*(?<m>Could not resolve (?:all|[\\w.]+:).*)", LINKED),
	BUILD("Gradle", "Could not compile ", "^.*(?<m>Could not compile .*)", STOPPED),
	/* others */
	BUILD("Python build", "error: command '", "^error: (?<m>command '.*' failed.*)", STOPPED),
	BUILD("pip", "error: ",
	      "^ *(?:\xc3\x97 |error: )(?<m>subprocess-exited-with-error|.*did not run "
	      "successfully.*|metadata-generation-failed)",
	      STOPPED),
	BUILD("pip", "ERROR: ",
	      "^ERROR: (?<m>(?:Failed building wheel|Could not build wheels|Could not find a version|No "
	      "matching distribution).*)",
	      STOPPED + 1),
	BUILD("webpack", "Module not found: ", "^(?<m>Module not found: .*)", LINKED),
	BUILD("esbuild", "[ERROR] ", "^\\S* \\[ERROR\\] (?<m>.*)", LINKED),
	BUILD("npm", "npm ", "^npm (?:ERR!|error) (?<m>code E(?:RESOLVE|404|TARGET|INTEGRITY).*)", LINKED),
	BUILD("pkg-config", "was not found in the pkg-config search path",
	      "^(?<m>Package .* was not found in the pkg-config search path)", STOPPED),
	BUILD("Swift", "error: ",
	      "^error: (?<m>(?:fatalError|no such module .*|emit-module command failed.*|compile command "
	      "failed.*|link command failed.*))",
	      STOPPED),
	BUILD("Zig", "the following command",
	      "^error: (?<m>the following (?:build )?command (?:failed|terminated|exited).*)", STOPPED),
};

const struct br_recognisers *br_recognise_builds(void)
{
	static const struct br_recognisers all = {rows, sizeof rows / sizeof *rows};

	return &all;
}
