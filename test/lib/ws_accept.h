/* SPDX-License-Identifier: MIT
 *
 * ws_accept: Sec-WebSocket-Accept (RFC 6455, 4.2.2) with a SHA-1 of its own.
 */
#ifndef AGNI_TEST_WS_ACCEPT_H
#define AGNI_TEST_WS_ACCEPT_H

/* `key`: the 24 characters of Sec-WebSocket-Key. `out` gets 28 characters and a NUL. */
void ws_accept_value(const char *key, char out[29]);

#endif
