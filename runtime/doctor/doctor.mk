# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	runtime/doctor/doctor.c runtime/doctor/doctor.h \
	runtime/doctor/doctor-cgroups.c \
	runtime/doctor/doctor-checks.h \
	runtime/doctor/doctor-host.c \
	runtime/doctor/doctor-kernel.c \
	runtime/doctor/doctor-mounts.c \
	runtime/doctor/doctor-namespaces.c \
	runtime/doctor/doctor-programs.c \
	runtime/doctor/doctor-table.c
