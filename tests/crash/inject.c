// inject: runs a command and everything it starts under ptrace, counts the system calls that matter, and makes one of
// them the last of its process, or fail. It can also write down what the calls did to files.
//
//   inject [-b DIR] [-l LOG] [-s kill|fault] [-k PROGRAM:N | -e PROGRAM:N:ERRNO] [-t SECONDS] COMMAND [ARGUMENT...]
//
// Calls are counted for each program of DIR by itself, from 1: "the 7th call of qmail-queue" is the same call in every
// run, whatever other programs do meanwhile. -s kill counts calls that change state; -s fault counts reads and the like
// too. -k kills the process when it begins its N-th call; -e has that call fail without being done.
// A seccomp filter stops the programs at these calls alone, so that they run nearly at their usual speed.
// Exit code: the command's; 99 after trouble of its own; 98 when the time was up and everything was killed.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { PATH, PATH2, AT, AT2, FD, PROCESS, EXIT, NEWSOCKET };

struct call {
    int number;
    const char *name;
    enum kind kind;
    int changes; // whether it is among the calls of -s kill
    int path;    // which argument is the (first) path, or its directory for AT
};

static const struct call calls[] = {
#ifdef __NR_open
    { __NR_open, "open", PATH, 1, 0 },
    { __NR_link, "link", PATH2, 1, 0 },
    { __NR_unlink, "unlink", PATH, 1, 0 },
    { __NR_rename, "rename", PATH2, 1, 0 },
    { __NR_mkdir, "mkdir", PATH, 1, 0 },
    { __NR_rmdir, "rmdir", PATH, 1, 0 },
    { __NR_pipe, "pipe", NEWSOCKET, 0, 0 },
    { __NR_fork, "fork", PROCESS, 1, 0 },
    { __NR_vfork, "vfork", PROCESS, 1, 0 },
    { __NR_poll, "poll", NEWSOCKET, 0, 0 },
#endif
    { __NR_openat, "openat", AT, 1, 0 },
    { __NR_linkat, "linkat", AT2, 1, 0 },
    { __NR_unlinkat, "unlinkat", AT, 1, 0 },
#ifdef __NR_renameat
    { __NR_renameat, "renameat", AT2, 1, 0 },
#endif
    { __NR_renameat2, "renameat2", AT2, 1, 0 },
    { __NR_mkdirat, "mkdirat", AT, 1, 0 },
    { __NR_utimensat, "utimensat", AT, 1, 0 },
    { __NR_write, "write", FD, 1, 0 },
    { __NR_writev, "writev", FD, 1, 0 },
    { __NR_pwrite64, "pwrite64", FD, 1, 0 },
    { __NR_fsync, "fsync", FD, 1, 0 },
    { __NR_fdatasync, "fdatasync", FD, 1, 0 },
    { __NR_sync_file_range, "sync_file_range", FD, 1, 0 },
    { __NR_ftruncate, "ftruncate", FD, 1, 0 },
    { __NR_fsetxattr, "fsetxattr", FD, 1, 0 },
    { __NR_fremovexattr, "fremovexattr", FD, 1, 0 },
    { __NR_sendto, "sendto", FD, 1, 0 },
    { __NR_sendmsg, "sendmsg", FD, 1, 0 },
    { __NR_connect, "connect", FD, 1, 0 },
    { __NR_accept, "accept", FD, 1, 0 },
    { __NR_accept4, "accept4", FD, 1, 0 },
    { __NR_bind, "bind", FD, 1, 0 },
    { __NR_execve, "execve", PROCESS, 1, 0 },
    { __NR_clone, "clone", PROCESS, 1, 0 },
    { __NR_clone3, "clone3", PROCESS, 1, 0 },
    { __NR_exit_group, "exit_group", EXIT, 1, 0 },
    { __NR_read, "read", FD, 0, 0 },
    { __NR_pread64, "pread64", FD, 0, 0 },
    { __NR_lseek, "lseek", FD, 0, 0 },
    { __NR_flock, "flock", FD, 0, 0 },
    { __NR_getdents64, "getdents64", FD, 0, 0 },
    { __NR_statx, "statx", AT, 0, 0 },
    { __NR_chdir, "chdir", PATH, 0, 0 },
    { __NR_socket, "socket", NEWSOCKET, 0, 0 },
    { __NR_socketpair, "socketpair", NEWSOCKET, 0, 0 },
    { __NR_listen, "listen", FD, 0, 0 },
    { __NR_recvfrom, "recvfrom", FD, 0, 0 },
    { __NR_recvmsg, "recvmsg", FD, 0, 0 },
    { __NR_pipe2, "pipe2", NEWSOCKET, 0, 0 },
    { __NR_ppoll, "ppoll", NEWSOCKET, 0, 0 },
    { __NR_memfd_create, "memfd_create", NEWSOCKET, 0, 0 },
    { __NR_dup3, "dup3", FD, 0, 0 },
};

