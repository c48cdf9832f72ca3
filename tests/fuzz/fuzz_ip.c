/* SPDX-License-Identifier: BSD-3-Clause */
/* Inner packets: whatever the bytes, what ip_parse accepts lies inside them, and decapsulation touches only its header. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	uint8_t *data, ds;
	struct ip_view v;

	if (len < 1)
		return 0;
	ds = input[0];
	len--;
	data = malloc(len);	/* exactly as long as the packet: one byte too far is seen */
	if (!data)
		return 0;
	memcpy(data, input + 1, len);
	if (ip_parse(data, len, &v)) {
		unsigned int addr = v.version == 4 ? 4 : 16;

		if (v.len > len || v.src + addr > len || v.dst + addr > len)
			abort();
		ip_ecn_decapsulate(data, ds);
		if (ip_ecn(data) > ECN_MASK || memcmp(data + 12, input + 13, len - 12))
			abort();
	}
	free(data);
	return 0;
}
