/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/cgroup-limits.h"

/* Weights of v1 in terms of v2. */

/* log2 of @x >= 1, by squaring: each step gives one more bit. 52 bits are what a double holds. libm
 * is not worth being linked and loaded for two functions. */
static double log2_of(double x)
{
	double result = 0, bit = 1;

	while (x >= 2) {
		x /= 2;
		result += 1;
	}
	for (int i = 0; i < 52; i++) {
		x *= x;
		bit /= 2;
		if (x >= 2) {
			x /= 2;
			result += bit;
		}
	}
	return result;
}

/* 10 to the power of 0 <= @x < 5: whole powers, and a Taylor series of e^(x ln 10) for the rest. */
static double power_of_ten(double x)
{
	static const double ln10 = 2.302585092994045684;
	double whole = 1, sum = 1, term = 1;

	for (; x >= 1; x -= 1)
		whole *= 10;
	for (int i = 1; i < 40; i++) {
		term *= x * ln10 / i;
		sum += term;
	}
	return whole * sum;
}

/*
 * The conversion that runc has used since 1.3.2 and crun since 1.23: with L = log2(shares),
 * weight = ceil(10^((L^2 + 125 L) / 612 - 7/34)). It maps minimum, default and maximum of one scale
 * to those of the other (2, 1024, 262144 -> 1, 100, 10000). The linear one before it made 39 of the
 * default, so that containers with ordinary shares got 39 % of an ordinary process's weight.
 */
uint64_t cgroup_weight_of_shares(uint64_t shares)
{
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	double l = log2_of((double)shares);
	double weight = power_of_ten((l * l + 125 * l) / 612 - 7.0 / 34);
	uint64_t floor = (uint64_t)weight;

	/* ceil(), but what is a whole number but for rounding (1024 -> 100) stays one. */
	return weight - (double)floor > 1e-9 ? floor + 1 : floor;
}

/* Linear from 10..1000 to 1..10000, as runc and crun do for io.weight. */
uint64_t cgroup_weight_of_blkio(uint64_t weight)
{
	return weight < 10 ? 1 : 1 + (weight - 10) * 9999 / 990;
}
