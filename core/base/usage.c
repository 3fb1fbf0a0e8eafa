// SPDX-License-Identifier: MIT
// What this process uses of the machine: getrusage(2) and proc(5); any thread.
#include "base/usage.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

// statm: pages in all, resident pages, ...
static uint64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    uint64_t all = 0;
    uint64_t resident = 0;
    if (file == NULL)
        return 0;
    // NOLINTNEXTLINE(cert-err34-c): the kernel writes numbers
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &all, &resident) != 2)
        resident = 0;
    (void)fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    uint64_t count = 0;
    if (dir == NULL)
        return 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    for (const struct dirent *entry = NULL; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count - 1; // without that of `dir`
}

void usage_read(struct usage *out)
{
    struct rusage rusage = {0};
    struct rlimit limit = {0};
    (void)getrusage(RUSAGE_SELF, &rusage); // cannot fail for SELF
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    *out = (struct usage){
        .cpu_seconds = seconds(&rusage.ru_utime) + seconds(&rusage.ru_stime),
        .resident_bytes = resident_bytes(),
        .open_files = open_files(),
        .most_files = limit.rlim_cur,
    };
}
