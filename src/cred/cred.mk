# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	src/cred/cred-caps.c src/cred/cred-caps.h \
	src/cred/cred-fields.c src/cred/cred-fields.h \
	src/cred/cred-ids.c src/cred/cred-ids.h \
	src/cred/cred-keyring.c src/cred/cred-keyring.h \
	src/cred/cred-map-tool.c \
	src/cred/cred-names.h \
	src/cred/cred-sched.c src/cred/cred-sched.h \
	src/cred/cred-sets.c \
	src/cred/cred-user.c src/cred/cred-user.h