#define CALLS (int)(sizeof calls / sizeof *calls)
#define TASKS 4096

// What makes an open() a change. Files without names are one: they may get one.
#define CREATES (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

struct task {
    pid_t tid, group;
    char program[64]; // "" when it is not one of DIR
    int inside;       // index of the call whose end is awaited, plus one
    long begun, inode;
    char text[3 * PATH_MAX];
    char *data;
    long length;
};

static struct task tasks[TASKS];
static struct { char name[64]; int count; } programs[32];
static const char *bin = "", *target = "";
static size_t bin_length;
static FILE *record;
static int only_changes = 1, number, error, deadly;
static long sequence;
static pid_t leader;

static void die(const char *what)
{
    fprintf(stderr, "inject: unable to %s: %s\n", what, strerror(errno));
    exit(99);
}

static void too_long(int signal)
{
    (void)signal;
    for (int i = 0; i < TASKS; i++)
        if (tasks[i].tid) kill(tasks[i].tid, SIGKILL);
    if (record) fflush(record);
    _exit(98);
}

static struct task *find(pid_t tid, int make)
{
    struct task *free_one = NULL;
    for (int i = 0; i < TASKS; i++) {
        if (tasks[i].tid == tid) return &tasks[i];
        if (!tasks[i].tid && !free_one) free_one = &tasks[i];
    }
    if (!make) return NULL;
    if (!free_one) { errno = EAGAIN; die("keep track of so many threads"); }
    memset(free_one, 0, sizeof *free_one);
    free_one->tid = tid;
    return free_one;
}

static ssize_t look(pid_t tid, const char *what, char *into, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", tid, what);
    ssize_t n = readlink(path, into, size - 1);
    into[n < 0 ? 0 : n] = 0;
    return n;
}

// Which program it is, by its file; and which process it belongs to.
static void identify(struct task *task)
{
    char path[PATH_MAX], line[256];
    task->program[0] = 0;
    look(task->tid, "exe", path, sizeof path);
    if (bin_length && strncmp(path, bin, bin_length) == 0 && path[bin_length] == '/')
        snprintf(task->program, sizeof task->program, "%.60s", path + bin_length + 1);
    snprintf(path, sizeof path, "/proc/%d/status", task->tid);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, "Tgid: %d", &task->group);
    if (status) fclose(status);
}

static long fetch(pid_t tid, uint64_t address, char *into, long size)
{
    struct iovec here = { into, size }, there = { (void *)(uintptr_t)address, size };
    long n = process_vm_readv(tid, &here, 1, &there, 1, 0);
    return n < 0 ? 0 : n;
}

static void fetch_string(pid_t tid, uint64_t address, char *into, size_t size)
{
    size_t filled = 0;
    while (filled + 1 < size) {
        // not across a page, which may be the last one there is
        size_t piece = 4096 - (address + filled) % 4096;
        if (piece > size - 1 - filled) piece = size - 1 - filled;
        long n = fetch(tid, address + filled, into + filled, piece);
        if (n <= 0) break;
        if (memchr(into + filled, 0, n)) return;
        filled += n;
    }
    into[filled] = 0;
}

// An absolute path from a directory's descriptor and a name.
static void resolve(pid_t tid, int directory, uint64_t name, char *into, size_t size)
{
    char relative[PATH_MAX], base[PATH_MAX], what[64];
    fetch_string(tid, name, relative, sizeof relative);
    if (relative[0] == '/') { snprintf(into, size, "%s", relative); return; }
    if (directory == AT_FDCWD) look(tid, "cwd", base, sizeof base);
    else {
        snprintf(what, sizeof what, "fd/%d", directory);
        look(tid, what, base, sizeof base);
    }
    const char *rest = relative;
    while (rest[0] == '.' && rest[1] == '/') rest += 2;
    if (!*rest || !strcmp(rest, ".")) snprintf(into, size, "%s", base);
    else snprintf(into, size, "%s/%s", base, rest);
}

