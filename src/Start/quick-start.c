/* What the .NET runtime looks up before Main, answered without asking: linked into every executable. The runtime
 * prepares each process for a large heap on a large machine. It reads the mount table and cgroup files twice, the
 * memory statistics at every collection, the NUMA nodes, its own memory map; it starts a thread for finalizers; it
 * marks and unmarks each piece of its heap. For a program that queues one message and ends this is half of all its
 * processor time, and no setting turns it off. The linker sends these calls here (--wrap in aot.props); what a
 * later runtime no longer calls is left out. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#if defined __x86_64__ && __GLIBC_PREREQ(2, 33)
#include <sys/platform/x86.h>
#endif

extern char **environ;

/* The command line as it came, for Programs.cs: Main gets it decoded, /proc/self/cmdline costs a look-up and four
 * calls. Functions of .preinit_array get main's arguments (gABI, DT_PREINIT_ARRAY). */
static int word_count;
static char **words;

static void remember(int argc, char **argv, char **envp)
{
    (void)envp;
    word_count = argc;
    words = argv;
}
__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) = remember;

int qmta_command_line(char ***to)
{
    *to = words;
    return word_count;
}

/* Only the runtime opens streams: for limits and shares of a cgroup, for free memory, for the sizes of caches. The
 * heap has a fixed limit (GCHeapHardLimit), and the first generation a fixed size, so that none of them matters. */
FILE *__wrap_fopen64(const char *path, const char *mode)
{
    (void)path;
    (void)mode;
    errno = ENOENT;
    return NULL;
}

/* What else these would look up: InitializeCGroup(), InitializeCpuCGroup(). */
void __wrap__Z16InitializeCGroupv(void)
{
}

void __wrap__Z19InitializeCpuCGroupv(void)
{
}

/* NUMASupportInitialize(): without it memory comes from any node. */
void __wrap__Z21NUMASupportInitializev(void)
{
}

/* The C library counts processors by a file. Those this process may run on are as good a number, and one system
 * call. */
long __real_sysconf(int name);
long __wrap_sysconf(int name)
{
    cpu_set_t allowed;
    if ((name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF)
        && sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        return CPU_COUNT(&allowed);
    return __real_sysconf(name);
}

/* The first thread's stack lies below its environment. The C library finds the same in /proc/self/maps. */
int __real_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes);
int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    struct rlimit limit;
    uintptr_t here = (uintptr_t)&limit, end = ((uintptr_t)environ + 4095) & ~(uintptr_t)4095, size = 8 << 20;
    int error;
    if (gettid() != getpid() || getrlimit(RLIMIT_STACK, &limit) != 0)
        return __real_pthread_getattr_np(thread, attributes);
    if (limit.rlim_cur < size) size = limit.rlim_cur & ~(uintptr_t)4095;
    /* An environment that was moved says nothing. */
    if (here >= end || end - here >= size) return __real_pthread_getattr_np(thread, attributes);
    error = pthread_attr_init(attributes);
    return error ? error : pthread_attr_setstack(attributes, (void *)(end - size), size);
}

/* The heap is reserved as memory that may be written, and not page by page as it grows: what is not touched costs
 * nothing either way. Where that is refused, by a limit on data or on overcommitment, it is reserved as the
 * runtime wanted it. */
static bool page_by_page;

void *__real_mmap64(void *address, size_t length, int protection, int flags, int file, off64_t offset);
void *__wrap_mmap64(void *address, size_t length, int protection, int flags, int file, off64_t offset)
{
    if (protection == PROT_NONE && (flags & ~MAP_FIXED) == (MAP_PRIVATE | MAP_ANONYMOUS)) {
        void *memory = __real_mmap64(address, length, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, file, offset);
        if (memory != MAP_FAILED) return memory;
        page_by_page = true;
    }
    return __real_mmap64(address, length, protection, flags, file, offset);
}

/* GCToOSInterface::VirtualCommit(void *, size_t, uint16_t), of a 64-bit machine */
bool __real__ZN15GCToOSInterface13VirtualCommitEPvmt(void *address, size_t size, uint16_t node);
bool __wrap__ZN15GCToOSInterface13VirtualCommitEPvmt(void *address, size_t size, uint16_t node)
{
    return !page_by_page || __real__ZN15GCToOSInterface13VirtualCommitEPvmt(address, size, node);
}

/* Whether a piece is part of a core dump is not worth a call for each. That it is made of small pages is: a huge
 * one would be cleared and counted as a whole for a few objects. */
int __real_madvise(void *address, size_t length, int advice);
int __wrap_madvise(void *address, size_t length, int advice)
{
    if (advice == MADV_DODUMP) return 0;
    return __real_madvise(address, length, advice == MADV_DONTDUMP ? MADV_NOHUGEPAGE : advice);
}

/* The thread that runs finalizers starts when a collection has found something for it. */
typedef uint32_t (*ThreadStart)(void *context);
static ThreadStart start;
static void *start_context;

bool __wrap_PalStartFinalizerThread(ThreadStart function, void *context)
{
    start_context = context;
    __atomic_store_n(&start, function, __ATOMIC_RELEASE);
    return true;
}

/* RhEnableFinalization() */
bool __real_PalStartFinalizerThread(ThreadStart function, void *context);
void __real__Z20RhEnableFinalizationv(void);
void __wrap__Z20RhEnableFinalizationv(void)
{
    ThreadStart function = __atomic_exchange_n(&start, NULL, __ATOMIC_ACQ_REL);
    if (function && !__real_PalStartFinalizerThread(function, start_context))
        __atomic_store_n(&start, function, __ATOMIC_RELEASE); /* the next collection tries again */
    __real__Z20RhEnableFinalizationv();
}

/* In a static program: where its file is, for libraries to be found beside it. It loads none. */
const char *__wrap__dl_get_origin(void)
{
    return (const char *)-1;
}

/* The instruction sets of the processor. Asking it is a trap in a virtual machine, of some microseconds each time,
 * twenty times. The C library has asked already: when what the program was compiled for is there, that is all it
 * uses. */
int __real_minipal_getcpufeatures(void);
int __wrap_minipal_getcpufeatures(void)
{
#if defined __x86_64__ && defined CPU_FEATURE_ACTIVE
    extern int g_requiredCpuFeatures;
    if (CPU_FEATURE_ACTIVE(SSE4_2) && CPU_FEATURE_ACTIVE(POPCNT)) return g_requiredCpuFeatures;
#endif
    return __real_minipal_getcpufeatures();
}
