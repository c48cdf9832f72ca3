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

/* No stdio here: its buffers would keep the keys. */
static int print_key(const uint8_t key[WG_KEY_LEN])
{
	char line[CONF_KEY_B64_LEN + 1];
	ssize_t n;

	conf_key_encode(line, key);
	line[CONF_KEY_B64_LEN] = '\n';
	n = write(STDOUT_FILENO, line, sizeof(line));
	OPENSSL_cleanse(line, sizeof(line));
	if (n == sizeof(line))
		return 0;
	perror("wgdp: cannot write the key");
	return 1;
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

/* All of standard input, without the white space at its end; -1: longer than a key could be, or unreadable. */
static ssize_t read_key_text(char *text, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while (n < size && (r = read(STDIN_FILENO, text + n, size - n)) != 0) {
		if (r < 0)
			return -1;
		n += r;
	}
	if (n == size)
		return -1;
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	return n;
}

static int public_from_stdin(void)
{
	struct noise_identity id = { .valid = false };
	uint8_t key[WG_KEY_LEN];
	char text[256];
	ssize_t n = read_key_text(text, sizeof(text));
	int rc = 1;

	if (n < 0 || !conf_key_decode(key, text, n))
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