// What only the runtime and the loader do, on files that are not mail's.
static int is_foreign(const char *path)
{
    static const char *const begin[] = { "/proc/", "/sys/", "/usr/", "/lib", "/dev/", "/etc/ld", "anon_inode:[eventfd]" };
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++)
        if (!strncmp(path, begin[i], strlen(begin[i]))) return strncmp(path, "/dev/shm/", 9) != 0;
    return bin_length && !strncmp(path, bin, bin_length);
}

// Fills in what the call is about; 0 when it is not one that counts.
static int describe(struct task *task, const struct call *call, const uint64_t *a)
{
    char first[PATH_MAX] = "", second[PATH_MAX] = "", what[64];
    struct stat status;
    free(task->data);
    task->data = NULL;
    task->length = 0;
    task->inode = 0;
    task->text[0] = 0;
    switch (call->kind) {
    case PATH:
        resolve(task->tid, AT_FDCWD, a[0], first, sizeof first);
        if (call->number != __NR_chdir && !strcmp(call->name, "open") && only_changes && !(a[1] & CREATES)) return 0;
        break;
    case PATH2:
        resolve(task->tid, AT_FDCWD, a[0], first, sizeof first);
        resolve(task->tid, AT_FDCWD, a[1], second, sizeof second);
        break;
    case AT:
        resolve(task->tid, (int)a[0], a[1], first, sizeof first);
        if (call->number == __NR_openat && only_changes && !(a[2] & CREATES)) return 0;
        break;
    case AT2:
        resolve(task->tid, (int)a[0], a[1], first, sizeof first);
        resolve(task->tid, (int)a[2], a[3], second, sizeof second);
        snprintf(what, sizeof what, "/proc/%d/fd/%d", task->tid, (int)a[0]);
        if (call->number == __NR_linkat && (a[4] & AT_EMPTY_PATH) && stat(what, &status) == 0) task->inode = (long)status.st_ino;
        break;
    case FD: {
        snprintf(what, sizeof what, "fd/%d", (int)a[0]);
        if (look(task->tid, what, first, sizeof first) < 0) return 0;
        if (a[0] == 2 && call->number == __NR_write) return 0; // the log
        char path[96];
        snprintf(path, sizeof path, "/proc/%d/fd/%d", task->tid, (int)a[0]);
        if (stat(path, &status) == 0) task->inode = (long)status.st_ino;
        long long offset = -1;
        if (record && (call->number == __NR_write || call->number == __NR_pwrite64)) {
            if (call->number == __NR_pwrite64) offset = (long long)a[3];
            else {
                unsigned flags = 0;
                char line[128];
                snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", task->tid, (int)a[0]);
                FILE *info = fopen(path, "r");
                while (info && fgets(line, sizeof line, info)) {
                    sscanf(line, "pos: %lld", &offset);
                    sscanf(line, "flags: %o", &flags);
                }
                if (info) fclose(info);
                if (flags & O_APPEND) offset = (long long)status.st_size;
            }
            task->data = malloc(a[2] + 1);
            task->length = task->data ? fetch(task->tid, a[1], task->data, (long)a[2]) : 0;
        }
        if (call->number == __NR_ftruncate) offset = (long long)a[1];
        if (call->number == __NR_sync_file_range) offset = (long long)a[3]; // the flags: the range is always everything
        if (record && call->number == __NR_fsetxattr) {
            task->data = malloc(a[3] + 1);
            task->length = task->data ? fetch(task->tid, a[2], task->data, (long)a[3]) : 0;
        }
        snprintf(second, sizeof second, "%lld", offset);
        break;
    }
    case PROCESS:
        if ((call->number == __NR_clone && (a[0] & CLONE_THREAD)) || call->number == __NR_clone3) {
            uint64_t flags = a[0];
            if (call->number == __NR_clone3 && fetch(task->tid, a[0], (char *)&flags, sizeof flags) != sizeof flags) return 0;
            if (flags & CLONE_THREAD) return 0;
        }
        if (call->number == __NR_execve) fetch_string(task->tid, a[0], first, sizeof first);
        break;
    case EXIT:
        snprintf(first, sizeof first, "%d", (int)a[0]);
        break;
    case NEWSOCKET:
        break;
    }
    if (call->kind != PROCESS && is_foreign(first)) return 0;
    if (call->number == __NR_utimensat) {
        struct { long long seconds, nanoseconds; } times[2];
        if (fetch(task->tid, a[2], (char *)times, sizeof times) == sizeof times) snprintf(second, sizeof second, "%lld", times[1].seconds);
    }
    if (call->number == __NR_openat) snprintf(second, sizeof second, "%d", (int)a[2]);
    if (!strcmp(call->name, "open")) snprintf(second, sizeof second, "%d", (int)a[1]);
    snprintf(task->text, sizeof task->text, "%s\t%s", first, second);
    return 1;
}

