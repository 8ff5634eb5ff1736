/* SPDX-License-Identifier: MIT
 *
 * tape: agnidata tape info|dump|verify|cut|import.
 */
#ifndef AGNI_CLI_TAPE_H
#define AGNI_CLI_TAPE_H

/* Arguments behind "tape". Returns the exit code: 0; 1 what was asked for failed, or damage was
 * found; 2 usage. */
int tape_command(int argc, char **argv);

#endif
