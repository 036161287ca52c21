/* Reads and hashes (SHA-256) every file below a folder: the least that a sweep without memory could do.
 * The measure for benchmarks/discovery/run.sh: readhash TREE [RUNS], an odd number of at most 101, 11 if not given. Prints the
 * median of the runs and the processor time of one, in milliseconds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static unsigned char buffer[1 << 20];
static unsigned char sum;
static long files;

static int visit(const char *path, const struct stat *status, int type, struct FTW *place) {
  (void)status, (void)place;
  if (type != FTW_F) return 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  SHA256_CTX context;
  SHA256_Init(&context);
  for (ssize_t got; (got = read(file, buffer, sizeof buffer)) > 0;) SHA256_Update(&context, buffer, (size_t)got);
  close(file);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256_Final(digest, &context);
  sum ^= digest[0];
  files++;
  return 0;
}

static int ascending(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

int main(int count, char **arguments) {
  int runs = count == 3 ? atoi(arguments[2]) : 11;
  if (count < 2 || count > 3 || runs < 1 || runs > 101) return 2;
  double times[101];
  clock_t used = clock();
  for (int run = 0; run < runs; run++) {
    struct timespec start, end;
    files = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    nftw(arguments[1], visit, 32, FTW_PHYS);
    clock_gettime(CLOCK_MONOTONIC, &end);
    times[run] = (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
  }
  qsort(times, (size_t)runs, sizeof times[0], ascending);
  double processor = (double)(clock() - used) * 1e3 / CLOCKS_PER_SEC / runs;
  printf("files %ld ms %.3f check %02x cpu_ms %.3f\n", files, times[runs / 2], sum, processor);
  return 0;
}
