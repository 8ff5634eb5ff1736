/* SPDX-License-Identifier: MIT
 *
 * lifetime: see lifetime.h.
 */
#include "token/lifetime.h"

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/ist.h"
#include "core/json.h"
#include "core/secret.h"

#define HOUR_MS        3600000ll
#define AT_0330_IST_MS (22 * HOUR_MS)  /* in UTC, of the date before */
#define SECONDS_BELOW  100000000000ll  /* less is a time in seconds: as ms it would be 1973 */
#define TIME_MAX_MS    253402300800000 /* the year 10000 */
#define CLAIMS_MAX     4096

int64_t lifetime_next_0330(int64_t ms)
{
	AGNI_ASSERT(ms >= 0);
	if (ms < AT_0330_IST_MS)
		return AT_0330_IST_MS;
	return ((ms - AT_0330_IST_MS) / DAY_MS + 1) * DAY_MS + AT_0330_IST_MS;
}

int64_t lifetime_daily(int64_t issued_ms, int64_t given_ms, int64_t ttl_h)
{
	int64_t end = lifetime_next_0330(issued_ms), ttl = issued_ms + ttl_h * HOUR_MS;

	if (ttl < end)
		end = ttl;
	if (given_ms > 0 && given_ms < end)
		end = given_ms;
	return end;
}

static int digit_of(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* base64url without padding (RFC 4648, 5). Returns the bytes written, or 0 when it is not that. */
static size_t base64url(const char *text, size_t len, char *out, size_t size)
{
	uint32_t bits = 0;
	size_t n = 0;
	int have = 0;

	for (size_t i = 0; i < len; i++) {
		int d = digit_of(text[i]);

		if (d < 0 || n == size)
			return 0;
		bits = bits << 6 | (uint32_t)d;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	return n;
}

int64_t lifetime_jwt_expiry(const char *token)
{
	const char *claims = strchr(token, '.'), *end = claims ? strchr(claims + 1, '.') : NULL;
	char text[CLAIMS_MAX];
	struct agni_err err;
	int64_t seconds = 0;
	size_t n;
	cJSON *json;

	if (!end)
		return 0;
	claims++;
	n = base64url(claims, (size_t)(end - claims), text, sizeof(text));
	json = n ? json_parse(text, n, &err) : NULL;
	if (!json || !json_int(json, "exp", &seconds) || seconds < 0 ||
	    seconds > TIME_MAX_MS / 1000)
		seconds = 0;
	cJSON_Delete(json);
	explicit_bzero(text, sizeof(text));
	return seconds * 1000;
}

static int64_t of_number(double v)
{
	if (!(v > 0) || v >= (double)TIME_MAX_MS)
		return -1;
	return v < (double)SECONDS_BELOW ? (int64_t)(v * 1000) : (int64_t)v;
}

/* Programs of other languages write fractions of any length and "+00:00" for "Z": made what
 * ist_parse takes. False when it does not fit. */
static bool usual_form(const char *text, char out[IST_TEXT + 8])
{
	const char *dot = strchr(text, '.');
	size_t head = dot ? (size_t)(dot - text) : strlen(text), n = 0;
	const char *rest = dot ? dot + 1 : "";

	if (strlen(text) > IST_TEXT)
		return false;
	if (!dot && head > 6 && strcmp(text + head - 6, "+00:00") == 0) {
		head -= 6;
		rest = "+00:00";
	}
	memcpy(out, text, head);
	if (dot) {
		size_t digits = strspn(rest, "0123456789");

		out[head++] = '.';
		for (; n < 3; n++)
			out[head++] = n < digits ? rest[n] : '0';
		rest += digits;
		if (digits == 0)
			return false;
	}
	strcpy(out + head, strcmp(rest, "+00:00") == 0 ? "Z" : rest);
	return true;
}

static int64_t of_text(const char *text)
{
	char usual[IST_TEXT + 8];
	size_t len = strlen(text);
	double v = 0;
	int64_t ms;

	if (len > 0 && len <= 15 && strspn(text, "0123456789") == len) {
		for (; *text; text++)
			v = v * 10 + (*text - '0');
		return of_number(v);
	}
	if (!usual_form(text, usual))
		return -1;
	return ist_parse(usual, strlen(usual), &ms) && ms > 0 ? ms : -1;
}

int64_t lifetime_parse(const cJSON *item)
{
	if (!item || cJSON_IsNull(item))
		return 0;
	if (cJSON_IsString(item))
		return item->valuestring[0] ? of_text(item->valuestring) : 0;
	return cJSON_IsNumber(item) ? of_number(item->valuedouble) : -1;
}
