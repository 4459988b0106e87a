# idleflush: fresh stdout from unmodified servers.
#
#   make        build/libidleflush.so and build/idleflush
#   make demo   shows the main job on a real server, with and without
#   make check  lint, unit tests, artifact tests, bats; installs what is missing where it may
#   make bench  the figures of the README; QUICK=1 for coarse ones
#
#   make check-thirdparty   libuv's, libevent's, Perl's, OCaml's and CPython's own tests, plain and preloaded
#   make check-storms       tests/storms.bats with the full counts
#   make soak               servers at work for MINUTES=10: memory, descriptors, threads
#
#   make ARCH=aarch64   the same for another machine, into build/aarch64/
#   make install        into PREFIX (/usr/local), LIBDIR (PREFIX/lib/TRIPLET), below DESTDIR
#   make uninstall      removes it again
#   make image          a container image of the library and a static launcher; no engine needed
#   make release        packages, archive and images, each twice and compared, into build/release

VERSION := $(shell cat VERSION)
HOST    := $(shell uname -m)
ARCH    := $(HOST)
CC      ?= gcc
CFLAGS  ?= -O2 -g
B       := build

# Prints a line for each file; with V=1 the commands, with -s nothing.
QUIET    = $(findstring s,$(firstword -$(MAKEFLAGS)))
SAY      = $(if $(V),,@$(if $(QUIET),,printf '  %-5s %s\n' '$(1)' '$@';))

ifneq ($(ARCH),$(HOST))
CC      := $(ARCH)-linux-gnu-gcc
B       := build/$(ARCH)
endif
TRIPLET := $(shell $(CC) -dumpmachine)

PREFIX  := /usr/local
LIBDIR  := $(PREFIX)/lib/$(TRIPLET)

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
            -Wpointer-arith -Wwrite-strings
CPPFLAGS += -Ishim -D_GNU_SOURCE -DIDLEFLUSH_VERSION='"$(VERSION)"'

# The library links against nothing: no libc, no libgcc, no stack protector, no fortified names.
# Unwind tables let thread cancellation pass through a wrapper.
LIB_CFLAGS  := -std=c11 -fPIC -fvisibility=hidden -fno-stack-protector -U_FORTIFY_SOURCE \
               -fasynchronous-unwind-tables $(WARN)
# It exports a syscall(2), which its own calls pass by (base/system_call.c).
LIB_CFLAGS  += -Dsyscall=system_call
# Atomics must be instructions: libgcc's helpers would be undefined symbols.
LIB_CFLAGS  += $(if $(filter aarch64-%,$(TRIPLET)),-mno-outline-atomics)
LIB_LDFLAGS := -shared -nostdlib -Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack -Wl,-z,defs \
               -Wl,-soname,libidleflush.so -Wl,--hash-style=both
# Last in .bss: what is large and mostly untouched, so that the rest shares few pages.
LIB_LDFLAGS += -Wl,--sort-section=name
# One segment for all that is only read: two system calls and several page faults less at each start.
LIB_LDFLAGS += -Wl,-z,noseparate-code

