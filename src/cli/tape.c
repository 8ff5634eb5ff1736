/* SPDX-License-Identifier: MIT
 *
 * tape: see tape.h. Arguments, and the two commands that tell about a tape.
 */
#include "cli/tape.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/tape_internal.h"
#include "core/ist.h"
#include "tape/codec.h"

static const char help[] =
	"agnidata tape info   PATH                     what is in it, file by file\n"
	"agnidata tape verify PATH                     read every byte; exit code 1 when damaged\n"
	"agnidata tape dump   PATH [--format json|csv] [--from X] [--to X]   every tick, a line "
	"each\n"
	"agnidata tape cut    PATH --out DIR [--from X] [--to X]   a part, as a tape of its own\n"
	"agnidata tape import FILE --out DIR           a recording (.csv, .csv.gz, .pbs, .pbs.gz)\n"
	"\n"
	"PATH is a folder of segments (var/tape/sim) or one segment. X is a seq or a market time\n"
	"(2025-12-15T09:15:00); both ends are included. Output goes to the folder SOURCE in DIR;\n"
	"--source names it (cut: that of the original, import: import).\n";

int tape_failed(const struct agni_err *err)
{
	fprintf(stderr, "agnidata tape: %s\n", err->text);
	return 1;
}

static bool is_above(const struct tape_bound *b, uint64_t seq, int64_t ts_ms)
{
	return b->is_time ? ts_ms > b->ms : seq > b->seq;
}

static bool is_below(const struct tape_bound *b, uint64_t seq, int64_t ts_ms)
{
	return b->is_time ? ts_ms < b->ms : seq < b->seq;
}

bool tape_in_range(const struct tape_args *a, uint64_t seq, int64_t ts_ms)
{
	return !(a->from.is_set && is_below(&a->from, seq, ts_ms)) &&
	       !(a->to.is_set && is_above(&a->to, seq, ts_ms));
}

/* --- info and verify ------------------------------------------------------------------------- */

static void print_times(const struct segment_scan *s)
{
	char first[IST_TEXT], last[IST_TEXT];

	if (s->first_ms)
		printf("  %s .. %s\n", ist_format(s->first_ms, first),
		       ist_format(s->last_ms, last));
}

static const char *state_of(const struct segment_scan *s)
{
	if (!s->has_header)
		return s->file_bytes < sizeof(s->header) ? "empty" : "DAMAGED header";
	if (s->damages)
		return "DAMAGED";
	if (s->torn_bytes)
		return "torn at the end";
	return s->is_closed ? "closed" : "open";
}

struct sum {
	uint64_t files, bytes, blocks, ticks, controls, damaged;
};

static int tell_file(const char *path, struct sum *sum)
{
	struct segment_scan s;
	int rc = segment_scan(path, &s);

	if (rc < 0) {
		fprintf(stderr, "agnidata tape: %s: %s\n", path, agni_strerror(rc));
		return rc;
	}
	printf("%s: %s, %llu bytes, epoch %016llx, seq %llu .. %llu, %llu messages, %llu ticks, "
	       "%llu control records, source %.16s\n",
	       path, state_of(&s), (unsigned long long)s.file_bytes,
	       (unsigned long long)s.header.epoch, (unsigned long long)s.header.first_seq,
	       (unsigned long long)(s.next_seq ? s.next_seq - 1 : 0), (unsigned long long)s.blocks,
	       (unsigned long long)s.ticks, (unsigned long long)s.controls, s.header.source);
	print_times(&s);
	if (s.damages)
		printf("  %llu damaged places, the first at byte %llu\n",
		       (unsigned long long)s.damages, (unsigned long long)s.damage_at);
	if (s.torn_bytes)
		printf("  the last %llu bytes are a write that was not finished\n",
		       (unsigned long long)s.torn_bytes);
	sum->files++;
	sum->bytes += s.file_bytes;
	sum->blocks += s.blocks;
	sum->ticks += s.ticks;
	sum->controls += s.controls;
	sum->damaged += s.damages > 0;
	segment_scan_fini(&s);
	return 0;
}

static int tell_all(const struct tape_args *a, struct sum *sum)
{
	struct tape_reader r;
	struct agni_err err;
	const char *path, *end;

	if (tape_reader_open(&r, a->path, &err) < 0)
		return tape_failed(&err);
	end = r.paths.data + r.paths.len;
	for (path = r.paths.data; path < end; path += strlen(path) + 1) {
		if (tell_file(path, sum) < 0)
			sum->damaged++;
	}
	tape_reader_close(&r);
	printf("%llu files, %llu bytes, %llu messages, %llu ticks, %.1f bytes per tick\n",
	       (unsigned long long)sum->files, (unsigned long long)sum->bytes,
	       (unsigned long long)sum->blocks, (unsigned long long)sum->ticks,
	       sum->ticks ? (double)sum->bytes / (double)sum->ticks : 0.0);
	return 0;
}

