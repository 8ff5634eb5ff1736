# agnidata: one makefile, no configure step. `make help` prints the targets.

# ---- what to build -----------------------------------------------------------------------------
# FLAVOUR picks compiler flags and a folder of its own under build/.
FLAVOUR ?= release
B       := build/$(FLAVOUR)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
        -Wvla -Wformat=2
BASE := -std=c17 -D_GNU_SOURCE -Isrc -Iinclude -g -fno-omit-frame-pointer
OPT_release := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
# One file is arithmetic in vectors: blends instead of branches, a multiply and an add fused.
VECTOR_CFLAGS := -O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast
OPT_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
OPT_fuzz    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LD_release  := -pie -Wl,-z,relro,-z,now
LD_asan     := -fsanitize=address,undefined
LD_fuzz     := -fsanitize=address,undefined
ifeq ($(FLAVOUR),fuzz)
CC := clang
endif
ifeq ($(STRICT),1)
WARN += -Werror
endif

include third_party/llhttp.mk

PKGS    := libuv libwebsockets hiredis libcjson libprotobuf-c zlib
# Debian 12 has no .pc file for mbedtls.
MBEDTLS := $(shell pkg-config --exists mbedtls mbedx509 mbedcrypto 2>/dev/null && \
             pkg-config --libs mbedtls mbedx509 mbedcrypto || echo -lmbedtls -lmbedx509 -lmbedcrypto)

CFLAGS  ?=
ALL_CFLAGS = $(BASE) $(WARN) $(OPT_$(FLAVOUR)) $(DEP_CFLAGS) $(CFLAGS)
DEP_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS    := $(shell pkg-config --libs $(PKGS) 2>/dev/null) $(MBEDTLS) $(LLHTTP_LIBS) -lm -lpthread

SRC     := $(filter-out src/main.c,$(wildcard src/*/*.c))
OBJ     := $(SRC:%.c=$(B)/%.o) $(B)/src/dashboard/assets.o $(B)/gen/feed.pb-c.o \
           $(patsubst %.c,$(B)/llhttp/%.o,$(notdir $(LLHTTP_SRC)))
LIB     := $(B)/libagni.a

TESTLIB := $(patsubst %.c,$(B)/%.o,$(wildcard test/lib/*.c))
TESTS   := $(patsubst test/%.c,$(B)/test/%,$(wildcard test/unit/*.c test/module/*.c))
FUZZERS := $(patsubst test/fuzz/%.c,$(B)/fuzz/%,$(wildcard test/fuzz/*.c))
BENCHES := $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/*.c))
# What benchmarks share, and the parts of bench_fanout.
BENCHLIB := $(patsubst %.c,$(B)/%.o,$(wildcard bench/lib/*.c)) \
            $(patsubst %,$(B)/test/lib/%.o,chain_made data quotes tls_files)
FANOUT  := $(patsubst %.c,$(B)/%.o,$(wildcard bench/fanout/*.c) test/lib/ws_accept.c)

.PHONY: all help run test quick bench soak asan fuzz lint format tests benches fuzzers objects clean \
        check-deps
.DEFAULT_GOAL := all
# Objects of tests are kept, though only a chain of rules names them.
.PRECIOUS: $(B)/%.o

all: check-deps agnidata ## build ./agnidata

agnidata: $(B)/agnidata
	@cp -f $< $@

$(B)/agnidata: $(B)/src/main.o $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(LIBS) $(LDFLAGS)

$(LIB): $(OBJ)
	@rm -f $@
	@$(AR) qcs $@ $^

$(B)/%.o: %.c | $(B)/gen/feed.pb-c.h
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(ALL_CFLAGS) $(if $(filter src/http/%,$<),$(LLHTTP_CFLAGS)) -I$(B)/gen \
	  $(if $(filter src/options/batch.c,$<),$(VECTOR_CFLAGS)) -MMD -MP -c -o $@ $<

$(B)/src/dashboard/assets.o: src/dashboard/assets.S src/dashboard/page.html
	@mkdir -p $(@D)
	@$(CC) -c -o $@ $<

# The schema in the tree is ours; the C that protoc-c makes of it is not held to our warnings.
$(B)/gen/feed.pb-c.c $(B)/gen/feed.pb-c.h &: src/upstox/feed.proto
	@mkdir -p $(B)/gen
	@echo "  PROTO $<"
	@protoc-c --proto_path=src/upstox --c_out=$(B)/gen feed.proto 2>$(B)/gen/protoc.log || \
	  { cat $(B)/gen/protoc.log >&2; exit 1; }

$(B)/gen/%.o: $(B)/gen/%.c
	@$(CC) $(BASE) $(OPT_$(FLAVOUR)) $(DEP_CFLAGS) -w -c -o $@ $<

$(B)/llhttp/%.o: $(firstword $(dir $(firstword $(LLHTTP_SRC))))%.c
	@mkdir -p $(@D)
	@$(CC) $(BASE) $(OPT_$(FLAVOUR)) $(LLHTTP_CFLAGS) -w -c -o $@ $<

tests: $(TESTS)
$(B)/test/%: $(B)/test/%.o $(TESTLIB) $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(LIBS) -lcmocka $(LDFLAGS)

benches: $(BENCHES)
$(BENCHLIB) $(FANOUT) $(BENCHES:=.o): BASE += -Ibench
$(B)/bench/bench_fanout: $(FANOUT)
$(B)/bench/%: $(B)/bench/%.o $(BENCHLIB) $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $(filter %.o,$^) $(LIB) $(LIBS) $(LDFLAGS)

fuzzers: $(FUZZERS)
$(B)/fuzz/%: $(B)/test/fuzz/%.o $(LIB)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	@$(CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)

# All that is ours, compiled and not linked: what test/lint/warnings.sh looks at.
objects: $(patsubst %.c,$(B)/%.o,$(SRC) src/main.c $(wildcard test/*/*.c bench/*.c bench/*/*.c))

