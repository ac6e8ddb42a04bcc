# bisect-run: build, test, install. `make help` lists the targets; V=1 shows the commands.
# Variables: CC, CFLAGS, LDFLAGS, WERROR=-Werror, VARIANT=release|asan|fuzz or a name of your own (its folder in build/).
PREFIX ?= /usr/local
PKG_CONFIG ?= pkg-config
VARIANT ?= release
CFLAGS ?= -g
OUT := build/$(VARIANT)
Q := $(if $(V),,@)

GOALS := $(or $(MAKECMDGOALS),all)
PKGS := libgit2 libpcre2-8 sqlite3 jansson libdw zlib
TEST_PKGS := $(if $(filter test test-long unit valgrind asan bench,$(GOALS)),cmocka)
BUILDS := $(filter-out help demo deps clean lint format uninstall fuzz asan,$(GOALS))
ifneq ($(BUILDS)$(TEST_PKGS),)
ifneq ($(shell $(PKG_CONFIG) --exists $(PKGS) $(TEST_PKGS) 2>/dev/null && echo yes),yes)
$(error bisect-run needs pkg-config and the libraries $(strip $(PKGS) $(TEST_PKGS)): `make deps` installs what is missing, and so does `make demo`)
endif
endif

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Wundef -Wswitch-enum $(WERROR)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined
ifeq ($(VARIANT),asan)
TUNE := -O1 $(SANITIZE) -fno-omit-frame-pointer
LDTUNE := $(SANITIZE)
else ifeq ($(VARIANT),fuzz)
TUNE := -O1 $(SANITIZE) -fsanitize=fuzzer-no-link
LDTUNE := $(SANITIZE)
else
TUNE := -O2 -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE
LDTUNE := -pie -Wl,-z,relro,-z,now
endif
ALL_CFLAGS := -std=c17 -D_GNU_SOURCE $(WARN) $(TUNE) -Iinclude -iquote src -iquote tests \
	$(if $(BUILDS),$(shell $(PKG_CONFIG) --cflags $(PKGS))) $(CFLAGS) $(CPPFLAGS)
LIBS = $(shell $(PKG_CONFIG) --libs $(PKGS)) -lm
TEST_LIBS = $(shell $(PKG_CONFIG) --libs cmocka) $(LIBS)

# Objects of another compiler or other flags are made again.
ifneq ($(BUILDS),)
FLAGS := $(CC) $(ALL_CFLAGS)
ifneq ($(FLAGS),$(file <$(OUT)/flags))
$(shell mkdir -p $(OUT))
$(file >$(OUT)/flags,$(FLAGS))
endif
endif

