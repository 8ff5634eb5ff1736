/* SPDX-License-Identifier: MIT
 *
 * file_server: a process of its own that answers every HTTP request with one of two bodies, so that its
 * time is not the measured loop's.
 */
#ifndef AGNI_BENCH_FILE_SERVER_H
#define AGNI_BENCH_FILE_SERVER_H

#include <sys/types.h>

struct file_server {
	pid_t pid;
	int port; /* of 127.0.0.1 */
};

/* Forks: before any thread is there. "/packed" is answered with the bytes of the gzip file, "/plain" with what
 * is in it. Ends the program when that cannot be. */
struct file_server file_server_start(const char *path);
void file_server_stop(const struct file_server *s);

#endif