int tape_info(const struct tape_args *a)
{
	struct sum sum = {0};

	return tell_all(a, &sum);
}

/* Ticks that do not decode, or whose instrument has no key, although the checksums are right. */
static uint64_t count_bad_ticks(struct tape_reader *r)
{
	static struct quote q;
	struct tape_record rec;
	struct tape_block b;
	struct tape_item item;
	uint64_t bad = 0;

	while (tape_reader_next(r, &rec)) {
		uint64_t end = rec.head.seq + rec.head.ticks;

		if (rec.head.type != TAPE_BLOCK)
			continue;
		if (!tape_block_open(&b, &rec)) {
			bad += rec.head.ticks;
			continue;
		}
		while (tape_block_next(&b, &item))
			bad += !tape_tick_decode(item.bytes, item.len, b.times.ts_ms, &q) ||
			       !tape_reader_key(r, item.instrument);
		bad += end - b.seq;
	}
	return bad;
}

int tape_verify(const struct tape_args *a)
{
	struct sum sum = {0};
	struct tape_reader r;
	struct agni_err err;
	uint64_t bad;
	int rc = tell_all(a, &sum);

	if (rc != 0)
		return rc;
	if (tape_reader_open(&r, a->path, &err) < 0)
		return tape_failed(&err);
	bad = count_bad_ticks(&r);
	tape_reader_close(&r);
	if (bad)
		printf("%llu ticks do not decode\n", (unsigned long long)bad);
	printf("%s\n", sum.damaged || bad ? "DAMAGED" : "sound");
	return sum.damaged || bad;
}

/* --- arguments -------------------------------------------------------------------------------- */

static bool parse_time(const char *text, int64_t *ms)
{
	return ist_parse(text, strlen(text), ms);
}

static bool parse_bound(const char *text, struct tape_bound *b)
{
	char *end;

	*b = (struct tape_bound){.is_set = true};
	if (strchr(text, 'T')) {
		b->is_time = true;
		return parse_time(text, &b->ms);
	}
	b->seq = strtoull(text, &end, 10);
	return end != text && *end == '\0';
}

/* "--name value"; false when it is none of ours. */
static bool parse_option(struct tape_args *a, const char *name, const char *value)
{
	if (strcmp(name, "--out") == 0)
		a->out = value;
	else if (strcmp(name, "--source") == 0)
		a->source = value;
	else if (strcmp(name, "--from") == 0)
		return parse_bound(value, &a->from);
	else if (strcmp(name, "--to") == 0)
		return parse_bound(value, &a->to);
	else if (strcmp(name, "--format") == 0 && strcmp(value, "csv") == 0)
		a->is_csv = true;
	else
		return strcmp(name, "--format") == 0 && strcmp(value, "json") == 0;
	return true;
}

/* Tells what does not read. */
static bool parse_args(struct tape_args *a, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) == 0) {
			const char *value = i + 1 < argc ? argv[i + 1] : "";

			if (i + 1 >= argc || !parse_option(a, argv[i], value)) {
				fprintf(stderr, "agnidata tape: %s \"%s\" does not read\n\n",
					argv[i], value);
				return false;
			}
			i++;
		} else if (a->path) {
			fprintf(stderr, "agnidata tape: one path, not \"%s\" too\n\n", argv[i]);
			return false;
		} else {
			a->path = argv[i];
		}
	}
	if (!a->path)
		fprintf(stderr, "agnidata tape: a path is missing\n\n");
	return a->path != NULL;
}

int tape_command(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct tape_args *a);
		bool writes;
	} commands[] = {
		{"info", tape_info, false},    {"verify", tape_verify, false},
		{"dump", tape_dump, false},    {"cut", tape_cut, true},
		{"import", tape_import, true},
	};
	struct tape_args a = {0};

	if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
		fputs(help, stdout);
		return 0;
	}
	for (size_t i = 0; argc > 0 && i < ARRAY_LEN(commands); i++) {
		if (strcmp(argv[0], commands[i].name) != 0)
			continue;
		if (!parse_args(&a, argc - 1, argv + 1))
			break;
		if ((a.out != NULL) == commands[i].writes)
			return commands[i].run(&a);
		fprintf(stderr, "agnidata tape: %s %s --out DIR\n\n", argv[0],
			a.out ? "takes no" : "needs");
		break;
	}
	fputs(help, stderr);
	return 2;
}
