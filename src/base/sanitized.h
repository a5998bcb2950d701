/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_BASE_SANITIZED_H
#define HUSK_BASE_SANITIZED_H

/*
 * SANITIZED: 1 when this is compiled with a sanitizer that keeps notes about memory beside it, or makes system calls
 * of its own. clang has a feature for each, gcc a macro.
 */
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
	__has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
