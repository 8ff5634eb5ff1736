/* SPDX-License-Identifier: MIT
 *
 * audit_command: `agnidata audit verify` and `agnidata audit show`.
 */
#ifndef AGNI_CLI_AUDIT_COMMAND_H
#define AGNI_CLI_AUDIT_COMMAND_H

/* `argv` begins behind "audit". Returns the exit code: 0 the log is sound, 1 it is not or cannot be
 * read, 2 usage or configuration. */
int audit_command(int argc, char **argv);

#endif
