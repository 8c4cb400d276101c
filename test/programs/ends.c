/* SPDX-License-Identifier: Apache-2.0 */
/* ends status N | signal N: ends that way. ends: leaves a core dump. */
#include "truth.h"
#include <signal.h>
#include <sys/resource.h>

int main(int argc, char **argv)
{
	struct rlimit none = {0, 0};
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	int number = argc > 2 ? atoi(argv[2]) : 0;

	if (argc > 1 && !strcmp(argv[1], "status"))
		return number;
	if (argc > 1 && !strcmp(argv[1], "signal")) {
		setrlimit(RLIMIT_CORE, &none);
		kill(getpid(), number);
	}
	setrlimit(RLIMIT_CORE, &all);
	abort();
}