# A folder is a layer: those of the library, those of the command, and what both share.
LIB_DIRS     := $(patsubst %,shim/%,wrap exit flush runtime runtime/* sink conn http base shared)
LAUNCHER_DIRS := shim/command shim/command/check shim/shared
LIB_SRC      := $(wildcard $(LIB_DIRS:%=%/*.c))
LAUNCHER_SRC := $(wildcard $(LAUNCHER_DIRS:%=%/*.c))
SHIM_HEADERS := $(wildcard shim/*/*.h shim/*/*.def shim/*/*/*.h)
# The code of every send, receive and wait lies side by side, in few pages; the rest is optimized for
# size, because mapped pages count as memory.
HOT_SRC      := $(wildcard $(patsubst %,shim/%/*.c,wrap conn http) shim/flush/flusher.c)
HOT_OBJ      := $(patsubst shim/%.c,$(B)/obj/%.o,$(HOT_SRC))
COLD_OBJ     := $(patsubst shim/%.c,$(B)/obj/%.o,$(filter-out $(HOT_SRC),$(LIB_SRC)))
LIB_OBJ      := $(HOT_OBJ) $(COLD_OBJ)

.PHONY: FORCE all clean demo check lint unit bats fuzz
all: $(B)/libidleflush.so $(B)/idleflush

$(B)/obj/%.o: shim/%.c Makefile VERSION
	@mkdir -p $(@D)
	$(call SAY,CC) $(CC) $(CPPFLAGS) $(CFLAGS) $(LIB_CFLAGS) -MMD -MP -c -o $@ $<

$(COLD_OBJ): LIB_CFLAGS += $(if $(filter -O2,$(CFLAGS)),-Os)

# Otherwise the compiler would turn the loops of these functions into calls of themselves.
$(B)/obj/base/string.o: LIB_CFLAGS += -fno-builtin \
  $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)

$(B)/libidleflush.so: $(LIB_OBJ)
	$(call SAY,LD) $(CC) $(CFLAGS) $(LIB_LDFLAGS) -o $@ $(LIB_OBJ)

# -u: the name is weak in config.c, and a static link takes from libc only what is referred to strongly.
$(B)/idleflush: $(LAUNCHER_SRC) $(SHIM_HEADERS) Makefile VERSION $(B)/libdir | $(B)
	$(call SAY,CC) $(CC) $(CPPFLAGS) -DIDLEFLUSH_LIBDIR='"$(LIBDIR)/idleflush"' $(CFLAGS) -std=c11 $(WARN) \
	  $(LDFLAGS) -Wl,-u,fnmatch -o $@ $(LAUNCHER_SRC)

# Where the launcher looks for the library; changed only if that changes, so that it is not rebuilt.
$(B)/libdir: FORCE | $(B)
	@echo '$(LIBDIR)' | cmp -s - $@ || echo '$(LIBDIR)' >$@

$(B) $(B)/tests $(B)/musl $(B)/unit:
	mkdir -p $@

-include $(LIB_OBJ:.o=.d)

# --- installing and packages

DEST := $(DESTDIR)$(PREFIX)

# Empty: nothing is stripped, as who packages with symbols apart wants it.
STRIP := $(if $(filter-out $(HOST),$(ARCH)),$(ARCH)-linux-gnu-)strip
INSTALL_STRIPPED := install -D -m 755 $(if $(STRIP),-s --strip-program=$(STRIP))

.PHONY: install uninstall
install: all
	$(INSTALL_STRIPPED) $(B)/idleflush '$(DEST)/bin/idleflush'
	$(INSTALL_STRIPPED) $(B)/libidleflush.so '$(DESTDIR)$(LIBDIR)/idleflush/libidleflush.so'
	chmod 644 '$(DESTDIR)$(LIBDIR)/idleflush/libidleflush.so'
	install -D -m 644 shim/command/idleflush.1 '$(DEST)/share/man/man1/idleflush.1'
	install -D -m 644 shim/command/idleflush.bash '$(DEST)/share/bash-completion/completions/idleflush'

uninstall:
	rm -f '$(DEST)/bin/idleflush' '$(DESTDIR)$(LIBDIR)/idleflush/libidleflush.so' \
	  '$(DEST)/share/man/man1/idleflush.1' '$(DEST)/share/bash-completion/completions/idleflush'
	[ ! -d '$(DESTDIR)$(LIBDIR)/idleflush' ] || rmdir '$(DESTDIR)$(LIBDIR)/idleflush'

# All of them are reproducible: the same bytes each time, wherever they are made.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date -r VERSION +%s)
RELEASE  := CFLAGS='-O2 -s -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$(CURDIR)=.'
DEB_ARCH := $(if $(filter aarch64,$(ARCH)),arm64,amd64)
DEB      := $(B)/idleflush_$(VERSION)-0upstream1_$(DEB_ARCH).deb
RPM      := $(B)/idleflush-$(VERSION)-0.upstream1.$(ARCH).rpm
IMAGE    := $(B)/idleflush_$(VERSION)_$(DEB_ARCH).image.tar
DIST     := idleflush-$(VERSION)

.PHONY: deb rpm static dist image image-file release
deb rpm: PACKAGED = $(B)/packaged/root.$@
# Each links the launcher anew, for another place of the library: not both at once.
rpm: | $(filter deb,$(MAKECMDGOALS))
deb rpm:
	rm -rf $(PACKAGED)
	$(MAKE) install B=$(B)/packaged/$(ARCH) PREFIX=/usr $(if $(filter rpm,$@),LIBDIR=/usr/lib64) \
	  DESTDIR=$(PACKAGED) $(RELEASE) LDFLAGS='-pie -Wl,-z,now'
	examples/$(if $(filter rpm,$@),rpm/build $(PACKAGED) $(ARCH) $(VERSION) $(RPM),debian/build $(PACKAGED) $(DEB_ARCH) $(VERSION) $(DEB))

# The launcher is static here: it runs where there is another libc, or none.
# dist builds the same: not both at once.
static: | $(filter dist,$(MAKECMDGOALS))
	$(MAKE) all B=$(B)/static/$(ARCH) $(RELEASE) LDFLAGS=-static-pie

# The machines that can be built for here.
MACHINES := $(HOST) $(foreach arch,$(filter-out $(HOST),x86_64 aarch64),$(if $(shell \
              command -v $(arch)-linux-gnu-gcc),$(arch)))

dist:
	$(if $(filter-out $(MACHINES),x86_64 aarch64),@echo 'dist: for $(MACHINES) only; the other one takes \
	  $(filter-out $(MACHINES),x86_64 aarch64)-linux-gnu-gcc')
	rm -rf $(B)/dist/$(DIST)
	set -e; for arch in $(MACHINES); do \
	  $(MAKE) static ARCH=$$arch B=$(B); \
	  install -D -t $(B)/dist/$(DIST)/$$arch $(B)/static/$$arch/idleflush $(B)/static/$$arch/libidleflush.so; \
	done
	cp -R README.md CHANGELOG.md LICENSE examples shim/command/idleflush.1 shim/command/idleflush.bash $(B)/dist/$(DIST)
	examples/release/sbom $(B)/dist/$(DIST) $(VERSION) >$(B)/$(DIST).spdx.json
	tar -C $(B)/dist --sort=name --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw \
	  --mtime=@$$SOURCE_DATE_EPOCH -c $(DIST) | gzip -9n >$(B)/$(DIST).tar.gz
	cd $(B) && sha256sum $(DIST).tar.gz $(DIST).spdx.json >$(DIST).sha256

# Goes to the engine as well where one answers.
image: image-file
	@if docker version >/dev/null 2>&1; then docker load --quiet --input $(IMAGE); \
	else echo 'No engine answers; for one that does: docker load --input $(IMAGE)'; fi

image-file: static
	rm -rf $(B)/image
	install -D -t $(B)/image $(B)/static/$(ARCH)/idleflush $(B)/static/$(ARCH)/libidleflush.so
	install -m 644 LICENSE $(B)/image
	examples/docker/image/pack $(B)/image $(DEB_ARCH) $(VERSION) $(IMAGE)

# Everything, here and again in a copy of the source; what differs is shown, and not handed out.
release:
	rm -rf $(B)/release
	mkdir -p $(B)/release/source
	cp -R Makefile VERSION README.md CHANGELOG.md LICENSE shim examples $(B)/release/source
	$(MAKE) release-files B=$(B)/release/here FILES=$(abspath $(B))/release/first
	$(MAKE) -C $(B)/release/source release-files B=build FILES=$(abspath $(B))/release/second
	diff -r $(B)/release/first $(B)/release/second
	mv $(B)/release/first/* $(B)/release
	rm -r $(B)/release/first $(B)/release/second $(B)/release/source $(B)/release/here

.PHONY: release-files
release-files: dist
	mkdir -p $(FILES)
	set -e; for arch in $(MACHINES); do \
	  $(MAKE) deb rpm image-file ARCH=$$arch B=$(B); \
	  mv $(B)/*.deb $(B)/*.rpm $(B)/*.image.tar $(FILES); \
	done
	mv $(B)/$(DIST).tar.gz $(B)/$(DIST).spdx.json $(FILES)
	cd $(FILES) && sha256sum * >SHA256SUMS

# --- test programs: one C or C++ file each, built in the usual way

TEST_PROGRAMS := $(patsubst tests/fixtures/%.c,$(B)/tests/%,$(wildcard tests/fixtures/*.c)) \
                 $(patsubst tests/fixtures/%.cc,$(B)/tests/%,$(wildcard tests/fixtures/*.cc))

$(B)/tests/%: tests/fixtures/%.c $(wildcard tests/fixtures/*.h) Makefile | $(B)/tests
	$(call SAY,CC) $(CC) -D_GNU_SOURCE -std=c11 $(CFLAGS) $(WARN) -o $@ $< -pthread $(shell sed -n 's,^/\* link: \(.*\) \*/$$,\1,p' $<)

$(B)/tests/%: tests/fixtures/%.cc Makefile | $(B)/tests
	$(call SAY,CXX) $(CXX) $(CFLAGS) -Wall -o $@ $< -pthread $(shell sed -n 's,^/\* link: \(.*\) \*/$$,\1,p' $<)

# For musl as well, without those that need glibc or another library.
MUSL_PROGRAMS := $(patsubst tests/fixtures/%.c,$(B)/musl/%,\
                   $(shell grep -L '^/\* link:\|sigabbrev_np' tests/fixtures/*.c))

$(B)/musl/%: tests/fixtures/%.c tests/fixtures/lib/musl_full.c Makefile | $(B)/musl
	$(call SAY,MUSL) musl-gcc -D_GNU_SOURCE -std=c11 $(CFLAGS) -o $@ $< tests/fixtures/lib/musl_full.c -pthread

.PHONY: test-programs musl-programs
test-programs: $(TEST_PROGRAMS)
musl-programs: $(MUSL_PROGRAMS)

# --- unit tests of the pure parts, under ASan and UBSan

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT     := $(patsubst tests/unit/%_test.c,$(B)/unit/%_test,$(wildcard tests/unit/*_test.c))

$(B)/unit/%_test: tests/unit/%_test.c $(SHIM_HEADERS) tests/unit/check.h Makefile | $(B)/unit
	$(call SAY,CC) $(CC) $(CPPFLAGS) -std=c11 -O1 -g $(WARN) $(SANITIZE) \
	  -o $@ $(filter %.c,$^)

# Each is linked with what the tested file needs, and no more.
$(B)/unit/config_test: $(addprefix shim/shared/,config.c config_value.c)
$(B)/unit/elf_imports_test: $(addprefix shim/command/,check/elf_imports.c elf_file.c)
$(B)/unit/flush_request_test: $(addprefix shim/,flush/flush_request.c base/system_call.c)
$(B)/unit/http_queue_test: shim/http/http_queue.c
$(B)/unit/http_test: $(wildcard shim/http/*.c tests/unit/*.h tests/fuzz/reference/*.[ch])
$(B)/unit/program_test: $(addprefix shim/command/,program.c elf_file.c)
$(B)/unit/quiet_test: shim/flush/quiet.c
$(B)/unit/stdio_lock_test: $(addprefix shim/,sink/stdio_lock.c base/symbols.c base/system_call.c)
$(B)/unit/symbols_test: shim/base/symbols.c

.PHONY: unit
unit: $(UNIT)
	@set -e; for t in $(UNIT); do ./$$t; done

# Fuzzers for everything that reads other people's bytes: framing, settings, ELF files, scripts, the
# memory of processes. The corpus of the first is kept in tests/fuzz/; what a run finds goes to build/.
SECS      ?= 60
SECS_REST ?= 10
FUZZ      := clang $(CPPFLAGS) -std=c11 -O1 -g -fsanitize=fuzzer,address,undefined \
               -fno-sanitize-recover=all -o
RUN_FUZZ  = $(B)/$(1)_fuzz -max_total_time=$(2) -max_len=$(3) -timeout=10 -verbosity=0 \
              -print_final_stats=1 -artifact_prefix=$(B)/ $(B)/corpus/$(1)

$(B)/http_fuzz: tests/fuzz/http_fuzz.c tests/fuzz/must.h $(wildcard shim/http/*.[ch] tests/fuzz/reference/*.[ch]) Makefile | $(B)
	$(FUZZ) $@ $(filter %.c,$^)

$(B)/config_fuzz: tests/fuzz/config_fuzz.c tests/fuzz/must.h $(addprefix shim/shared/,config.c config_value.c) $(SHIM_HEADERS) Makefile | $(B)
	$(FUZZ) $@ $(filter %.c,$^)

$(B)/elf_fuzz: tests/fuzz/elf_fuzz.c tests/fuzz/must.h $(addprefix shim/command/,check/elf_imports.c elf_file.c program.c) $(SHIM_HEADERS) Makefile | $(B)
	$(FUZZ) $@ $(filter %.c,$^)

# Its words last as long as the command, which a fuzzer does not: no leaks are looked for.
$(B)/shell_fuzz: tests/fuzz/shell_fuzz.c tests/fuzz/must.h $(addprefix shim/command/check/,shell_script.c shell_words.c) $(SHIM_HEADERS) Makefile | $(B)
	$(FUZZ) $@ $(filter %.c,$^)

$(B)/status_fuzz: tests/fuzz/status_fuzz.c tests/fuzz/must.h $(addprefix shim/command/,check/remote_state.c elf_file.c) $(SHIM_HEADERS) Makefile | $(B)
	$(FUZZ) $@ $(filter %.c,$^)

fuzz: $(B)/http_fuzz $(B)/config_fuzz $(B)/elf_fuzz $(B)/shell_fuzz $(B)/status_fuzz
	mkdir -p $(B)/corpus/http $(B)/corpus/config $(B)/corpus/elf $(B)/corpus/shell $(B)/corpus/status
	gcc -Ishim -o $(B)/forged tests/fixtures/check/forged.c && $(B)/forged $(B)/corpus/status/seed quit
	for bits in 32 64; do gcc -m$$bits -Os -fPIC -shared -nostdlib -Wl,-z,noseparate-code \
	  -Wl,--build-id -o $(B)/corpus/elf/seed$$bits tests/fuzz/seed.c || test $$bits = 32; done
	$(call RUN_FUZZ,http,$(SECS),2048) tests/fuzz/corpus/http
	$(call RUN_FUZZ,config,$(SECS_REST),256)
	$(call RUN_FUZZ,elf,$(SECS_REST),6000)
	$(call RUN_FUZZ,status,$(SECS_REST),16384)
	ASAN_OPTIONS=detect_leaks=0 $(call RUN_FUZZ,shell,$(SECS_REST),400) -rss_limit_mb=0

# If nothing can be installed, the demo uses the bundled server.
.PHONY: demo
demo: all $(B)/tests/server
	-@sh tests/need demo
	@tests/demo

# --- the whole check

JOBS := $(shell nproc)

.PHONY: check check-all lint bats bats-musl
check:
	@tests/summary $(MAKE) --no-print-directory check-all

# A suite that fails keeps no other from being run.
check-all:
	sh tests/need check
	-sh tests/need anywhere
	$(MAKE) all test-programs
	$(MAKE) lint
	$(MAKE) -j$(JOBS) analyze
	$(MAKE) unit
	$(MAKE) fuzz SECS=20
	$(MAKE) --keep-going bats bats-musl

# Slower than lint, so only for files that changed. Each NOLINT, and .clang-tidy, gives the reason for
# what it leaves out. gcc's leak check is off: the launcher execs or exits, and never frees.
ANALYZED := $(patsubst shim/%.c,$(B)/analyze/%.ok,$(sort $(LIB_SRC) $(LAUNCHER_SRC)))

$(B)/analyze/%.ok: shim/%.c $(SHIM_HEADERS) .clang-tidy Makefile
	@mkdir -p $(@D)
	gcc $(CPPFLAGS) -DIDLEFLUSH_LIBDIR='""' -std=c11 -O2 $(WARN) -Werror \
	  -fanalyzer -Wno-analyzer-malloc-leak -c -o /dev/null $<
	clang-tidy --quiet $< -- $(CPPFLAGS) -DIDLEFLUSH_LIBDIR='""' -std=c11
	@touch $@

.PHONY: analyze
analyze: $(ANALYZED)

# Any complaint of a linter fails.
lint:
	clang-format --dry-run --Werror $(LIB_SRC) $(LAUNCHER_SRC) $(filter %.h,$(SHIM_HEADERS)) $(wildcard tests/*/*.[ch] tests/*/*.cc)
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	  --inline-suppr --suppress=missingIncludeSystem --suppress=varFuncNullUB -Ishim -D_GNU_SOURCE -DIDLEFLUSH_VERSION='""' -D__x86_64__ -D__GLIBC__ \
	  '-DElfW(t)=Elf64_##t' shim
	shellcheck tests/need tests/layers tests/summary tests/titles $(shell grep -l '^#!.*sh$$' tests/proofs/*) .ci/run examples/debian/build examples/rpm/build examples/release/sbom examples/docker/image/pack \
	  $(wildcard tests/*.bats tests/*.bash examples/*/*.sh)
	tests/layers
	tests/titles
	tests/mutants/run --apply

bats: all test-programs $(B)/bench/bin/instructions
	bats --tap --jobs $(JOBS) --filter-tags '!long' tests

# The core suites again, with programs of musl.
bats-musl: all musl-programs
	PROGS=$(CURDIR)/$(B)/musl bats --tap --jobs $(JOBS) --filter-tags 'core,!glibc' tests

# --- proofs that take long: not part of the check

# Other people's tests, plain and preloaded; both columns in build/thirdparty.txt.
.PHONY: check-thirdparty check-storms soak
check-thirdparty: all
	sh tests/need thirdparty
	tests/proofs/thirdparty --build=$(B)

# Which lines of shim/ the tests run; in build/coverage/report.txt. The library is linked with gcov's
# runtime, and with the symbols of libc which that needs.
C        := $(CURDIR)/$(B)/coverage
COVERED  := launcher check flush fork stall sockets errno streams turns framing servers signals \
            waits last_words ends creds calls musl libc python neighbours

.PHONY: coverage
coverage: test-programs
	sh tests/need check
	sh tests/need coverage
	mkdir -p $(C)
	find $(C) -name '*.gcda' -delete
	ln -sfn ../tests $(C)/tests
	for part in library launcher; do $(CC) $(CPPFLAGS) -std=c11 -fPIC -O1 \
	  -fvisibility=hidden -c -o $(C)/$$part.o tests/coverage/$$part.c; done
	$(MAKE) B=$(B)/coverage CFLAGS='-O0 -g --coverage -fprofile-update=atomic' \
	  LIB_LDFLAGS='-shared -nostdlib -Wl,-z,now -Wl,-soname,libidleflush.so -Wl,--wrap=system_call $(C)/library.o' \
	  LDFLAGS='-Wl,--wrap=_exit,--wrap=execv,--wrap=execvp $(C)/launcher.o' all
	$(MAKE) B=$(B)/coverage SANITIZE=--coverage unit
	-BUILD=$(C) bats --tap --jobs $(JOBS) $(COVERED:%=tests/%.bats)
	gcovr -r . -f shim/ --object-directory $(B)/coverage --print-summary --fail-under-line 95 \
	  -o $(B)/coverage/report.txt $(B)/coverage

# Breaks each rule of tests/mutants/list, in a copy of the tree; some test must fail.
.PHONY: mutants
mutants: all test-programs
	sh tests/need check
	nice -n 5 tests/mutants/run --build=$(B) $(if $(ONLY),'$(ONLY)')

# Suites with library and programs built for a sanitizer, or under memcheck; the script says what each
# leaves out. gcc's AddressSanitizer has no fork handlers: if our thread allocates while the program
# forks, the child hangs. So in suites that fork our thread starts late.
SUITES_ASAN := flush sockets stall turns framing creds ends
SUITES_FORK := fork servers
SANITIZED    = $(MAKE) B=$(B)/$(1) CFLAGS='-O1 -g -fno-omit-frame-pointer $(2)' \
                 LIB_LDFLAGS='-shared -nostdlib -Wl,-z,now -Wl,-soname,libidleflush.so' all test-programs
PROOF       := nice -n 5 tests/proofs/sanitized

.PHONY: check-asan check-tsan check-valgrind
check-asan:
	sh tests/need check
	$(call SANITIZED,asan,-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=undefined)
	$(PROOF) asan $(B)/asan --tap $(SUITES_ASAN:%=tests/%.bats)
	IDLEFLUSH_START=server $(PROOF) asan $(B)/asan --tap $(SUITES_FORK:%=tests/%.bats)

check-tsan:
	sh tests/need check
	$(call SANITIZED,tsan,-fsanitize=thread) CC=clang CXX=clang++
	$(PROOF) tsan $(B)/tsan --tap tests/flush.bats tests/sockets.bats tests/servers.bats

check-valgrind: all test-programs
	sh tests/need check
	mkdir -p $(B)/valgrind
	ln -sfn ../tests $(B)/valgrind/tests
	ln -f $(B)/libidleflush.so $(B)/idleflush $(B)/valgrind
	$(PROOF) valgrind $(B)/valgrind --tap tests/flush.bats tests/sockets.bats

# The core suites with an older glibc, a newer one and the newest; RELEASES names others.
.PHONY: check-systems
check-systems: all
	sh tests/need anywhere
	tests/proofs/systems --build=$(B) $(RELEASES)

# What --check says of a hundred programs of Debian, beside what really happens to their lines.
.PHONY: check-programs
check-programs: all
	sh tests/need programs
	tests/proofs/programs --build=$(B) $(ONLY)

# Each command of the README, the examples and the guide in the root of a bare Debian.
.PHONY: check-commands
check-commands: all $(B)/tests/server $(B)/tests/load
	sh tests/need anywhere
	bats --tap tests/commands.bats

# Processes that die in every way, RUNS times each (1000): nothing is lost.
.PHONY: check-deaths
check-deaths: all test-programs musl-programs
	RUNS=$(or $(RUNS),1000) B=$(B) tests/proofs/deaths

# tests/waits.bats with RUNS signals a call (1000), and programs of musl as well.
.PHONY: check-waits
check-waits: all test-programs musl-programs
	for programs in tests musl; do PROGS=$(CURDIR)/$(B)/$$programs WAITS_ROUNDS=$(or $(RUNS),1000) \
	  WAITS_PRINTED=3000000 WAITS_JUMPS=20000 BATS_TEST_TIMEOUT=1800 bats --tap tests/waits.bats || exit 1; done

# tests/runtimes.bats with RUNS starts of Perl and OCaml (1000), and ten times as many signals.
.PHONY: check-runtimes
check-runtimes: all test-programs
	STARTS=$(or $(RUNS),1000) ALARMS=$(or $(RUNS),1000)0 BATS_TEST_TIMEOUT=1800 bats --tap tests/runtimes.bats

# Python servers: ages of lines, lines at SIGTERM (RUNS of each), 10 000 forks, throughput.
.PHONY: check-python
check-python: all test-programs
	sh tests/need check
	sh tests/need bench
	tests/proofs/python --build=$(B) --runs=$(or $(RUNS),200) $(PART)

# tests/storms.bats with the full counts.
check-storms: all test-programs
	sh tests/need check
	tests/proofs/storms

# Servers that work for a long time: memory, descriptors and threads do not grow.
MINUTES ?= 10

soak: all test-programs
	tests/proofs/soak --build=$(B) --minutes=$(MINUTES)

# --- figures: compared with the alternatives, and in instructions

BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(B)/bench/bin/%,\
                    $(filter-out %/thread.c,$(wildcard tests/bench/*.c))) $(B)/bench/bin/thread.so \
                  $(B)/bench/bin/ints

$(B)/bench/bin/%: tests/bench/%.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC) $(CC) -D_GNU_SOURCE -std=c11 -O2 -g $(WARN) -Wl,-z,now -o $@ $<

$(B)/bench/bin/ints: tests/bench/ints.cc Makefile
	@mkdir -p $(@D)
	$(call SAY,CXX) $(CXX) -O2 -g -o $@ $<

$(B)/bench/bin/%.so: tests/bench/%.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC) $(CC) -D_GNU_SOURCE -std=c11 -O2 -fPIC -shared $(WARN) -o $@ $< -pthread

# QUICK=1: under a minute. ONLY=a,c: some workloads. LIB=FILE: another library.
.PHONY: bench bench-programs bench-publish bench-instructions
bench-programs: $(BENCH_PROGRAMS)
bench:
	sh tests/need bench
	$(MAKE) $(if $(LIB),,all) bench-programs $(addprefix $(B)/tests/,server microhttpd reader load)
	BUILD=$(B) $(if $(LIB),LIB=$(LIB)) /usr/bin/python3 -B tests/bench/bench.py \
	  $(if $(QUICK),--quick) $(if $(ONLY),--only=$(ONLY))

# The last whole run's figures go into README.md and tests/bench/.
bench-publish:
	tests/bench/publish $(B)/bench

# What the wrappers add to a call, compared with tests/bench/instructions.txt. UPDATE=1 writes it.
bench-instructions: $(if $(LIB),,all) $(B)/bench/bin/instructions
	tests/bench/instructions --build=$(B) $(if $(LIB),--lib=$(LIB)) $(if $(UPDATE),--update)

clean:
	rm -rf $(B)
