// Runs a program again and again, and prints how often it ran and how often it was killed before it could:
//   exec-again COUNT PROGRAM     prints {"ran": N, "killed": N, "killed_first": bool}
//   exec-again wait              waits to be ended
//   exec-again                   ends at once, so that a copy of it can be that program
// Static: it is all that its container has.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int count, ran = 0, killed = 0, first = 0;

	if (argc == 2)
		return pause();
	if (argc < 3)
		return 0;
	count = atoi(argv[1]);
	for (int i = 0; i < count; i++) {
		char *arguments[] = {argv[2], NULL};
		int status;
		pid_t child = fork();

		if (child == 0) {
			execv(argv[2], arguments);
			_exit(127);
		}
		if (waitpid(child, &status, 0) != child)
			return 1;
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
			killed++;
			first |= i == 0;
		} else if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
			ran++;
		} else {
			return 1;
		}
	}
	printf("{\"ran\": %d, \"killed\": %d, \"killed_first\": %s}\n", ran, killed,
	       first ? "true" : "false");
	fflush(stdout);
	return 0;
}
