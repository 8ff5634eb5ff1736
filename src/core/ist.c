/* SPDX-License-Identifier: MIT
 *
 * ist: see ist.h.
 */
#include "core/ist.h"

#include <stdio.h>

day_t day_from_civil(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year;
	int era = (y >= 0 ? y : y - 399) / 400;
	int yoe = y - era * 400;
	int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

void day_to_civil(day_t d, int *year, int *month, int *day)
{
	int z = d + 719468;
	int era = (z >= 0 ? z : z - 146096) / 146097;
	int doe = z - era * 146097;
	int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

enum weekday day_weekday(day_t d)
{
	int w = (d + 4) % 7; /* 1970-01-01 was a Thursday */

	return (enum weekday)(w < 0 ? w + 7 : w);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* An instant from the wire may be any number; years 0 to 9999 keep all sums in range. */
static int64_t local_ms(int64_t ms)
{
	const int64_t lo = -62167219200000ll; /* 0000-01-01 */
	const int64_t hi = 253402300799999ll; /* 9999-12-31 */

	if (ms < lo - IST_OFFSET_MS)
		return lo;
	return ms > hi - IST_OFFSET_MS ? hi : ms + IST_OFFSET_MS;
}

day_t ist_day(int64_t ms)
{
	return (day_t)floor_div(local_ms(ms), DAY_MS);
}

int64_t ist_ms_of_day(int64_t ms)
{
	return local_ms(ms) - ist_day(ms) * DAY_MS;
}

int64_t ist_instant(day_t d, int64_t ms_of_day)
{
	return (int64_t)d * DAY_MS - IST_OFFSET_MS + ms_of_day;
}

void ist_split(int64_t ms, struct ist_time *out)
{
	day_t d = ist_day(ms);
	int64_t in_day = ist_ms_of_day(ms);

	day_to_civil(d, &out->year, &out->month, &out->day);
	out->weekday = day_weekday(d);
	out->hour = (int)(in_day / 3600000);
	out->minute = (int)(in_day / 60000 % 60);
	out->second = (int)(in_day / 1000 % 60);
	out->ms = (int)(in_day % 1000);
}

const char *ist_format(int64_t ms, char out[IST_TEXT])
{
	struct ist_time t;

	ist_split(ms, &t);
	snprintf(out, IST_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%03u+05:30",
		 (unsigned)t.year % 10000, (unsigned)t.month % 100, (unsigned)t.day % 100,
		 (unsigned)t.hour % 100, (unsigned)t.minute % 100, (unsigned)t.second % 100,
		 (unsigned)t.ms % 1000);
	return out;
}

const char *day_format(day_t d, char out[IST_TEXT])
{
	int y, m, day;

	day_to_civil(d, &y, &m, &day);
	snprintf(out, IST_TEXT, "%04u-%02u-%02u", (unsigned)y % 10000, (unsigned)m % 100,
		 (unsigned)day % 100);
	return out;
}

/* Exactly `digits` decimal digits; -1 otherwise. */
static int number(const char *text, int digits)
{
	int v = 0;

	for (int i = 0; i < digits; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		v = v * 10 + (text[i] - '0');
	}
	return v;
}

bool day_parse(const char *text, size_t len, day_t *out)
{
	int y, m, d, y2, m2, d2;
	day_t day;

	if (len != 10 || text[4] != '-' || text[7] != '-')
		return false;
	y = number(text, 4);
	m = number(text + 5, 2);
	d = number(text + 8, 2);
	if (y < 0 || m < 1 || m > 12 || d < 1 || d > 31)
		return false;
	day = day_from_civil(y, m, d);
	day_to_civil(day, &y2, &m2, &d2);
	if (y2 != y || m2 != m || d2 != d)
		return false; /* 30 February comes back as 2 March */
	*out = day;
	return true;
}

bool ist_parse(const char *text, size_t len, int64_t *ms)
{
	day_t day;
	int h, m, s = 0, milli = 0;
	size_t i = 16;
	int64_t offset = IST_OFFSET_MS;

	if (len < 16 || !day_parse(text, 10, &day) || text[10] != 'T' || text[13] != ':')
		return false;
	h = number(text + 11, 2);
	m = number(text + 14, 2);
	if (len >= i + 3 && text[i] == ':') {
		s = number(text + i + 1, 2);
		i += 3;
		if (len >= i + 4 && text[i] == '.') {
			milli = number(text + i + 1, 3);
			i += 4;
		}
	}
	if (h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59 || milli < 0)
		return false;
	if (len == i + 1 && text[i] == 'Z') {
		offset = 0;
	} else if (len == i + 6) {
		const char *z = "+05:30";

		for (size_t k = 0; k < 6; k++) {
			if (text[i + k] != z[k])
				return false;
		}
	} else if (len != i) {
		return false;
	}
	*ms = (int64_t)day * DAY_MS - offset + ((h * 60ll + m) * 60 + s) * 1000 + milli;
	return true;
}
