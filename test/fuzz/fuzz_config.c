/* SPDX-License-Identifier: MIT
 *
 * fuzz_config: any bytes as a configuration file and, up to the first newline, as --set.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sample {
	char *text;
	int64_t number;
	int64_t size;
	bool flag;
	int choice;
};

static const struct config_key keys[] = {
	CONFIG_STR(struct sample, text, "default", "", "text"),
	CONFIG_INT(struct sample, number, 1, -9, 9, "ms", "number"),
	CONFIG_INT(struct sample, size, 1024, 0, INT64_MAX, "bytes", "size"),
	CONFIG_BOOL(struct sample, flag, "on", "flag"),
	CONFIG_ENUM(struct sample, choice, "a", "a|bb|ccc", "choice"),
	{0},
};

/* A file in memory with these bytes; its path goes to `path`. */
static int memory_file(const uint8_t *data, size_t size, char path[64])
{
	int fd = memfd_create("ini", MFD_CLOEXEC);

	AGNI_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void check_sample(const struct sample *s)
{
	AGNI_ASSERT(s->text && s->number >= -9 && s->number <= 9 && s->size >= 0);
	AGNI_ASSERT(s->choice >= 0 && s->choice <= 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sample one = {0}, two = {0};
	const struct config_section sections[] = {
		{"one", keys, &one, "one"}, {"app.two", keys, &two, "two"}, {0}};
	struct buf problems = {0};
	struct agni_err err;
	char path[64], *set, host[64];
	int fd, port, count, lines = 0;

	config_defaults(sections);
	fd = memory_file(data, size, path);
	count = config_read_file(sections, path, &problems);
	for (size_t i = 0; i < problems.len; i++)
		lines += problems.data[i] == '\n';
	AGNI_ASSERT(lines == count);
	check_sample(&one);
	check_sample(&two);
	set = strndup((const char *)data, size < 100 ? size : 100);
	set[strcspn(set, "\n")] = '\0';
	if (config_set(sections, set, &err) < 0)
		AGNI_ASSERT(err.text[0]);
	check_sample(&two);
	if (config_parse_listen(set, host, &port))
		AGNI_ASSERT(host[0] && port >= 0 && port <= 65535);
	free(set);
	close(fd);
	buf_fini(&problems);
	config_fini(sections);
	return 0;
}
