/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a hook's file begins with. Outside of #ifndef REEVE_LAYOUTS stand its records only:
 *
 *	#include "hook.h"
 *
 *	struct chroot_record {
 *		struct act act DOC("act");	who, and what came of it
 *		struct file_identity file DOC("...");	what it was about
 *		char path[0] LEN("act.path_len") FMT("path") DOC("...");
 *	};
 *
 *	#ifndef REEVE_LAYOUTS
 *	#define MATCH_OWN_OPERANDS 3
 *	#include "hook_run.h"
 *	...
 *	#endif
 */
#pragma once

#include "process.h"
#include "act.h"
#include "file.h"
