// Every function of the C library that qmta calls, and nothing else calls it.
// Only byte pointers, integers and opaque buffers cross this border: no struct here has a layout that differs by
// architecture, and names ending in 64 have 64-bit offsets on 32-bit arm too.
using System.Runtime.InteropServices;

namespace Qmta.Posix;

internal static unsafe partial class Libc
{
    private const string C = "libc";

    // Files
    [LibraryImport(C, SetLastError = true)] internal static partial int open64(byte* path, int flags, int mode);
    [LibraryImport(C, SetLastError = true)] internal static partial int close(int fd);
    [LibraryImport(C, SetLastError = true)] internal static partial nint read(int fd, byte* buffer, nint count);
    [LibraryImport(C, SetLastError = true)] internal static partial nint write(int fd, byte* buffer, nint count);
    [LibraryImport(C, SetLastError = true)] internal static partial nint pread64(int fd, byte* buffer, nint count, long offset);
    [LibraryImport(C, SetLastError = true)] internal static partial nint pwrite64(int fd, byte* buffer, nint count, long offset);
    [LibraryImport(C, SetLastError = true)] internal static partial long lseek64(int fd, long offset, int whence);
    [LibraryImport(C, SetLastError = true)] internal static partial int ftruncate64(int fd, long length);
    [LibraryImport(C, SetLastError = true)] internal static partial int fsync(int fd);
    [LibraryImport(C, SetLastError = true)] internal static partial nint fgetxattr(int fd, byte* name, byte* value, nint size);
    [LibraryImport(C, SetLastError = true)] internal static partial int fsetxattr(int fd, byte* name, byte* value, nint size, int flags);
    [LibraryImport(C, SetLastError = true)] internal static partial int fremovexattr(int fd, byte* name);
    [LibraryImport(C, SetLastError = true)] internal static partial int sync_file_range(int fd, long offset, long length, uint flags);
    [LibraryImport(C, SetLastError = true)] internal static partial int link(byte* from, byte* to);
    [LibraryImport(C, SetLastError = true)] internal static partial int fstatfs64(int fd, byte* status);
    [LibraryImport(C, SetLastError = true)] internal static partial int linkat(int fromDirectory, byte* from, int toDirectory, byte* to, int flags);
    [LibraryImport(C, SetLastError = true)] internal static partial int symlink(byte* target, byte* path);
    [LibraryImport(C, SetLastError = true)] internal static partial nint readlink(byte* path, byte* buffer, nint size);
    [LibraryImport(C, SetLastError = true)] internal static partial int unlink(byte* path);
    [LibraryImport(C, SetLastError = true)] internal static partial int rename(byte* from, byte* to);
    [LibraryImport(C, SetLastError = true)] internal static partial int renameat2(int fromDirectory, byte* from, int toDirectory, byte* to, uint flags);
    [LibraryImport(C, SetLastError = true)] internal static partial int mkdir(byte* path, uint mode);
    [LibraryImport(C, SetLastError = true)] internal static partial int rmdir(byte* path);
    [LibraryImport(C, SetLastError = true)] internal static partial int mkfifo(byte* path, uint mode);
    [LibraryImport(C, SetLastError = true)] internal static partial int chmod(byte* path, uint mode);
    [LibraryImport(C, SetLastError = true)] internal static partial int fchmod(int fd, uint mode);
    [LibraryImport(C, SetLastError = true)] internal static partial int fchown(int fd, uint uid, uint gid);
    [LibraryImport(C, SetLastError = true)] internal static partial int chdir(byte* path);
    [LibraryImport(C, SetLastError = true)] internal static partial int access(byte* path, int mode);
    [LibraryImport(C)] internal static partial uint umask(uint mask);
    [LibraryImport(C, SetLastError = true)] internal static partial int flock(int fd, int operation);
    [LibraryImport(C, SetLastError = true)] internal static partial int statx(int directory, byte* path, int flags, uint mask, FileStatus* status);
    [LibraryImport(C, SetLastError = true)] internal static partial nint getdents64(int fd, byte* buffer, nint size);
    [LibraryImport(C, SetLastError = true)] internal static partial int utimensat(int directory, byte* path, TimeSpec64* times, int flags);
    [LibraryImport(C, SetLastError = true)] internal static partial int pipe2(int* fds, int flags);
    [LibraryImport(C, SetLastError = true)] internal static partial int memfd_create(byte* name, uint flags);
    [LibraryImport(C, SetLastError = true)] internal static partial int dup3(int from, int to, int flags);
    [LibraryImport(C, SetLastError = true)] internal static partial int fcntl(int fd, int command, int argument);

