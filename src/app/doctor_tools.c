/* doctor_tools.c - which debuggers and profilers work here. */
#include "app/doctor.h"

#include "app/hooks.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/hook.h"
#include "sys/spawn.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VERSION_MS = 5000, PROBE_MS = 20000, OUTPUT_B = 4096 };

char *br_doctor_version(const char *program, const char *option)
{
	br_auto_strv char **argv = NULL;
	char *out = NULL;
	int status = -1;

	br_strv_add(&argv, program);
	br_strv_add(&argv, option);
	if (br_spawn_capture(argv, environ, NULL, OUTPUT_B, VERSION_MS, &out, &status, NULL) < 0 ||
	    status != 0) {
		free(out);
		return NULL;
	}
	out[strcspn(out, "\n")] = '\0';
	return out;
}

static void check_debuggers(void)
{
	static const struct {
		const char *program, *option, *without;
	} tool[] = {
		{"gdb", "--version", "not found: `debug` opens no debugger on crashes"},
		{"python3", "--version", "not found: `debug` has no pdb"},
		{"strace", "-V", "not found: `debug --compare --trace` has no system calls"},
	};

	for (size_t i = 0; i < sizeof tool / sizeof *tool; i++) {
		br_auto_free char *version = br_doctor_version(tool[i].program, tool[i].option);

		br_doctor_line(version != NULL, tool[i].program, version ? version : tool[i].without);
	}
}

static bool probe(struct br_hooks *hooks, const char *name, const char *counters, struct br_err *err)
{
	br_auto_strv char **args = NULL;
	br_auto_strv char **env = br_strv_copy(environ);
	br_auto_free char *entry = br_asprintf("BISECT_RUN_PROFILE_COUNTERS=%s", counters);
	br_auto_free char *out = NULL;
	struct br_hook_call call = {.kind = "profile", .name = name, .limit_ms = PROBE_MS, .max_b = OUTPUT_B};
	size_t n;

	br_strv_add(&args, "probe");
	br_strv_add(&env, entry);
	call.args = args;
	call.env = env;
	return br_hooks_ask(hooks, &call, &out, &n, err) == 0;
}

static void check_profiler(struct br_hooks *hooks, const char *name, bool closed)
{
	struct br_err err = {0}, ignored;
	bool works = probe(hooks, name, "open", &err);
	bool needs_door = works && closed && !probe(hooks, name, "closed", &ignored);
	br_auto_free char *why = br_text_clean(err.msg, strlen(err.msg), false);

	br_doctor_line(works, name, !works ? why : needs_door ? "with --allow perf" : "works");
}

void br_doctor_tools(bool closed)
{
	struct br_hooks *hooks = NULL;
	struct br_err err = {0};

	printf("\nDebuggers\n");
	check_debuggers();
	printf("\nProfilers\n");
	if (br_hooks_here(&hooks, &err) < 0) {
		br_doctor_line(false, "hooks", err.msg);
	} else {
		br_auto_strv char **names = br_hooks_names(hooks, "profile");

		for (size_t i = 0; names[i]; i++)
			check_profiler(hooks, names[i], closed);
	}
	br_hooks_close(hooks);
}
