/* SPDX-License-Identifier: BSD-3-Clause */
#include "keytool.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "conf.h"
#include "noise.h"
#include "x25519.h"

static int print_key(const uint8_t key[WG_KEY_LEN])
{
	char b64[CONF_KEY_B64_LEN + 1];
	int ok;

	conf_key_encode(b64, key);
	ok = puts(b64) >= 0 && fflush(stdout) == 0;
	OPENSSL_cleanse(b64, sizeof(b64));
	if (!ok)
		perror("wgdp: cannot write the key");
	return ok ? 0 : 1;
}

static int generate(bool private_key)
{
	uint8_t key[WG_KEY_LEN];
	struct stat st;
	int rc;

	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & S_IRWXO)
		fputs("wgdp: warning: writing to a world accessible file; set the umask to 077 and try again\n", stderr);
	if (RAND_priv_bytes(key, sizeof(key)) != 1) {
		fputs("wgdp: no random numbers to be had\n", stderr);
		return 1;
	}
	if (private_key)
		x25519_clamp(key);
	rc = print_key(key);
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

static int public_from_stdin(void)
{
	struct noise_identity id = { .valid = false };
	uint8_t key[WG_KEY_LEN];
	char text[CONF_KEY_B64_LEN + 2];
	size_t n = fread(text, 1, sizeof(text), stdin);
	int rc = 1;

	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	while (n <= CONF_KEY_B64_LEN && !feof(stdin)) {	/* nothing but white space may follow */
		int c = getchar();

		if (c != EOF && !isspace(c))
			n = sizeof(text);
	}
	if (!conf_key_decode(key, text, n))
		fputs("wgdp: not a key on standard input: 44 characters of base64 expected\n", stderr);
	else if (!noise_identity_set(&id, key))
		fputs("wgdp: libcrypto failed\n", stderr);
	else
		rc = print_key(id.public_key);
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(&id, sizeof(id));
	return rc;
}

int keytool_run(const char *command)
{
	if (!strcmp(command, "genkey"))
		return generate(true);
	if (!strcmp(command, "genpsk"))
		return generate(false);
	if (!strcmp(command, "pubkey"))
		return public_from_stdin();
	return -1;
}