    // Terminals
    [LibraryImport(C, SetLastError = true)] internal static partial int tcgetattr(int fd, byte* settings);
    [LibraryImport(C, SetLastError = true)] internal static partial int tcsetattr(int fd, int when, byte* settings);

    // Regular expressions
    [LibraryImport(C)] internal static partial int regcomp(void* compiled, byte* pattern, int flags);
    [LibraryImport(C)] internal static partial int regexec(void* compiled, byte* text, nuint matches, nint match, int flags);
    [LibraryImport(C)] internal static partial nuint regerror(int error, void* compiled, byte* text, nuint size);
    [LibraryImport(C)] internal static partial void regfree(void* compiled);

    // Waiting
    [LibraryImport(C, SetLastError = true)] internal static partial int poll(PollEntry* entries, nuint count, int milliseconds);

    // Processes
    [LibraryImport(C)] internal static partial int posix_spawn(int* pid, byte* path, void* actions, void* attributes, byte** arguments, byte** environment);
    [LibraryImport(C)] internal static partial int posix_spawn_file_actions_init(void* actions);
    [LibraryImport(C)] internal static partial int posix_spawn_file_actions_destroy(void* actions);
    [LibraryImport(C)] internal static partial int posix_spawn_file_actions_adddup2(void* actions, int from, int to);
    [LibraryImport(C)] internal static partial int posix_spawnattr_init(void* attributes);
    [LibraryImport(C)] internal static partial int posix_spawnattr_destroy(void* attributes);
    [LibraryImport(C)] internal static partial int posix_spawnattr_setflags(void* attributes, short flags);
    [LibraryImport(C)] internal static partial int posix_spawnattr_setsigmask(void* attributes, void* set);
    [LibraryImport(C)] internal static partial int posix_spawnattr_setsigdefault(void* attributes, void* set);
    [LibraryImport(C)] internal static partial int posix_spawnattr_setpgroup(void* attributes, int group);
    [LibraryImport(C, SetLastError = true)] internal static partial int execve(byte* path, byte** arguments, byte** environment);
    [LibraryImport(C, SetLastError = true)] internal static partial int waitpid(int pid, int* status, int options);
    [LibraryImport(C, SetLastError = true)] internal static partial int kill(int pid, int signal);
    [LibraryImport(C)] internal static partial int getpid();
    [LibraryImport(C)] internal static partial uint alarm(uint seconds);
    [LibraryImport(C, SetLastError = true)] internal static partial int getrlimit64(int resource, ulong* limits);
    [LibraryImport(C, SetLastError = true)] internal static partial int setrlimit64(int resource, ulong* limits);

    // The project's own, in src/Start: in every native program, and in those that have asleep.c; looked up where they are called
    [LibraryImport("quick-start")] internal static partial int qmta_command_line(byte*** words);
    [LibraryImport("asleep")] internal static partial int qmta_can_sleep();

    // Signals
    [LibraryImport(C)] internal static partial int sigemptyset(void* set);
    [LibraryImport(C)] internal static partial int sigaddset(void* set, int signal);
    [LibraryImport(C)] internal static partial int sigismember(void* set, int signal);
    [LibraryImport(C, SetLastError = true)] internal static partial int sigprocmask(int how, void* set, void* old);
    [LibraryImport(C)] internal static partial nint signal(int signal, nint disposition);
    [LibraryImport(C, SetLastError = true)] internal static partial int signalfd(int fd, void* set, int flags);

    // Users
    [LibraryImport(C)] internal static partial uint getuid();
    [LibraryImport(C)] internal static partial uint geteuid();
    [LibraryImport(C)] internal static partial uint getegid();
    [LibraryImport(C, SetLastError = true)] internal static partial int setuid(uint uid);
    [LibraryImport(C, SetLastError = true)] internal static partial int setgid(uint gid);
    [LibraryImport(C, SetLastError = true)] internal static partial int setgroups(nuint count, uint* groups);
    [LibraryImport(C, SetLastError = true)] internal static partial int initgroups(byte* user, uint gid);
    [LibraryImport(C, SetLastError = true)] internal static partial int capset(uint* header, uint* data);
    [LibraryImport(C, SetLastError = true)] internal static partial nint getpwnam(byte* name);
    [LibraryImport(C, SetLastError = true)] internal static partial nint getpwuid(uint uid);
    [LibraryImport(C, SetLastError = true)] internal static partial nint getgrnam(byte* name);

    // Clocks
    [LibraryImport(C, SetLastError = true)] internal static partial int clock_gettime(int clock, TimeSpec64* time);
    [LibraryImport(C, SetLastError = true)] internal static partial int timerfd_create(int clock, int flags);
    [LibraryImport(C, SetLastError = true)] internal static partial int timerfd_settime(int fd, int flags, TimeSpec64* value, void* old);

