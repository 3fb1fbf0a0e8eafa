// SPDX-License-Identifier: MIT
// An SQLite VFS that remembers what was written since the last sync; test's thread.
#include "power.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/rand.h"

enum { MAX_FILES = 4, SECTOR = 512, MAX_PATH_LEN = 256 };

struct write {
    struct write *next;
    sqlite3_int64 offset;
    sqlite3_int64 size_before; // of the file
    int len;
    char bytes[]; // new ones, then the old ones (zero beyond the old end)
};

// A file below the folder that is watched, by name; it stays when it is closed.
struct disk_file {
    char path[MAX_PATH_LEN];
    struct write *first, **last; // since the last sync, oldest first
};

struct power_file {
    sqlite3_file base;
    struct disk_file *disk; // NULL: not watched
    sqlite3_file *real;     // behind this struct
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    sqlite3_io_methods methods;
    char folder[MAX_PATH_LEN];
    struct disk_file files[MAX_FILES];
    size_t count;
    uint64_t steps, cut_at, fail_at;
    void (*on_cut)(void *context);
    void *context;
    bool is_lying;
} power;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct power_file *)(void *)file)->real;
}

static void forget_writes(struct disk_file *disk)
{
    while (disk->first != NULL) {
        struct write *write = disk->first;
        disk->first = write->next;
        xfree(write);
    }
    disk->last = &disk->first;
}

// One step: true when it has to fail.
static bool step(void)
{
    power.steps++;
    if (power.steps == power.cut_at && power.on_cut != NULL)
        power.on_cut(power.context);
    return power.fail_at != 0 && power.steps >= power.fail_at;
}

static void remember(sqlite3_file *real, struct disk_file *disk, const void *bytes, int len,
                     sqlite3_int64 offset)
{
    struct write *write = xcalloc(1, sizeof *write + (size_t)len * 2);
    write->offset = offset;
    write->len = len;
    memcpy(write->bytes, bytes, (size_t)len);
    CHECK(real->pMethods->xFileSize(real, &write->size_before) == SQLITE_OK);
    if (offset < write->size_before) {
        int rc = real->pMethods->xRead(real, write->bytes + len, len, offset);
        CHECK(rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ);
    }
    *disk->last = write;
    disk->last = &write->next;
}

static int on_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
    struct power_file *own = (struct power_file *)(void *)file;
    sqlite3_file *real = own->real;
    if (own->disk != NULL) {
        if (step())
            return SQLITE_FULL;
        remember(real, own->disk, bytes, len, offset);
    }
    return real->pMethods->xWrite(real, bytes, len, offset);
}

static int on_sync(sqlite3_file *file, int flags)
{
    struct power_file *own = (struct power_file *)(void *)file;
    sqlite3_file *real = own->real;
    if (own->disk == NULL)
        return real->pMethods->xSync(real, flags);
    if (step())
        return SQLITE_IOERR_FSYNC;
    if (!power.is_lying)
        forget_writes(own->disk);
    return SQLITE_OK;
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct power_file *own = (struct power_file *)(void *)file;
    if (own->disk != NULL)
        forget_writes(own->disk); // rare here: as if it were synced
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

// ---- what is passed on --------------------------------------------------------------------------

static int on_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}
static int on_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), bytes, len, offset);
}
static int on_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
static int on_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}
static int on_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
static int on_check_lock(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}
static int on_control(sqlite3_file *file, int op, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}
static int on_sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR;
}
// Power-safe overwrite: a sector that is not written keeps what it has.
static int on_device(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}
static int on_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}
static int on_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}
static void on_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}
static int on_shm_unmap(sqlite3_file *file, int is_deleted)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), is_deleted);
}

// ---- files --------------------------------------------------------------------------------------

static struct disk_file *find(const char *path)
{
    size_t len = strlen(power.folder);
    if (path == NULL || len == 0 || strncmp(path, power.folder, len) != 0)
        return NULL;
    for (size_t i = 0; i < power.count; i++) {
        if (strcmp(power.files[i].path, path) == 0)
            return &power.files[i];
    }
    CHECK(power.count < MAX_FILES);
    struct disk_file *disk = &power.files[power.count++];
    (void)snprintf(disk->path, sizeof disk->path, "%s", path);
    disk->last = &disk->first;
    return disk;
}

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
    struct power_file *own = (struct power_file *)(void *)file;
    (void)vfs;
    own->real = (sqlite3_file *)(void *)(own + 1);
    own->disk = NULL;
    own->base.pMethods = NULL;
    int rc = power.real->xOpen(power.real, path, own->real, flags, out);
    if (rc != SQLITE_OK)
        return rc;
    own->disk = find(path);
    own->base.pMethods = &power.methods;
    return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    (void)vfs;
    struct disk_file *disk = find(path);
    if (disk != NULL)
        forget_writes(disk);
    return power.real->xDelete(power.real, path, sync_folder);
}

