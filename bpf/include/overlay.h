/* SPDX-License-Identifier: GPL-2.0 */
/* The overlay file system, of which container images are made. */
#pragma once

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/*
 * An overlay's inode is followed by its dentry in the upper layer, when there is one. Where the overlay module is not loaded
 * (yet) its layout is not known: the field stands right behind the inode in all versions up to 6.18.
 */
static __always_inline bool in_upper_layer(struct inode *inode)
{
	void *upper = NULL;
	__u64 offset;

	if (BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return false;
	if (bpf_core_field_exists(struct ovl_inode, __upperdentry))
		offset = bpf_core_field_offset(struct ovl_inode, __upperdentry) -
			 bpf_core_field_offset(struct ovl_inode, vfs_inode);
	else
		offset = bpf_core_type_size(struct inode);
	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + offset);
	return upper != NULL;
}
