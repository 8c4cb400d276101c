/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tags that describe a record's fields to the generator (bpf/gen). They reach it through the BTF of the layouts object,
 * which is never loaded; in the programs themselves they are nothing, so that no kernel has to know them.
 *
 *   DOC("...")    what the field means; every field has one
 *   FMT("...")    how the number or bytes are shown: enum:NAME, flags:NAME, ip, port, cstring, path, argv, ns, boottime
 *   LEN("field")  on `char name[0]` at the end of a record: bytes of the tail, as many as `field` says. Tails follow the
 *                 fixed part in the order of their members, without alignment and without a final zero
 *   PAD           filler, always zero: layouts have no implicit padding
 */
#pragma once

#ifdef REEVE_LAYOUTS
#define REEVE_TAG(text) __attribute__((btf_decl_tag(text)))
#else
#define REEVE_TAG(text)
#endif

#define DOC(text) REEVE_TAG("doc:" text)
#define FMT(text) REEVE_TAG("fmt:" text)
#define LEN(field) REEVE_TAG("len:" field)
#define PAD REEVE_TAG("pad")
