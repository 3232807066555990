# The shipped program: everything linked in, nothing to install. `make static` leaves it at
# build/static/ecs-task-kite, `make static ARCH=aarch64` at build/static-aarch64/ecs-task-kite.
# third_party/README.md explains the libraries, src/DESIGN.md the flags.

NATIVE_ARCH := $(shell uname -m)
ARCH ?= $(NATIVE_ARCH)
STATIC := build/static$(if $(filter-out $(NATIVE_ARCH),$(ARCH)),-$(ARCH))
LIBRARIES := build/third_party/$(ARCH)
DOWNLOADS := build/third_party/downloads
STATIC_CXX := $(ARCH)-linux-gnu-g++
STATIC_STRIP := $(ARCH)-linux-gnu-strip
STATIC_OBJCOPY := $(ARCH)-linux-gnu-objcopy

STATIC_LIBRARIES := openssl c-ares expat libseccomp curl
STATIC_LIBRARY_STAMPS := $(STATIC_LIBRARIES:%=$(LIBRARIES)/%.done)
SOURCE_LISTS := $(STATIC_LIBRARIES:%=third_party/%/sources)

# No exceptions: the sources throw nothing, and libstdc++ calls abort where it would.
STATIC_CXXFLAGS := -std=c++20 $(WARNINGS) -iquote src -iquote . -isystem $(LIBRARIES)/include \
  -DKITE_VERSION='"$(VERSION)"' -DJSON_NOEXCEPTION -D_GLIBCXX_ASSERTIONS -D_FORTIFY_SOURCE=2 \
  -fPIE -fno-exceptions -fno-rtti -fno-asynchronous-unwind-tables -fstack-protector-strong \
  -ffunction-sections -fdata-sections -flto -fno-fat-lto-objects -ffile-prefix-map=$(CURDIR)=.
ifeq ($(ARCH),x86_64)
# Landing pads for a check that Linux does not make in programs.
STATIC_CXXFLAGS += -fcf-protection=none
endif
# Fatal: a warning here means that something wants the name service switch, which loads libraries.
STATIC_LDFLAGS := -static-pie -flto=$(JOBS) -Wl,--gc-sections -Wl,-O1 -Wl,--build-id=none \
  -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,--fatal-warnings
STATIC_LIBS := -L$(LIBRARIES)/lib -lcurl -lcares -lssl -lcrypto -lexpat -lseccomp

static_object = $(patsubst %.cc,$(STATIC)/%.o,$(1))
STATIC_SOURCES := $(PROGRAM_SOURCES) $(LIBRARY_SOURCES)
STATIC_OBJECTS := $(call static_object,$(STATIC_SOURCES))

# Relative relocations as a bitmap, an eighth of the size or less: 0.3 MB. ld 2.40 makes it for x86-64
# only; elsewhere lld does, which cannot read what GCC leaves for link time: so that is compiled first.
ifeq ($(ARCH),x86_64)
STATIC_LDFLAGS += -Wl,-z,pack-relative-relocs
STATIC_LINKED := $(STATIC_OBJECTS)
else
STATIC_LDFLAGS += -fuse-ld=lld -B$(STATIC)/linker -Wl,--pack-dyn-relocs=relr
STATIC_LINKED := $(STATIC)/whole.o
endif
# Not optimised at link time: a definition must be seen by name before glibc's archive is searched.
STATIC_RUNTIME := $(STATIC)/third_party/runtime/left_out.o

.PHONY: static static-libraries
static: deps-static ## Build the shipped program at build/static/ecs-task-kite (ARCH=aarch64: cross)
	@$(MAKE) --no-print-directory static-libraries
	@$(MAKE) --no-print-directory -j$(JOBS) $(STATIC)/ecs-task-kite $(STATIC)/sbom.cdx.json
	@ls -l $(STATIC)/ecs-task-kite
static-libraries: deps-static
	@$(MAKE) --no-print-directory $(STATIC_LIBRARY_STAMPS)

