/* hooks.c - where hooks lie. */
#include "app/hooks.h"

#include "base/mem.h"
#include "bisect_run/hook.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int br_hooks_here(struct br_hooks **out, struct br_err *err)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	br_auto_free char *config = NULL;
	br_auto_free char *own = NULL;
	br_auto_free char *exe = br_calloc(4096, 1);
	char *slash;
	ssize_t n = readlink("/proc/self/exe", exe, 4095);
	const char *dirs[3] = {NULL};
	size_t k = 0;

	/* Beside the program (build/hooks), or where `make install` put them (../share/bisect-run/hooks). */
	slash = n > 0 ? strrchr(exe, '/') : NULL;
	if (slash) {
		*slash = '\0';
		own = br_asprintf("%s/../hooks", exe);
		if (access(own, X_OK) != 0) {
			free(own);
			own = br_asprintf("%s/../share/bisect-run/hooks", exe);
		}
		dirs[k++] = own;
	}
	if (xdg && xdg[0] == '/')
		config = br_asprintf("%s/bisect-run/hooks", xdg);
	else if (home && home[0] == '/')
		config = br_asprintf("%s/.config/bisect-run/hooks", home);
	if (config)
		dirs[k++] = config;
	return br_hooks_open(out, dirs, err);
}
