/* SPDX-License-Identifier: MIT
 *
 * keep: the token in place goes to the vault, and what the vault has found comes back as a candidate.
 */
#include <stdio.h>

#include "token/token_internal.h"

void token_keep(struct token *t)
{
	struct seal_content c = {.generation = t->top,
				 .expires_ms = t->live.expires_ms,
				 .issued_ms = t->live.issued_ms,
				 .kind = (int)t->live.kind,
				 .origin = (int)t->live.origin};

	snprintf(c.account, sizeof(c.account), "%s", t->deps.cfg->account);
	snprintf(c.token, sizeof(c.token), "%s", t->bearer.text + strlen("Bearer "));
	vault_save(t->vault, &c);
	explicit_bzero(&c, sizeof(c));
}

static void set_kept(struct token *t, const struct seal_content *c)
{
	candidate_clear(&t->kept);
	secret_set(&t->kept.text, "", c->token);
	t->kept.kind = (enum token_kind)c->kind;
	t->kept.origin = (enum token_origin)c->origin;
	t->kept.issued_ms = c->issued_ms;
	t->kept.expires_ms = c->expires_ms;
	t->kept.generation = c->generation;
}

/* Redis may come minutes after us, and have what all wait for; or what an earlier run kept there,
 * under a number that the token in place has not reached. */
void token_on_found(void *arg, const struct seal_content *c)
{
	struct token *t = arg;

	if (t->is_stopping)
		return;
	if (c && c->generation > t->top)
		t->top = c->generation;
	if (c && t->bearer.text) {
		t->top++;
		token_keep(t);
		return;
	}
	if (c) {
		t->generation = t->top;
		set_kept(t, c);
	}
	if (t->boot_until && (c || t->state == TOKEN_BOOT))
		token_choose(t);
}

bool token_take_kept(struct token *t)
{
	bool ok = t->kept.text.text &&
		  (!t->kept.expires_ms || t->kept.expires_ms > token_wall_ms(t)) &&
		  !known_has(&t->refused, t->kept.text.text) && !t->bearer.text;

	if (!ok) {
		candidate_clear(&t->kept);
		return false;
	}
	candidate_clear(&t->candidate);
	t->candidate = t->kept;
	t->kept = (struct candidate){0};
	return true;
}
