/* SPDX-License-Identifier: MIT
 *
 * seal_command: `agnidata seal new`, `agnidata seal rotate` and `agnidata seal check`.
 */
#ifndef AGNI_CLI_SEAL_COMMAND_H
#define AGNI_CLI_SEAL_COMMAND_H

/* `argv` begins behind "seal". Returns the exit code: 0 done, 1 a file cannot be read or written, or
 * the record cannot be opened, 2 usage. */
int seal_command(int argc, char **argv);

#endif
