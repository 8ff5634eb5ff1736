/* SPDX-License-Identifier: MIT
 *
 * key_command: `agnidata key add`, `agnidata key list` and `agnidata key revoke`.
 */
#ifndef AGNI_CLI_KEY_COMMAND_H
#define AGNI_CLI_KEY_COMMAND_H

/* `argv` begins behind "key". Returns the exit code: 0 done, 1 the file cannot be read or written,
 * 2 usage or configuration. */
int key_command(int argc, char **argv);

#endif
