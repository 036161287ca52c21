# Builds, tests and installs a nexo plugin in C or Swift; needs gcc or clang, and for Swift the host's own toolchain.
# A plugin's Makefile sets ID and SOURCES (and NEXO_SDK, the folder of this file) and includes it:
#
#   make                          lib$(ID).so, beside plugin.toml
#   make test                     the program test.c, which runs the library in a host in memory
#   make install EXTENSIONS=DIR   the folder DIR/$(ID), complete before the host sees it
#
# SPDX-License-Identifier: Apache-2.0

CC ?= cc
SWIFTC ?= swiftc
CFLAGS ?= -O2 -Wall -Wextra -Wno-unused-parameter
# Small: half the size of -O, because what the plugin does not use of PluginKit is left out.
SWIFTFLAGS ?= -Osize -Xfrontend -function-sections -Xfrontend -internalize-at-link
EXTENSIONS ?= extensions

LIBRARY := lib$(ID).so
WORK := build
HEADERS := $(wildcard $(NEXO_SDK)/include/*.h)
HARDENED := -z defs -z now -z nodelete -z relro -Bsymbolic --exclude-libs ALL --gc-sections \
  --version-script=$(NEXO_SDK)/exports.map
comma := ,
empty :=
space := $(empty) $(empty)

C_SOURCES := $(filter %.c,$(SOURCES))
SWIFT_SOURCES := $(filter %.swift,$(SOURCES))

all: $(LIBRARY)

$(WORK):
	mkdir -p $@

ifeq ($(SWIFT_SOURCES),)

$(LIBRARY): $(C_SOURCES) $(HEADERS) | $(WORK)
	$(CC) -std=gnu11 $(CFLAGS) -fPIC -fvisibility=hidden -pthread -shared -I$(NEXO_SDK)/include \
	  -Wl,$(subst $(space),$(comma),$(strip $(HARDENED))) -o $(WORK)/$@ $(C_SOURCES) $(LDLIBS)
	mv $(WORK)/$@ $@

else

MODULE := $(subst -,_,$(ID))_plugin
SWIFT := $(SWIFTC) -swift-version 6 -parse-as-library -wmo $(SWIFTFLAGS) -I $(NEXO_SDK)/include \
  -Xcc -fmodule-map-file=$(abspath $(NEXO_SDK)/include/module.modulemap)
FEATURES := $(foreach f,ExistentialAny MemberImportVisibility InternalImportsByDefault,-enable-upcoming-feature $(f))

$(WORK)/PluginKit.o: $(wildcard $(NEXO_SDK)/PluginKit/*.swift) $(HEADERS) | $(WORK)
	$(SWIFT) $(FEATURES) -module-name PluginKit -emit-module -emit-module-path $(WORK)/PluginKit.swiftmodule \
	  -c $(filter %.swift,$^) -o $@

$(WORK)/plugin.o: $(SWIFT_SOURCES) $(WORK)/PluginKit.o
	$(SWIFT) -module-name $(MODULE) -I $(WORK) -c $(SWIFT_SOURCES) -o $@

$(WORK)/entry.o: $(C_SOURCES) $(HEADERS) | $(WORK)
	$(CC) -std=gnu11 $(CFLAGS) -fPIC -fvisibility=hidden -I$(NEXO_SDK)/include -c $(C_SOURCES) -o $@

$(LIBRARY): $(WORK)/entry.o $(WORK)/plugin.o $(WORK)/PluginKit.o
	$(SWIFTC) -emit-library -use-ld=lld $(foreach f,$(HARDENED),-Xlinker $(f)) $^ -o $(WORK)/$@ $(LDLIBS)
	mv $(WORK)/$@ $@

endif

$(WORK)/test: test.c $(wildcard $(NEXO_SDK)/testhost/*.c) $(HEADERS) | $(WORK)
	$(CC) -std=c11 $(CFLAGS) -D_GNU_SOURCE -pthread -I$(NEXO_SDK)/include -I$(NEXO_SDK)/testhost/include \
	  $(filter %.c,$^) -ldl -lm -o $@

test: $(WORK)/test $(LIBRARY)
	$(WORK)/test ./$(LIBRARY)

install: $(LIBRARY)
	mkdir -p $(EXTENSIONS)/$(ID)
	cp $(LIBRARY) $(EXTENSIONS)/$(ID)/.$(LIBRARY).new
	mv $(EXTENSIONS)/$(ID)/.$(LIBRARY).new $(EXTENSIONS)/$(ID)/$(LIBRARY)
	cp plugin.toml $(EXTENSIONS)/$(ID)/.plugin.toml.new
	mv $(EXTENSIONS)/$(ID)/.plugin.toml.new $(EXTENSIONS)/$(ID)/plugin.toml

clean:
	rm -rf $(WORK) $(LIBRARY)

.PHONY: all test install clean
