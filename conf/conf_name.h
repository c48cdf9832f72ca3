/* SPDX-License-Identifier: BSD-3-Clause */
/* The name of a peer out of a comment. Internal to conf/. */
#ifndef WGDP_CONF_NAME_H
#define WGDP_CONF_NAME_H

#include "conf_text.h"

/*
 * The part of a comment that names a peer, as conf.h has it, cut to CONF_NAME_LEN bytes between characters. Points into the
 * comment. Empty: the comment is none that names.
 */
struct conf_text conf_name_find(struct conf_text comment);

#endif
