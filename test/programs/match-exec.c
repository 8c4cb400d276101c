/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match-exec: for each line of paths on standard input executes one after the other, and prints a line with a character for
 * each: "0" for one that ran to its end, "k" for one that SIGKILL ended, "?" for anything else.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char outcome(char *path)
{
	char *const argv[] = {path, NULL}, *const envp[] = {NULL};
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execve(path, argv, envp);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return '?';
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return 'k';
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? '0' : '?';
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (getline(&line, &size, stdin) > 0) {
		for (char *path = strtok(line, " \n"); path; path = strtok(NULL, " \n"))
			putchar(outcome(path));
		putchar('\n');
	}
	return 0;
}