void power_install(void)
{
    CHECK(sqlite3_initialize() == SQLITE_OK);
    power.real = sqlite3_vfs_find(NULL);
    CHECK(power.real != NULL);
    power.vfs = *power.real;
    power.vfs.zName = "power";
    power.vfs.szOsFile = (int)sizeof(struct power_file) + power.real->szOsFile;
    power.vfs.xOpen = on_open;
    power.vfs.xDelete = on_delete;
    power.methods = (sqlite3_io_methods){
        .iVersion = 2,
        .xClose = on_close,
        .xRead = on_read,
        .xWrite = on_write,
        .xTruncate = on_truncate,
        .xSync = on_sync,
        .xFileSize = on_file_size,
        .xLock = on_lock,
        .xUnlock = on_unlock,
        .xCheckReservedLock = on_check_lock,
        .xFileControl = on_control,
        .xSectorSize = on_sector_size,
        .xDeviceCharacteristics = on_device,
        .xShmMap = on_shm_map,
        .xShmLock = on_shm_lock,
        .xShmBarrier = on_shm_barrier,
        .xShmUnmap = on_shm_unmap,
    };
    CHECK(sqlite3_vfs_register(&power.vfs, 1) == SQLITE_OK);
}

void power_watch(const char *folder)
{
    (void)snprintf(power.folder, sizeof power.folder, "%s/", folder);
}

void power_reset(void)
{
    for (size_t i = 0; i < power.count; i++)
        forget_writes(&power.files[i]);
    power.count = 0;
    power.folder[0] = '\0';
    power.cut_at = power.fail_at = 0;
    power.is_lying = false;
}

uint64_t power_steps(void)
{
    return power.steps;
}

void power_cut_at(uint64_t at, void (*on_cut)(void *context), void *context)
{
    power.cut_at = at;
    power.on_cut = on_cut;
    power.context = context;
}

void power_fail_at(uint64_t at)
{
    power.fail_at = at;
}

void power_lie(bool is_lying)
{
    power.is_lying = is_lying;
}

// ---- the cut ------------------------------------------------------------------------------------

// From the newest write back to the oldest: the file as it was synced.
// NOLINTNEXTLINE(misc-no-recursion): as deep as a test writes between two syncs
static void undo(int fd, const struct write *write)
{
    if (write == NULL)
        return;
    undo(fd, write->next);
    assert_int_equal(pwrite(fd, write->bytes + write->len, (size_t)write->len, write->offset),
                     write->len);
    assert_int_equal(ftruncate(fd, write->size_before), 0);
}

static void redo_some(int fd, const struct write *write, double chance)
{
    for (; write != NULL; write = write->next) {
        for (int at = 0; at < write->len;) {
            int end = (int)(SECTOR - (write->offset + at) % SECTOR) + at;
            int len = (end < write->len ? end : write->len) - at;
            if (rand_unit() < chance)
                assert_int_equal(pwrite(fd, write->bytes + at, (size_t)len, write->offset + at),
                                 len);
            at += len;
        }
    }
}

static void copy(const char *from, int out)
{
    char bytes[65536];
    ssize_t len = 0;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return; // deleted
    while ((len = read(in, bytes, sizeof bytes)) > 0)
        assert_int_equal(write(out, bytes, (size_t)len), len);
    close(in);
}

void power_save(const char *folder)
{
    static const double chances[] = {0, 0.5, 0.9, 1};
    double chance = chances[rand_uint64() % COUNT_OF(chances)];
    for (size_t i = 0; i < power.count; i++) {
        const struct disk_file *disk = &power.files[i];
        char path[MAX_PATH_LEN * 2];
        (void)snprintf(path, sizeof path, "%s%s", folder, strrchr(disk->path, '/'));
        if (access(disk->path, F_OK) != 0) {
            (void)unlink(path);
            continue;
        }
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        copy(disk->path, fd);
        undo(fd, disk->first);
        redo_some(fd, disk->first, chance);
        close(fd);
    }
}
