/* SPDX-License-Identifier: Apache-2.0 */
/* ends status N | signal N: ends that way. */
#include "truth.h"
#include <signal.h>
#include <sys/resource.h>

int main(int argc, char **argv)
{
	struct rlimit none = {0, 0};
	int number = argc > 2 ? atoi(argv[2]) : 0;

	if (argc > 1 && !strcmp(argv[1], "status"))
		return number;
	if (argc > 1 && !strcmp(argv[1], "signal")) {
		setrlimit(RLIMIT_CORE, &none);
		kill(getpid(), number);
	}
	return 99;
}
