/* SPDX-License-Identifier: MIT
 *
 * monitor: agnidata monitor: what a server keeps in Redis, live in a terminal.
 */
#ifndef AGNI_CLI_MONITOR_H
#define AGNI_CLI_MONITOR_H

/* Arguments behind "monitor". Returns the exit code: 0; 1 Redis could not be read; 2 usage. */
int monitor_command(int argc, char **argv);

#endif
