/* SPDX-License-Identifier: MIT
 *
 * tickets: see tickets.h.
 */
#include "auth/tickets.h"

#include <string.h>

#include "core/secret.h"
#include "core/rand.h"

static void ticket_wipe(struct ticket *ticket)
{
	explicit_bzero(ticket, sizeof(*ticket));
}

bool tickets_issue(struct tickets *t, uint64_t holder, mono_ns now, uint64_t life_ns,
		   char text[TICKET_LEN + 1])
{
	struct ticket *place = NULL;
	unsigned own = 0;

	for (size_t i = 0; i < TICKETS_MAX; i++) {
		struct ticket *ticket = &t->all[i];

		if (ticket->text[0] && now >= ticket->expires_ns)
			ticket_wipe(ticket);
		if (!ticket->text[0])
			place = place ? place : ticket;
		else if (ticket->holder == holder)
			own++;
	}
	if (!place || own >= TICKETS_PER_HOLDER)
		return false;
	rand_hex(place->text, TICKET_LEN / 2);
	place->holder = holder;
	place->expires_ns = now + life_ns;
	memcpy(text, place->text, sizeof(place->text));
	return true;
}

bool tickets_redeem(struct tickets *t, const char *text, mono_ns now, uint64_t *holder)
{
	struct ticket *found = NULL;
	bool is_good;

	if (strlen(text) != TICKET_LEN)
		return false;
	for (size_t i = 0; i < TICKETS_MAX; i++) {
		if (secret_is_equal(t->all[i].text, text, TICKET_LEN))
			found = &t->all[i];
	}
	if (!found)
		return false;
	is_good = now < found->expires_ns;
	*holder = found->holder;
	ticket_wipe(found);
	return is_good;
}