    /// <summary>The time is what time_t is on this machine; the fields are a struct tm.</summary>
    [LibraryImport(C)] internal static partial byte* localtime_r(void* time, byte* fields);

    // Sockets
    [LibraryImport(C, SetLastError = true)] internal static partial int socket(int family, int type, int protocol);
    [LibraryImport(C, SetLastError = true)] internal static partial int socketpair(int family, int type, int protocol, int* fds);
    [LibraryImport(C)] internal static partial uint if_nametoindex(byte* name);
    [LibraryImport(C, SetLastError = true)] internal static partial int bind(int fd, byte* address, uint length);
    [LibraryImport(C, SetLastError = true)] internal static partial int connect(int fd, byte* address, uint length);
    [LibraryImport(C, SetLastError = true)] internal static partial int listen(int fd, int backlog);
    [LibraryImport(C, SetLastError = true)] internal static partial int accept4(int fd, byte* address, uint* length, int flags);
    [LibraryImport(C, SetLastError = true)] internal static partial int getpeername(int fd, byte* address, uint* length);
    [LibraryImport(C, SetLastError = true)] internal static partial int getsockname(int fd, byte* address, uint* length);
    [LibraryImport(C, SetLastError = true)] internal static partial int setsockopt(int fd, int level, int name, void* value, uint length);
    [LibraryImport(C, SetLastError = true)] internal static partial int getsockopt(int fd, int level, int name, void* value, uint* length);
    [LibraryImport(C, SetLastError = true)] internal static partial nint send(int fd, byte* buffer, nint count, int flags);
    [LibraryImport(C, SetLastError = true)] internal static partial nint recv(int fd, byte* buffer, nint count, int flags);
    [LibraryImport(C, SetLastError = true)] internal static partial nint sendmsg(int fd, MessageHeader* message, int flags);
    [LibraryImport(C, SetLastError = true)] internal static partial nint recvmsg(int fd, MessageHeader* message, int flags);

    // The rest
    [LibraryImport(C)] internal static partial byte* strerror(int errno);
    [LibraryImport(C)] internal static partial byte* getenv(byte* name);
    [LibraryImport(C)] internal static partial int setenv(byte* name, byte* value, int overwrite);
    [LibraryImport(C)] internal static partial int unsetenv(byte* name);
    // Only a function can be bound, and environ(7) is a variable; the runtime's own library has this one for it, and a
    // statically linked program has no dlsym that finds it.
    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_GetEnviron")] internal static partial byte** GetEnviron();
    [LibraryImport(C)] internal static partial nint dlsym(nint library, byte* name);
    [LibraryImport(C, SetLastError = true)] internal static partial int gethostname(byte* buffer, nint size);

    // On 32-bit arm the functions above that take a time have 32-bit seconds; the kernel's time64 calls do not.
    // The numbers are those of arch/arm/tools/syscall.tbl.
    private const int ArmClockGettime64 = 403, ArmTimerfdSettime64 = 411, ArmUtimensat64 = 412;

    [LibraryImport(C, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Syscall(nint number, nint a, nint b, nint c, nint d);

    internal static int ClockGettime(int clock, TimeSpec64* time) => sizeof(nint) == 8
        ? clock_gettime(clock, time)
        : (int)Syscall(ArmClockGettime64, clock, (nint)time, 0, 0);

    internal static int TimerfdSettime(int fd, int flags, TimeSpec64* value) => sizeof(nint) == 8
        ? timerfd_settime(fd, flags, value, null)
        : (int)Syscall(ArmTimerfdSettime64, fd, flags, (nint)value, 0);

    internal static int Utimensat(int directory, byte* path, TimeSpec64* times, int flags) => sizeof(nint) == 8
        ? utimensat(directory, path, times, flags)
        : (int)Syscall(ArmUtimensat64, directory, (nint)path, (nint)times, flags);
}

/// <summary>The kernel's 64-bit timespec: the layout of every architecture's time64 calls.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpec64
{
    internal long Seconds, Nanoseconds;
}

/// <summary>struct pollfd (poll(2)).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PollEntry
{
    /// <summary>The descriptor; a negative one is skipped.</summary>
    public int Fd;
    /// <summary>What to wait for.</summary>
    public short Events;
    /// <summary>What happened.</summary>
    public short Happened;

    public const short In = 1, Out = 4, Error = 8, HangUp = 16;
}

/// <summary>struct msghdr (sendmsg(2)): pointers and sizes in the architecture's own width.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MessageHeader
{
    internal nint Name;
    internal uint NameLength;
    internal nint Vectors, VectorCount, Control, ControlLength;
    internal int Flags;
}