SRC := $(filter-out src/app/main.c,$(wildcard src/*/*.c))
OBJ := $(SRC:%.c=$(OUT)/%.o)
UNIT := $(patsubst %.c,$(OUT)/%,$(wildcard tests/unit/test_*.c tests/property/prop_*.c))
LONG := $(patsubst %.c,$(OUT)/%,$(wildcard tests/long/*.c))
BENCH := $(patsubst %.c,$(OUT)/%,$(wildcard tests/bench/*.c))
FUZZ := $(patsubst %.c,$(OUT)/%,$(wildcard tests/fuzz/fuzz_*.c))
CLI := $(wildcard tests/cli/test_*.py)
CLI_LONG := $(wildcard tests/cli/long_*.py)
LIBRARY := $(OUT)/libbisect_run.a
PROGRAM := $(OUT)/bisect-run
ENV := BISECT_RUN=$(CURDIR)/$(PROGRAM)

.PHONY: all test test-long unit cli demo deps bench asan valgrind tidy lint fuzz format install uninstall clean help
.DELETE_ON_ERROR:
.SECONDARY:
all: $(PROGRAM) $(if $(filter release,$(VARIANT)),build/bisect-run) ## the program: build/bisect-run

build/bisect-run: $(PROGRAM)
	$(Q)ln -sfn $(VARIANT)/bisect-run $@

$(PROGRAM): $(OUT)/src/app/main.o $(LIBRARY)
	$(Q)$(CC) $(LDTUNE) $(LDFLAGS) -o $@ $^ $(LIBS)
	$(Q)ln -sfn ../hooks build/hooks

$(LIBRARY): $(OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OUT)/%.o: %.c $(OUT)/flags
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "  CC $<")
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/flags: ;

$(UNIT) $(BENCH) $(LONG): %: %.o $(LIBRARY)
	$(Q)$(CC) $(LDTUNE) $(LDFLAGS) -o $@ $^ $(TEST_LIBS)

$(FUZZ): %: %.o $(LIBRARY)
	$(Q)$(CC) $(LDTUNE) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

unit: $(UNIT) ## the unit and property tests alone
	$(Q)tests/run.sh $(UNIT)

cli: all ## the black-box tests alone
	$(Q)$(ENV) tests/run.sh $(CLI)

test: all $(UNIT) lint ## all tests (under five minutes on two cores)
	$(Q)$(ENV) tests/run.sh $(UNIT) $(CLI)

TOPOLOGY := $(wildcard ../shared/data/topology/git-v2.40.0.txt.xz)
test-long: all $(UNIT) $(LONG) ## the tests that take longer: more seeds, simulations, real git beside us
	$(Q)$(if $(TOPOLOGY),xz -dc $(TOPOLOGY) >$(OUT)/topology.txt || :)
	$(Q)BR_LONG=1 BR_TEST_LIMIT=900 BR_TOPOLOGY=$(OUT)/topology.txt $(ENV) \
		tests/run.sh $(UNIT) $(LONG) $(CLI) $(CLI_LONG)

demo: ## install what is missing, build, and find the culprit of an example history
	$(Q)examples/crash/demo.sh

deps: ## install what is missing (Debian, Ubuntu)
	$(Q)tests/install-deps.sh

bench: all $(BENCH) ## our cost beside git's, in turn, as ratios
	$(Q)tests/bench/run.sh

asan: ## the tests under AddressSanitizer and UBSan
	$(Q)BR_TEST_LIMIT=900 LSAN_OPTIONS=print_suppressions=0:suppressions="$(CURDIR)/tests/lsan.supp" \
		$(MAKE) VARIANT=asan test

# Left out: what PCRE2's JIT compiles reads whole registers, which valgrind takes for unknown bytes; under it ptrace sees valgrind itself.
# And what computes for long and touches nothing but memory, which AddressSanitizer looks at in a fraction of the time.
NOT_VALGRIND := %/test_evidence %/test_triage %/test_stack %/prop_noisy %/prop_reduce %/prop_subset
valgrind: $(UNIT) ## the unit tests under valgrind
	$(Q)tests/valgrind.sh $(filter-out $(NOT_VALGRIND),$(UNIT))

tidy: ## clang-tidy
	$(Q)clang-tidy --quiet $(SRC) src/app/main.c -- $(ALL_CFLAGS)

lint: ## layers, headers, banned functions
	$(Q)CC="$(CC)" tests/lint/lint.sh

fuzz: ## the fuzz targets, shortly (needs clang; FUZZ_SECONDS=20 each)
	$(Q)tests/fuzz/run.sh

format: ## clang-format over all sources
	$(Q)clang-format -i $$(git ls-files -co --exclude-standard '*.c' '*.h')

install: all ## PREFIX=/usr/local DESTDIR=
	install -D -m755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/bisect-run
	ln -sf bisect-run $(DESTDIR)$(PREFIX)/bin/git-bisect-run
	install -d $(DESTDIR)$(PREFIX)/share/bisect-run
	[ ! -d hooks ] || cp -R hooks $(DESTDIR)$(PREFIX)/share/bisect-run/

uninstall: ## what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/bisect-run $(DESTDIR)$(PREFIX)/bin/git-bisect-run
	rm -rf $(DESTDIR)$(PREFIX)/share/bisect-run

clean: ## all that was built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 14

-include $(OBJ:.o=.d) $(UNIT:=.d) $(BENCH:=.d) $(LONG:=.d) $(FUZZ:=.d) $(OUT)/src/app/main.d
