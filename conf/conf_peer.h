/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a [Peer] section in the parser, and of a peer. Internal to conf/. */
#ifndef WGDP_CONF_PEER_H
#define WGDP_CONF_PEER_H

#include "conf_parser.h"

/* Appends a peer for the section that begins at p->line and makes it p->peer. False: no memory,
 * which is reported. */
bool conf_peer_open(struct conf_parser *p);

/* The comment of the line [Peer], of a line of its own in the section, and the next key in it: which of them name p->peer says
 * conf.h. Nothing without p->peer. */
void conf_peer_heading(struct conf_parser *p, struct conf_text comment);
void conf_peer_comment(struct conf_parser *p, struct conf_text comment);
void conf_peer_key(struct conf_parser *p);

/*
 * Ends the section of p->peer, if there is one. A peer without a public key goes. One whose key an
 * earlier section had takes that section's place: it inherits what it does not set itself, except
 * the allowed IPs, which wg(8) setconf replaces.
 */
void conf_peer_close(struct conf_parser *p);

/* Closes the gaps that replaced peers left. Peers keep the order of their last sections. */
void conf_peer_pack(struct conf *c);

/* Wipes what the peer holds; the struct is zeros after. */
void conf_peer_free(struct conf_peer *peer);

#endif
