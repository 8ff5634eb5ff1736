/* SPDX-License-Identifier: MIT
 *
 * address: where Redis is, as IP addresses; internal to the store, declared in connection.h.
 *
 * hiredis resolves names with a call that blocks, so it is only ever given an address. A name is
 * asked again for each round of attempts: the service behind it may have moved.
 */
#include "store/connection.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static bool is_literal(const char *host)
{
	unsigned char addr[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1;
}

static bool address_text(const struct sockaddr *sa, char *out, size_t cap)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		return inet_ntop(AF_INET, &v4.sin_addr, out, (socklen_t)cap) != NULL;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		return inet_ntop(AF_INET6, &v6.sin6_addr, out, (socklen_t)cap) != NULL;
	}
	return false;
}

static void address_resolve_done(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct connection *c = container_of(req, struct connection, resolve);

	c->is_resolving = false;
	for (const struct addrinfo *a = list; a && c->addresses_n < ADDRESSES_MAX; a = a->ai_next) {
		if (address_text(a->ai_addr, c->addresses[c->addresses_n], ADDRESS_TEXT))
			c->addresses_n++;
	}
	uv_freeaddrinfo(list);
	if (status < 0)
		connection_resolved(c, uv_strerror(status));
	else
		connection_resolved(c, c->addresses_n ? NULL : "its name has no address");
	connection_release(c);
}

void address_resolve(struct connection *c)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	int rc;

	c->addresses_n = 0;
	if (is_literal(c->url.host)) {
		snprintf(c->addresses[0], ADDRESS_TEXT, "%.*s", ADDRESS_TEXT - 1, c->url.host);
		c->addresses_n = 1;
		connection_resolved(c, NULL);
		return;
	}
	rc = uv_getaddrinfo(&c->loop->uv, &c->resolve, address_resolve_done, c->url.host, NULL,
			    &hints);
	if (rc < 0) {
		connection_resolved(c, uv_strerror(rc));
		return;
	}
	c->is_resolving = true;
	c->open++;
}

void address_of_socket(int fd, char *out, size_t cap)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char ip[ADDRESS_TEXT];
	uint16_t port; /* the same place in sockaddr_in and sockaddr_in6 */

	out[0] = '\0';
	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0 ||
	    !address_text((const struct sockaddr *)&ss, ip, sizeof(ip)))
		return;
	memcpy(&port, (const char *)&ss + offsetof(struct sockaddr_in, sin_port), sizeof(port));
	snprintf(out, cap, ss.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, ntohs(port));
}