IMAGE ?= ecs-task-kite:$(VERSION)
.PHONY: image
image: ## Build the scratch image with docker, podman or buildah
	@third_party/image $(IMAGE) $(ARCH) $(VERSION)

.PHONY: deps-static
deps-static:
	@third_party/debian/install third_party/debian/static.txt \
	  $(if $(filter-out $(NATIVE_ARCH),$(ARCH)),third_party/debian/static-$(ARCH).txt)

$(DOWNLOADS)/done: third_party/fetch $(SOURCE_LISTS)
	@third_party/fetch $(@D) $(SOURCE_LISTS)
	@touch $@

# One library at a time: each runs its own make with all jobs.
$(LIBRARIES)/%.done: $(DOWNLOADS)/done third_party/build third_party/unpack
	@KITE_DOWNLOADS=$(DOWNLOADS) KITE_JOBS=$(JOBS) third_party/build $* $(ARCH) $(LIBRARIES)
	@touch $@
$(foreach library,$(STATIC_LIBRARIES),$(eval \
  $(LIBRARIES)/$(library).done: \
    $(filter-out %/component,$(wildcard third_party/$(library)/*))))
$(LIBRARIES)/curl.done: $(LIBRARIES)/openssl.done $(LIBRARIES)/c-ares.done

# The one library that is headers; apart from the system's, which a cross build must not see.
$(LIBRARIES)/include/nlohmann/json.hpp: /usr/include/nlohmann/json.hpp
	@mkdir -p $(LIBRARIES)/include
	@rm -rf $(@D)
	@cp -r $(<D) $(@D)

$(LIBRARIES)/include/doctest/doctest.h: /usr/include/doctest/doctest.h
	@mkdir -p $(LIBRARIES)/include
	@rm -rf $(@D)
	@cp -r $(<D) $(@D)

# What runs for every byte is made fast, the rest small.
$(STATIC)/%.o: STATIC_OPTIMIZE = -Os
$(STATIC)/src/proxy/%.o: STATIC_OPTIMIZE = -O2
$(STATIC)/src/event/%.o: STATIC_OPTIMIZE = -O2
$(STATIC)/src/sys/%.o: STATIC_OPTIMIZE = -O2
# Answers of hundreds of kilobytes and lists of thousands are gone through between two turns of
# forwarding.
$(STATIC)/src/aws/json_tree.o: STATIC_OPTIMIZE = -O2
$(STATIC)/src/aws/json_value.o: STATIC_OPTIMIZE = -O2
$(STATIC)/src/discovery/names.o: STATIC_OPTIMIZE = -O2
$(STATIC_RUNTIME): STATIC_OPTIMIZE = -Os -fno-lto

$(STATIC)/%.o: %.cc $(STATIC)/flags $(LIBRARIES)/include/nlohmann/json.hpp \
    | $(STATIC_LIBRARY_STAMPS)
	@mkdir -p $(@D)
	@echo "  c++    $< (static)"
	@$(STATIC_CXX) $(STATIC_CXXFLAGS) $(STATIC_OPTIMIZE) -frandom-seed=$< -MMD -MP -c $< -o $@

$(STATIC)/whole.o: $(STATIC_OBJECTS)
	@echo "  optimise $@"
	@mkdir -p $(STATIC)/linker
	@ln -sf "$$(command -v ld.lld)" $(STATIC)/linker/ld.lld
	@$(STATIC_CXX) $(STATIC_CXXFLAGS) -O2 -frandom-seed=link -flto-partition=none \
	  -flinker-output=nolto-rel -r -nostdlib -o $@ $^

$(STATIC)/ecs-task-kite.unstripped: $(STATIC_LINKED) $(STATIC_RUNTIME) $(STATIC_LIBRARY_STAMPS)
	@echo "  link   $@"
	@$(STATIC_CXX) $(STATIC_CXXFLAGS) -O2 -frandom-seed=link $(STATIC_LDFLAGS) \
	  -Wl,-Map=$(STATIC)/ecs-task-kite.map -o $@ $(STATIC_RUNTIME) $(STATIC_LINKED) $(STATIC_LIBS)

# The notices travel in a section that is never loaded; third_party/README.md says how to read it.
$(STATIC)/ecs-task-kite: $(STATIC)/ecs-task-kite.unstripped $(STATIC)/licences.gz
	@$(STATIC_STRIP) --strip-all --remove-section=.comment --remove-section=.note.stapsdt -o $@ $<
	@$(STATIC_OBJCOPY) --add-section .licences=$(STATIC)/licences.gz \
	  --set-section-flags .licences=noload,readonly $@

$(STATIC)/licences.gz: third_party/licences $(STATIC_LIBRARY_STAMPS)
	@mkdir -p $(@D)
	@third_party/licences $(LIBRARIES)/licences >$(@:.gz=.txt)
	@gzip -9nc $(@:.gz=.txt) >$@

$(STATIC)/sbom.cdx.json: $(STATIC)/ecs-task-kite third_party/sbom.py \
    $(STATIC_LIBRARIES:%=third_party/%/component)
	@$(PYTHON) third_party/sbom.py --arch $(ARCH) --version $(VERSION) --program $< \
	  --map $(STATIC)/ecs-task-kite.map $(STATIC_LIBRARIES:%=third_party/%) > $@

# The shipped program with time that does not stand still for it, for tests/static/test_endurance.py.
HURRIED_TIME := $(STATIC)/tests/static/hurried_time.o
$(HURRIED_TIME): STATIC_OPTIMIZE = -Os -fno-lto
$(STATIC)/hurried-kite: $(HURRIED_TIME) $(STATIC)/ecs-task-kite.unstripped
	@echo "  link   $@"
	@$(STATIC_CXX) $(STATIC_CXXFLAGS) -O2 -frandom-seed=link $(STATIC_LDFLAGS) -s \
	  -Wl,--wrap=epoll_wait,--wrap=clock_gettime -o $@ $(HURRIED_TIME) $(STATIC_RUNTIME) \
	  $(STATIC_LINKED) $(STATIC_LIBS)

# The unit tests with the same libraries, for a processor that `make test` does not have.
STATIC_TEST_OBJECTS := $(call static_object,$(TEST_SOURCES))
$(STATIC_TEST_OBJECTS): $(LIBRARIES)/include/doctest/doctest.h
$(STATIC_TEST_OBJECTS): STATIC_OPTIMIZE = -O0 -fexceptions -frtti -fno-lto -U_FORTIFY_SOURCE
$(STATIC)/unit-tests: $(STATIC_TEST_OBJECTS) $(call static_object,$(LIBRARY_SOURCES))
	@echo "  link   $@"
	@$(STATIC_CXX) $(STATIC_CXXFLAGS) -O2 -static-pie -flto=$(JOBS) -Wl,--gc-sections -o $@ $^ \
	  $(STATIC_LIBS)
.PHONY: static-test-programs
static-test-programs: deps-static static-libraries
	@$(MAKE) --no-print-directory -j$(JOBS) $(STATIC)/unit-tests $(STATIC)/hurried-kite

.PHONY: test-aarch64
test-aarch64: deps ## The shipped program for aarch64: cross-compiled, tested under an emulator
	@$(MAKE) --no-print-directory ARCH=aarch64 static static-test-programs
	@KITE_STATIC=build/static-aarch64/ecs-task-kite \
	  $(PYTHON) -m pytest -q -rs -p no:cacheprovider tests/static

$(STATIC)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(STATIC_CXX) $(STATIC_CXXFLAGS)' | cmp -s - $@ || \
	  echo '$(STATIC_CXX) $(STATIC_CXXFLAGS)' > $@

-include $(STATIC_OBJECTS:.o=.d) $(STATIC_RUNTIME:.o=.d) $(STATIC_TEST_OBJECTS:.o=.d) $(HURRIED_TIME:.o=.d)
