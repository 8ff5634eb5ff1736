/* SPDX-License-Identifier: MIT
 *
 * csv: see csv.h.
 */
#include "csv.h"

#include "check.h"
#include "data.h"

int csv_each_row(const char *relative, void (*row)(char *field[8]))
{
	size_t len;
	char *text = data_read(relative, &len), *line, *lines;
	int n = 0;

	if (!text)
		data_skip(relative);
	lines = strchr(text, '\n') + 1;
	while ((line = strsep(&lines, "\n")) != NULL && *line) {
		char *field[8] = {0};

		line[strcspn(line, "\r")] = '\0';
		for (int i = 0; i < 8 && line; i++)
			field[i] = i < 7 ? strsep(&line, ",") : line;
		row(field);
		n++;
	}
	free(text);
	return n;
}

day_t csv_day(const char *text)
{
	day_t d;

	check(day_parse(text, 10, &d));
	return d;
}
