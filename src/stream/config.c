/* SPDX-License-Identifier: MIT
 *
 * config: what section [stream] may say; see stream.h.
 */
#include "stream/stream.h"

const struct config_key stream_config_keys[] = {
	CONFIG_STR(struct stream_config, listen, "127.0.0.1:8080", "",
		   "address of the WebSocket server"),
	CONFIG_STR(struct stream_config, tls_cert, "", "",
		   "PEM file with its certificate and what signs it; empty = plain ws; SIGHUP "
		   "reads the file again"),
	CONFIG_STR(struct stream_config, tls_key, "", "", "PEM file with the key, RSA or ECDSA"),
	CONFIG_STR(
		struct stream_config, origins, "", "",
		"further web origins that may connect, separated by commas (https://desk.example)"),
	CONFIG_INT(struct stream_config, max_clients, 10000, 1, 1000000, "",
		   "most connections; more are answered 503"),
	CONFIG_INT(struct stream_config, max_subscriptions, 5000, 1, 100000, "",
		   "most instruments of one client"),
	CONFIG_INT(struct stream_config, message_max_bytes, 262144, 1024, 16777216, "bytes",
		   "largest command of a client; more closes with 1009"),
	CONFIG_INT(struct stream_config, commands_per_s, 50, 1, 100000, "1/s",
		   "commands a client may send, twice as many in a burst; more closes with 4009"),
	CONFIG_INT(struct stream_config, stall_ms, 10000, 100, 600000, "ms",
		   "a client whose socket takes nothing for so long is closed with 4008"),
	CONFIG_INT(struct stream_config, heartbeat_s, 15, 1, 3600, "s",
		   "a quiet client gets a heartbeat with the newest seq"),
	CONFIG_INT(struct stream_config, ping_s, 25, 1, 3600, "s", "idle time until a ping"),
	CONFIG_INT(struct stream_config, pong_s, 10, 1, 3600, "s",
		   "and how much longer until the client is taken for dead"),
	CONFIG_INT(struct stream_config, sndbuf_bytes, 0, 0, 16777216, "bytes",
		   "kernel send buffer of a client; 0 = the system's"),
	CONFIG_INT(
		struct stream_config, feed_hold_ms, 500, 0, 10000, "ms",
		"a new client of the broker's protocol gets its first message so long after it "
		"connected: the broker's SDKs lose what comes before they have read their schema"),
	CONFIG_BOOL(struct stream_config, deflate, "off",
		    "offer permessage-deflate to clients that ask for it"),
	{0},
};
