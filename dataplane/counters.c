/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters.h"

const char *const drop_name[DROP_N] = {
#define X(symbol, name, text) [DROP_##symbol] = name,
	DROP_REASONS(X)
#undef X
};

const char *const stage_name[STAGE_N] = {
#define X(symbol, name, text) [STAGE_##symbol] = name,
	STAGES(X)
#undef X
};