static int count(const char *program)
{
    int i = 0;
    while (i < 32 && programs[i].name[0] && strcmp(programs[i].name, program)) i++;
    if (i == 32) { errno = E2BIG; die("count so many programs"); }
    if (!programs[i].name[0]) snprintf(programs[i].name, sizeof programs[i].name, "%s", program);
    return ++programs[i].count;
}

// Lets the call a task has begun fail without being done.
static void refuse(pid_t tid)
{
#if defined(__x86_64__)
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, tid, 0, &registers) < 0) die("read registers");
    registers.orig_rax = (unsigned long long)-1;
    registers.rax = (unsigned long long)-error;
    if (ptrace(PTRACE_SETREGS, tid, 0, &registers) < 0) die("write registers");
#elif defined(__aarch64__)
    int none = -1;
    struct user_regs_struct registers;
    struct iovec system = { &none, sizeof none }, general = { &registers, sizeof registers };
    if (ptrace(PTRACE_SETREGSET, tid, 0x404 /* NT_ARM_SYSTEM_CALL */, &system) < 0) die("skip a call");
    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &general) < 0) die("read registers");
    registers.regs[0] = (unsigned long long)-error;
    if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &general) < 0) die("write registers");
#else
#error "how to make a system call fail is not known for this processor"
#endif
}

// A task is about to do a call of the table. Returns how it goes on.
static int begins(struct task *task)
{
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof info, &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_SECCOMP) return PTRACE_CONT;
    int index = 0;
    while (index < CALLS && calls[index].number != (int)info.seccomp.nr) index++;
    if (index == CALLS || (only_changes && !calls[index].changes)) return PTRACE_CONT;
    if (!task->program[0] && !record) return PTRACE_CONT;
    if (!describe(task, &calls[index], (const uint64_t *)info.seccomp.args)) return PTRACE_CONT;
    int nth = task->program[0] ? count(task->program) : 0;
    task->begun = ++sequence;
    // An exit cannot fail.
    int chosen = number && nth == number && !strcmp(task->program, target) && (deadly || calls[index].kind != EXIT);
    if (record && (chosen || calls[index].kind == EXIT))
        fprintf(record, "%ld\t%ld\t%d\t%s\t%d\t%s\t%ld\t%s\t%s\t\n", task->begun, ++sequence, task->group, task->program, nth, calls[index].name,
            task->inode, chosen ? "chosen" : "0", task->text);
    if (chosen && deadly) {
        kill(task->group, SIGKILL);
        return PTRACE_CONT;
    }
    if (chosen) {
        refuse(task->tid);
        return PTRACE_CONT;
    }
    if (!record || calls[index].kind == EXIT) return PTRACE_CONT;
    task->inside = index + 1;
    snprintf(task->text + strlen(task->text), 32, "\t%d", nth);
    return PTRACE_SYSCALL;
}

