/* SPDX-License-Identifier: MIT
 *
 * master_row: one row of the broker's instrument file: a flat JSON object.
 *
 *     {"weekly":true,"segment":"NSE_FO","expiry":1768328999000,"instrument_type":"CE",
 *      "instrument_key":"NSE_FO|40000","lot_size":65,"tick_size":5.0,"strike_price":25400.0,...}
 *
 * Members that are not needed are checked and passed over; new ones may come.
 */
#ifndef AGNI_UPSTOX_MASTER_ROW_H
#define AGNI_UPSTOX_MASTER_ROW_H

#include "market/master.h"

struct master_row_text {
	struct master_entry entry; /* texts are in `text` */
	char text[2048];
	size_t used;
};

/* False when it is not a JSON object, a member that is read has another type than it should or
 * comes twice, or its texts are longer than any that make sense. `null` counts as absent. Whether
 * the numbers make sense is the table's business. */
bool master_row_parse(const char *text, size_t len, struct master_row_text *out);

#endif
