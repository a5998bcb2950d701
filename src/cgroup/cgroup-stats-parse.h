/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CGROUP_CGROUP_STATS_PARSE_H
#define HUSK_CGROUP_CGROUP_STATS_PARSE_H

#include "src/cgroup/cgroup-stats.h"

/* Internal to src/cgroup/: the formats of control files. All take text that may be NULL (out of
 * memory, sticky in the arena) or empty, skip lines that they do not understand, and may write into
 * it. */

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and the same with "full". */
void cgroup_psi_parse(const char *text, struct cgroup_stat_psi *psi);
/* Numbers with blanks between. Returns the count. */
size_t cgroup_numbers_parse(const char *text, struct arena *a, const uint64_t **out);
/* v1 cpuacct.usage_all: "cpu user system", then a line per CPU. */
void cgroup_percpu_parse(const char *text, struct arena *a, struct cgroup_stats *s);
/* "key value" lines. */
size_t cgroup_pairs_parse(char *text, struct arena *a, const struct cgroup_stat_pair **out);
/* v1 blkio: "8:0 Read 4096", or "8:0 4096" without a kind; "Total 4096" at the end. */
void cgroup_blkio_parse(char *text, struct arena *a, struct cgroup_stat_blkio_list *list);
/* v2 io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6". */
void cgroup_io_stat_parse(char *text, struct arena *a, struct cgroup_stat_blkio_list *bytes,
			  struct cgroup_stat_blkio_list *operations);
/* "mlx5_0 hca_handle=2 hca_object=max". */
size_t cgroup_rdma_parse(char *text, struct arena *a, const struct cgroup_stat_rdma **out);

#endif