-include $(OBJ:.o=.d) $(TESTS:=.d) $(TESTLIB:.o=.d) $(BENCHES:=.d) $(BENCHLIB:.o=.d) \
         $(FANOUT:.o=.d) $(B)/src/main.d

# ---- what to do with it --------------------------------------------------------------------------
# One line per library that is not there, with the package that brings it.
check-deps:
	@command -v pkg-config >/dev/null || { echo "missing: pkg-config (package pkg-config)"; exit 1; }
	@command -v protoc-c >/dev/null || { echo "missing: protoc-c (Debian: protobuf-c-compiler)"; exit 1; }
	@ok=yes; for p in libuv:libuv1-dev libwebsockets:libwebsockets-dev hiredis:libhiredis-dev \
	   libcjson:libcjson-dev libprotobuf-c:libprotobuf-c-dev zlib:zlib1g-dev; do \
	   pkg-config --exists "$${p%%:*}" || { echo "missing: $${p%%:*} (Debian: $${p##*:})"; ok=; }; done; \
	 printf '#include <mbedtls/ssl.h>\nint main(void){return 0;}\n' | \
	   $(CC) -x c -fsyntax-only - 2>/dev/null || { echo "missing: mbedtls (Debian: libmbedtls-dev)"; ok=; }; \
	 [ -z "$(LLHTTP_MISSING)" ] || { ok=; \
	   echo "missing: llhttp (Debian 13: libllhttp-dev; Debian 12: node-llhttp; or LLHTTP_DIR=)"; }; \
	 [ -n "$$ok" ] || { echo "on Debian: sh third_party/setup"; exit 1; }

run: all ## build and start on the simulated exchange
	./agnidata --config etc/agni.ini

test: ## the whole gate: tests, sanitizers, lints, short fuzzing
	python3 test/gate.py

quick: ## unit, module and end-to-end tests of the release build only
	python3 test/gate.py quick

asan: ## unit and module tests under ASan and UBSan
	python3 test/gate.py asan

bench: all ## measure: decode, book, tape, fan-out, wire to frame
	@$(MAKE) --no-print-directory benches
	@for b in $(BENCHES); do echo "== $${b##*/}"; $$b || exit 1; done

soak: all ## the long ones: faults under flow for minutes
	python3 test/soak.py

fuzz: ## each fuzz target for FUZZ_S seconds (60)
	python3 test/gate.py fuzz

lint: ## format, layers, configuration, warnings of gcc and clang
	python3 test/gate.py lint

format: ## lay the code out by .clang-format
	clang-format -i $$(git ls-files '*.c' '*.h')

clean: ## remove everything that was built
	rm -rf build agnidata

help: ## print this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12
