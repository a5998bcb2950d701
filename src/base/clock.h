/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_BASE_CLOCK_H
#define HUSK_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC: for time-outs and how long something took. It cannot fail (clock_gettime(2)). */
int64_t clock_now_msec(void);
uint64_t clock_now_usec(void);

#endif