// A call that is written down has ended.
static void ends(struct task *task)
{
    struct __ptrace_syscall_info info;
    const struct call *call = &calls[task->inside - 1];
    task->inside = 0;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof info, &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_EXIT) return;
    long long result = info.exit.rval;
    struct stat status;
    char path[96];
    if (result >= 0 && (!strcmp(call->name, "open") || call->number == __NR_openat)) {
        snprintf(path, sizeof path, "/proc/%d/fd/%lld", task->tid, result);
        if (stat(path, &status) == 0) task->inode = (long)status.st_ino;
    }
    char *nth = strrchr(task->text, '\t');
    *nth++ = 0;
    fprintf(record, "%ld\t%ld\t%d\t%s\t%s\t%s\t%ld\t%lld\t%s\t", task->begun, ++sequence, task->group, task->program, nth, call->name,
        task->inode, result, task->text);
    if (call->number == __NR_fsetxattr && result == 0) result = task->length;
    for (long i = 0; i < task->length && i < result; i++) fprintf(record, "%02x", (unsigned char)task->data[i]);
    fputc('\n', record);
}

static void filter(void)
{
    struct sock_filter program[CALLS + 4];
    int at = 0;
    program[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < CALLS; i++)
        program[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
            only_changes && !calls[i].changes ? 0xffffffff : (unsigned)calls[i].number, (unsigned char)(CALLS - i), 0);
    program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    struct sock_fprog whole = { (unsigned short)at, program };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole)) die("install the filter");
}

int main(int argc, char **argv)
{
    int option, seconds = 60;
    while ((option = getopt(argc, argv, "+b:l:s:k:e:t:")) != -1) {
        char *colon = optarg ? strchr(optarg, ':') : NULL;
        switch (option) {
        case 'b': bin = optarg; bin_length = strlen(bin); break;
        case 'l': record = fopen(optarg, "we"); if (!record) die("write the log"); break;
        case 's': only_changes = !strcmp(optarg, "kill"); break;
        case 't': seconds = atoi(optarg); break;
        case 'k': case 'e':
            if (!colon) goto usage;
            *colon = 0;
            target = optarg;
            number = atoi(colon + 1);
            deadly = option == 'k';
            if (!deadly) {
                colon = strchr(colon + 1, ':');
                if (!colon) goto usage;
                error = atoi(colon + 1);
            }
            break;
        default: goto usage;
        }
    }
    if (optind == argc) {
    usage:
        fprintf(stderr, "usage: inject [-b DIR] [-l LOG] [-s kill|fault] [-k PROGRAM:N | -e PROGRAM:N:ERRNO] [-t SECONDS] COMMAND [ARGUMENT...]\n");
        return 99;
    }
    leader = fork();
    if (leader < 0) die("fork");
    if (leader == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0) die("be traced");
        raise(SIGSTOP);
        filter();
        execvp(argv[optind], argv + optind);
        die("run the command");
    }
    int status, code = 99;
    if (waitpid(leader, &status, 0) < 0) die("wait");
    if (ptrace(PTRACE_SETOPTIONS, leader, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE
            | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC) < 0) die("trace");
    identify(find(leader, 1));
    signal(SIGALRM, too_long);
    alarm((unsigned)seconds);
    ptrace(PTRACE_CONT, leader, 0, 0);
    while (1) {
        pid_t tid = waitpid(-1, &status, __WALL);
        if (tid < 0) {
            if (errno == EINTR) continue;
            break; // nobody is left
        }
        struct task *task = find(tid, WIFSTOPPED(status));
        if (!WIFSTOPPED(status)) {
            if (task) { free(task->data); task->data = NULL; task->tid = 0; }
            if (tid == leader) code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            continue;
        }
        int signal_number = WSTOPSIG(status), go = PTRACE_CONT, event = status >> 16;
        if (!task->group) identify(task);
        if (event == PTRACE_EVENT_SECCOMP) { go = begins(task); signal_number = 0; }
        else if (event == PTRACE_EVENT_EXEC) {
            task->inside = 0;
            identify(task);
            signal_number = 0;
        }
        else if (event) signal_number = 0;
        else if (signal_number == (SIGTRAP | 0x80)) {
            if (task->inside) ends(task);
            signal_number = 0;
        }
        else if (signal_number == SIGSTOP || signal_number == SIGTRAP) signal_number = 0;
        if (!event && task->inside && go == PTRACE_CONT) go = PTRACE_SYSCALL;
        if (event && task->inside) go = PTRACE_SYSCALL;
        ptrace(go, tid, 0, (long)signal_number);
    }
    for (int i = 0; i < 32 && programs[i].name[0]; i++)
        if (record) fprintf(record, "#\t%s\t%d\n", programs[i].name, programs[i].count);
    if (record && fclose(record)) die("write the log");
    return code;
}
