/* SPDX-License-Identifier: MIT
 *
 * fuzz_control: any bytes as a client's request. What is taken is written and read again.
 */
#include <stdlib.h>

#include "upstox/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request r, again;
	struct buf out = {0};

	if (control_parse(&r, (const char *)data, size, NULL) != 0)
		return 0;
	control_write(&out, r.method, r.mode, r.keys, r.keys_n);
	if (control_parse(&again, out.data, out.len, NULL) != 0)
		abort();
	if (again.method != r.method || again.keys_n != r.keys_n ||
	    again.mode != (r.method == CONTROL_UNSUB ? MODE_LTPC : r.mode))
		abort();
	for (uint32_t i = 0; i < r.keys_n; i++)
		if (strcmp(r.keys[i], again.keys[i]) != 0)
			abort();
	control_fini(&again);
	control_fini(&r);
	buf_fini(&out);
	return 0;
}
