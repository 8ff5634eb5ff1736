# Finds llhttp and sets LLHTTP_CFLAGS, LLHTTP_LIBS, LLHTTP_SRC (C files to compile, when the
# distribution ships them instead of a library).
#   1. pkg-config libllhttp (Debian 13, newer Ubuntu, Fedora, Homebrew)
#   2. LLHTTP_DIR=, given by hand: a folder with api.c http.c llhttp.c and llhttp.h
#   3. the C files of Debian 12's node-llhttp
ifeq ($(shell pkg-config --exists libllhttp 2>/dev/null && echo yes),yes)
LLHTTP_CFLAGS := $(shell pkg-config --cflags libllhttp)
LLHTTP_LIBS   := $(shell pkg-config --libs libllhttp)
else ifneq ($(LLHTTP_DIR),)
LLHTTP_CFLAGS := -I$(LLHTTP_DIR)
LLHTTP_SRC    := $(addprefix $(LLHTTP_DIR)/,api.c http.c llhttp.c)
else ifneq ($(wildcard /usr/share/llhttp/llhttp.c),)
LLHTTP_CFLAGS := -I/usr/share/include/llhttp
LLHTTP_SRC    := $(addprefix /usr/share/llhttp/,api.c http.c llhttp.c)
else
LLHTTP_MISSING := yes
endif
# 8.1.0 is lax without it (bare CR, space before a colon ...); 9.x ignores it.
LLHTTP_CFLAGS += -DLLHTTP_STRICT_MODE=1
