/* Waits in the place of a daemon that has nothing to do: a program that is nearly nothing but its relocated data, some
 * 100 KB, where the runtime and its heap are two MB. The daemon executes its own file with QMTA_ASLEEP in the
 * environment (Sleep.cs); this function runs before the runtime starts, and waits. When something happens, or it is
 * time, it returns, and the same process goes on: the runtime starts, and the daemon takes up where it was. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VARIABLE "QMTA_ASLEEP="
#define MOST_WAKERS 8

/* All code of this file is in one place, so that waiting takes a page of it. */
#define TOGETHER __attribute__((noinline, section("asleep_code")))
extern char __start_asleep_code, __stop_asleep_code;

/* The managed side asks for this: where it is not linked, as under another kind of runtime, nobody would wait. */
int qmta_can_sleep(void)
{
    return 1;
}

struct memory {
    uintptr_t page;
    int map; /* /proc/self/pagemap; -1 where there is none */
};

/* Not through madvise(), which quick-start.c has a say in. */
TOGETHER static void drop(uintptr_t begin, uintptr_t end)
{
    syscall(SYS_madvise, begin, end - begin, MADV_DONTNEED);
}

/* Lets go of an object's pages that are as they are in its file: those that are needed again come back from there. */
TOGETHER static int let_go(struct dl_phdr_info *object, size_t size, void *data)
{
    const struct memory *memory = data;
    const ElfW(Phdr) *part = object->dlpi_phdr + object->dlpi_phnum;
    (void)size;
    /* The first part, which holds this table, comes last. */
    while (part-- > object->dlpi_phdr) {
        uintptr_t at = object->dlpi_addr + part->p_vaddr, end = at + part->p_memsz;
        int first = part->p_offset == 0;
        if (part->p_type != PT_LOAD) continue;
        at &= ~(memory->page - 1);
        if (!(part->p_flags & PF_W)) drop(at, end);
        /* Of data, those that nobody has written to: present, and a file's (proc_pid_pagemap(5), bits 63 and 61). */
        else for (; at < end; at += memory->page) {
            uint64_t entry;
            if (pread(memory->map, &entry, sizeof entry, (off_t)(at / memory->page * sizeof entry)) != sizeof entry) break;
            if ((entry >> 61 & 5) == 5) drop(at, at + memory->page);
        }
        if (first) break;
    }
    return 0;
}

/* QMTA_ASLEEP=pid time private note waker waker ...: see Sleep.cs. Whatever is wrong with it, the managed side says. */
TOGETHER static void asleep(int argc, char **argv, char **envp)
{
    struct pollfd wakers[MOST_WAKERS];
    nfds_t count = 0;
    struct memory memory = {getauxval(AT_PAGESZ), -1};
    int is_private;
    char *at;
    int milliseconds;
    (void)argc;
    (void)argv;
    while (*envp && strncmp(*envp, VARIABLE, sizeof VARIABLE - 1) != 0) envp++;
    if (!*envp) return;
    at = *envp + sizeof VARIABLE - 1;
    if (strtol(at, &at, 10) != getpid()) return; /* somebody else's */
    milliseconds = (int)strtol(at, &at, 10);
    is_private = strtol(at, &at, 10) != 0;
    strtol(at, &at, 10);
    for (; *at && count < MOST_WAKERS; count++) {
        wakers[count].fd = (int)strtol(at, &at, 10);
        wakers[count].events = POLLIN;
    }
    if (*at || count == 0) return;
    /* A mapping of its own for this code: else its neighbours, whose pages are in the cache, come back with it. */
    at = (char *)((uintptr_t)&__start_asleep_code & ~(memory.page - 1));
    syscall(SYS_madvise, at, &__stop_asleep_code - at, MADV_RANDOM);
    memory.map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (is_private) prctl(PR_SET_DUMPABLE, 0); /* as it was after it had given up root */
    dl_iterate_phdr(let_go, &memory);
    if (memory.map >= 0) close(memory.map);
    poll(wakers, count, milliseconds);
}

/* ld.so calls these before every constructor, with main's arguments (gABI, DT_PREINIT_ARRAY). */
__attribute__((section(".preinit_array"), used)) static void (*const start)(int, char **, char **) = asleep;
