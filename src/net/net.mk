# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += \
	src/net/net-address.c src/net/net-address.h \
	src/net/net-device.c src/net/net-device.h \
	src/net/net-egress.c src/net/net-egress.h \
	src/net/net-link.h \
	src/net/net-loopback.c src/net/net-loopback.h \
	src/net/net-mnl.c src/net/net-mnl.h \
	src/net/net-tool.c src/net/net-tool.h \
	src/net/net-veth.c src/net/net-veth.h
