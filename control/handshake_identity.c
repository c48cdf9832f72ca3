/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake_internal.h"

#include <string.h>

#include <openssl/crypto.h>

#include "cookie.h"
#include "keypairs.h"
#include "x25519.h"

void handshake_forget_initiation(struct peer *p)
{
	p->epoch++;
	if (p->handshake.state == NOISE_INITIATION_CREATED)
		sessions_release(&p->iface->dp->sessions, p->handshake.local_index);
	noise_handshake_clear(&p->handshake);
}

void handshake_forget_old_key(struct iface *i)
{
	x25519_forget();
	if (i->dp)
		dataplane_forget_keys(i->dp);
}

/* What the old key has brought about: a shared secret, an initiation, sessions. Whom we talk to is called anew, but not before the change is done. */
static void leave_identity(struct peer *p)
{
	const bool in_use = keypairs_usable(p);

	OPENSSL_cleanse(p->remote.static_static, WG_KEY_LEN);
	p->remote.static_static_known = false;
	handshake_forget_initiation(p);
	keypairs_stop_sending(p);
	p->initiation_ns = 0;
	if (in_use)
		handshake_initiate_soon(p);
	else
		iface_look_at(p);
}

void handshake_adopt_identity(struct iface *i, const struct noise_identity *id)
{
	i->identity = *id;
	i->identity_generation++;
	handshake_forget_old_key(i);
	cookie_checker_init(&i->checker, i->identity.public_key);
	for (struct peer *p = NULL; i->peers.n && (p = peers_next(&i->peers, p));)
		leave_identity(p);
}

void handshake_set_psk(struct peer *p, const uint8_t preshared_key[WG_KEY_LEN])
{
	memcpy(p->remote.preshared_key, preshared_key, WG_KEY_LEN);
	p->keys_generation++;
}
