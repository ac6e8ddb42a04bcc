# bisect-run: build, test, install. `make help` lists the targets; V=1 shows the commands.
CC ?= cc
PREFIX ?= /usr/local
PKGS := libgit2 libpcre2-8 sqlite3 jansson
PKG_CONFIG ?= pkg-config
VARIANT ?= release
OUT := build/$(VARIANT)

ifneq ($(filter-out help demo deps clean lint format,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell $(PKG_CONFIG) --exists $(PKGS) && echo yes),yes)
$(error bisect-run needs $(PKGS) and pkg-config: run `make demo` (it installs them with apt-get) or `make deps`)
endif
endif

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Wundef -Wswitch-enum $(WERROR)
ifeq ($(VARIANT),asan)
TUNE := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDTUNE := -fsanitize=address,undefined
else
TUNE := -O2 -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE
LDTUNE := -pie -Wl,-z,relro,-z,now
endif
CFLAGS ?= -g
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE $(WARN) $(TUNE) -Iinclude -Isrc $(shell $(PKG_CONFIG) --cflags $(PKGS)) $(CFLAGS) $(CPPFLAGS)
LIBS = $(shell $(PKG_CONFIG) --libs $(PKGS)) -lm
Q := $(if $(V),,@)

SRC := $(filter-out src/app/main.c,$(wildcard src/*/*.c))
OBJ := $(SRC:%.c=$(OUT)/%.o)
UNIT := $(patsubst tests/%.c,$(OUT)/tests/%,$(wildcard tests/unit/*.c tests/property/*.c))
PROGRAM := $(OUT)/bisect-run
TEST_LIBS = $(shell $(PKG_CONFIG) --libs cmocka) $(LIBS)

.PHONY: all test test-long unit cli demo deps bench asan valgrind tidy lint fuzz format install uninstall clean help
.DELETE_ON_ERROR:
all: $(PROGRAM) $(if $(filter release,$(VARIANT)),build/bisect-run) ## the program: build/bisect-run

build/bisect-run: $(PROGRAM)
	$(Q)ln -sf $(VARIANT)/bisect-run $@
	$(Q)ln -sfn ../hooks build/hooks

$(PROGRAM): $(OUT)/src/app/main.o $(OUT)/libbisect_run.a
	$(Q)$(CC) $(LDTUNE) $(LDFLAGS) -o $@ $^ $(LIBS)

$(OUT)/libbisect_run.a: $(OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OUT)/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "  CC $<")
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(UNIT): $(OUT)/tests/%: $(OUT)/tests/%.o $(OUT)/libbisect_run.a
	$(Q)$(CC) $(LDTUNE) $(LDFLAGS) -o $@ $^ $(TEST_LIBS)

unit: $(UNIT) ## the unit and property tests alone
	$(Q)tests/run.sh $(UNIT)

cli: all ## the black-box tests alone
	$(Q)BISECT_RUN=$(CURDIR)/$(PROGRAM) tests/run.sh $(wildcard tests/cli/test_*.py)

test: all $(UNIT) lint ## all tests (under five minutes on two cores)
	$(Q)BISECT_RUN=$(CURDIR)/$(PROGRAM) tests/run.sh $(UNIT) $(wildcard tests/cli/test_*.py)

test-long: all $(UNIT) ## the tests that take longer: more seeds, real git beside us
	$(Q)BR_LONG=1 BISECT_RUN=$(CURDIR)/$(PROGRAM) tests/run.sh $(UNIT) $(wildcard tests/cli/test_*.py tests/cli/long_*.py)

demo: ## install what is missing, build, and find the culprit of an example history
	$(Q)examples/crash/demo.sh

deps: ## install what is missing (Debian packages)
	$(Q)tests/install-deps.sh

bench: all ## our cost beside git's, in turn, as ratios
	$(Q)tests/bench/run.sh

asan: ## the tests under AddressSanitizer and UBSan
	$(Q)$(MAKE) VARIANT=asan test

valgrind: all $(UNIT) ## the unit tests under valgrind
	$(Q)tests/valgrind.sh $(UNIT)

tidy: ## clang-tidy
	$(Q)clang-tidy --quiet $(SRC) src/app/main.c -- $(ALL_CFLAGS)

lint: ## layers, headers, banned functions
	$(Q)CC="$(CC)" tests/lint/lint.sh

fuzz: ## the fuzz targets, shortly (needs clang)
	$(Q)tests/fuzz/run.sh

format: ## clang-format over all sources
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

install: all ## PREFIX=/usr/local DESTDIR=
	install -D -m755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/bisect-run
	ln -sf bisect-run $(DESTDIR)$(PREFIX)/bin/git-bisect-run
	install -d $(DESTDIR)$(PREFIX)/share/bisect-run/hooks
	install -m644 hooks/README.md $(DESTDIR)$(PREFIX)/share/bisect-run/hooks/

uninstall: ## what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/bisect-run $(DESTDIR)$(PREFIX)/bin/git-bisect-run
	rm -rf $(DESTDIR)$(PREFIX)/share/bisect-run

clean: ## all that was built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 14

-include $(OBJ:.o=.d) $(UNIT:=.d) $(OUT)/src/app/main.d
