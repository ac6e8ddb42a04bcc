/* main.c - from the command line to a command. */
#include "app/commands.h"
#include "app/finish.h"
#include "app/session.h"
#include "base/mem.h"
#include "bisect_run/err.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#ifndef BR_VERSION
#define BR_VERSION "0.1.0"
#endif

/* A descriptor that was closed by the caller would become the record's or a log's. */
static void open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

static int print(char *text)
{
	int r = fputs(text, stdout) < 0 || fflush(stdout) != 0;

	free(text);
	if (r)
		perror("bisect-run: cannot write to standard output");
	return r;
}

/* A file-size limit shows as an error of the write, which is told, not as a death. Trials get the default back. */
static void ignore_size_signal(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	(void)sigaction(SIGXFSZ, &ignore, NULL);
}

static int run(struct br_options *opt)
{
	switch (opt->command) {
	case BR_CMD_SEARCH:
		return br_cmd_search(opt);
	case BR_CMD_TRY:
		return br_cmd_try(opt);
	case BR_CMD_RESUME:
		return br_cmd_resume(opt);
	case BR_CMD_SHOW:
		return br_cmd_show(opt);
	case BR_CMD_HISTORY:
		return br_cmd_history(opt);
	case BR_CMD_STATUS:
		return br_cmd_status(opt);
	case BR_CMD_AMEND:
		return br_cmd_amend(opt);
	case BR_CMD_CLEAN:
		return br_cmd_clean(opt);
	case BR_CMD_DOCTOR:
		return br_cmd_doctor(opt);
	case BR_CMD_DEBUG:
		return br_cmd_debug(opt);
	case BR_CMD_HELP_SHORT:
		return print(br_options_help(false));
	case BR_CMD_HELP_LONG:
		return print(br_options_help(true));
	case BR_CMD_VERSION:
		return print(br_strdup("bisect-run " BR_VERSION "\n"));
	}
	return 1;
}

int main(int argc, char **argv)
{
	struct br_options opt = {0};
	struct br_err err = {0};
	int r;

	open_standard_descriptors();
	ignore_size_signal();
	r = br_load_options(&opt, argc, argv, &err);
	r = r < 0 ? br_finish_usage(&opt, r, &err) : run(&opt);
	br_options_done(&opt);
	return r;
}
