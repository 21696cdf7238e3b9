// Starting programs and learning how they ended: posix_spawn(3), execve(2), waitpid(2).
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>A descriptor of this process that a program gets under another number.</summary>
/// <param name="Fd">The descriptor here.</param>
/// <param name="As">Its number in the program.</param>
public readonly record struct Inherit(int Fd, int As);

/// <summary>How a program ended (wait(2)).</summary>
public readonly record struct ExitStatus(int Raw)
{
    /// <summary>It was ended by a signal.</summary>
    public bool Crashed => (Raw & 0x7F) != 0;
    /// <summary>The signal that ended it.</summary>
    public int Signal => Raw & 0x7F;
    /// <summary>Its exit code; meaningless when it crashed.</summary>
    public int Code => Raw >> 8 & 0xFF;
}

/// <summary>Processes; a negative result is -errno.</summary>
public static unsafe class Processes
{
    // In glibc posix_spawnattr_t is 336 bytes everywhere; posix_spawn_file_actions_t is 80, and 76 on 32-bit arm.
    private const int OpaqueSize = 512;
    private const short SetProcessGroup = 2, SetDefaultSignals = 4, SetSignalMask = 8;

    // Above every number an interface assigns (0 to 5) and low enough for tight limits of open files.
    private const int ParkingFloor = 6;

    private static int id;

    /// <summary>This process's number. Nothing here forks without starting a program, so it stays the same.</summary>
    public static int Id => id != 0 ? id : id = Libc.getpid();

    /// <summary>
    /// Starts a program with default signal handling and nothing blocked. It inherits the named descriptors and those
    /// of 0, 1 and 2 that are not close-on-exec here. Returns the process id.
    /// </summary>
    /// <param name="path">The program's file; PATH is not searched.</param>
    /// <param name="arguments">Its arguments, argv[0] included.</param>
    /// <param name="descriptors">What it gets under which number.</param>
    /// <param name="environment">"NAME=value" strings; null passes this process's environment on.</param>
    /// <param name="ownGroup">Puts it at the head of a process group of its own, which <see cref="KillGroup"/> ends.</param>
    public static int Start(string path, ReadOnlySpan<string> arguments, ReadOnlySpan<Inherit> descriptors,
        IReadOnlyList<string>? environment = null, bool ownGroup = false)
    {
        byte* actions = stackalloc byte[OpaqueSize];
        byte* attributes = stackalloc byte[OpaqueSize];
        byte* none = stackalloc byte[Signals.SetSize];
        byte* defaults = stackalloc byte[Signals.SetSize];
        Span<int> parked = stackalloc int[descriptors.Length];
        using StringArray argv = new(arguments);
        using StringArray envp = environment == null ? default : new(environment);
        _ = Libc.posix_spawn_file_actions_init(actions);
        _ = Libc.posix_spawnattr_init(attributes);
        try
        {
            // A source number may be another's target: move every source out of the way first.
            for (int i = 0; i < parked.Length; i++)
            {
                parked[i] = descriptors[i].Fd >= ParkingFloor ? descriptors[i].Fd : Files.Duplicate(descriptors[i].Fd, ParkingFloor);
                if (parked[i] < 0) return parked[i];
                _ = Libc.posix_spawn_file_actions_adddup2(actions, parked[i], descriptors[i].As);
            }
            Signals.Fill(none, []);
            Signals.Fill(defaults, [Signals.PIPE, Signals.HUP, Signals.ALRM, Signals.TERM, Signals.INT, Signals.CHLD]);
            _ = Libc.posix_spawnattr_setsigmask(attributes, none);
            _ = Libc.posix_spawnattr_setsigdefault(attributes, defaults);
            if (ownGroup) _ = Libc.posix_spawnattr_setpgroup(attributes, 0);
            _ = Libc.posix_spawnattr_setflags(attributes, (short)(SetDefaultSignals | SetSignalMask | (ownGroup ? SetProcessGroup : 0)));
            int pid;
            int error;
            fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline]))
                error = Libc.posix_spawn(&pid, p, actions, attributes, argv.Pointer, environment == null ? Variables.Pointer : envp.Pointer);
            return error != 0 ? -error : pid;
        }
        finally
        {
            for (int i = 0; i < parked.Length; i++)
                if (parked[i] > 0 && parked[i] != descriptors[i].Fd) _ = Files.Close(parked[i]);
            _ = Libc.posix_spawn_file_actions_destroy(actions);
            _ = Libc.posix_spawnattr_destroy(attributes);
        }
    }

    /// <summary>Becomes another program (execve(2)), blocked signals included; returns only on failure, with -errno.</summary>
    public static int Replace(string path, ReadOnlySpan<string> arguments)
    {
        using StringArray argv = new(arguments);
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline]))
        {
            _ = Libc.execve(p, argv.Pointer, Variables.Pointer);
            return -Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>
    /// Runs a program to its end and returns what it wrote to descriptor 1, as far as the limit; "" when it could not be
    /// started, with <paramref name="status"/> saying so by exit code 111.
    /// </summary>
    /// <param name="path">The program's file; PATH is not searched.</param>
    /// <param name="arguments">Its arguments, argv[0] included.</param>
    /// <param name="limit">Most bytes that are kept; the rest is read and dropped.</param>
    /// <param name="status">How it ended.</param>
    public static string OutputOf(string path, ReadOnlySpan<string> arguments, int limit, out ExitStatus status)
    {
        status = new ExitStatus(111 << 8);
        if (Files.Pipe(out int read, out int write) < 0) return "";
        int pid = Start(path, arguments, [new(write, 1)]);
        _ = Files.Close(write);
        byte[] output = new byte[limit], dropped = new byte[512];
        int length = 0;
        while (pid >= 0)
        {
            int n = Files.Read(read, length < limit ? output.AsSpan(length) : dropped);
            if (n <= 0) break;
            if (length < limit) length += n;
        }
        _ = Files.Close(read);
        if (pid >= 0 && Wait(pid, out ExitStatus ended) >= 0) status = ended;
        return Text.Latin1.String(output.AsSpan(0, length));
    }

    /// <summary>Waits for a child to end.</summary>
    /// <returns>0, or -errno (-ECHILD when it is not ours).</returns>
    public static int Wait(int pid, out ExitStatus status)
    {
        int raw, r;
        do r = Libc.waitpid(pid, &raw, 0);
        while (r < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        status = new ExitStatus(raw);
        return r < 0 ? -Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>Asks whether a child has ended: its process id when it has, 0 when not yet, or -errno.</summary>
    public static int TryWait(int pid, out ExitStatus status)
    {
        int raw = 0;
        int r = Libc.waitpid(pid, &raw, 1 /* WNOHANG */);
        status = new ExitStatus(raw);
        return r < 0 ? -Marshal.GetLastPInvokeError() : r;
    }

    /// <summary>Collects any child that has ended: its process id, or 0 when none has, or -errno.</summary>
    public static int Collect(out ExitStatus status)
    {
        int raw = 0;
        int r = Libc.waitpid(-1, &raw, 1 /* WNOHANG */);
        status = new ExitStatus(raw);
        return r < 0 ? -Marshal.GetLastPInvokeError() : r;
    }

    public static int Kill(int pid, int signal) => Libc.kill(pid, signal) == 0 ? 0 : -Marshal.GetLastPInvokeError();

    /// <summary>Sends a signal to every process of the group that <paramref name="leader"/> heads.</summary>
    public static int KillGroup(int leader, int signal) => Kill(-leader, signal);

    /// <summary>
    /// Lets this process open as many descriptors as it is allowed to ask for (getrlimit(2)); programs it starts, too.
    /// Returns how many that are.
    /// </summary>
    public static long RaiseDescriptorLimit()
    {
        const int openFiles = 7; // RLIMIT_NOFILE
        ulong* limits = stackalloc ulong[2]; // soft, hard
        if (Libc.getrlimit64(openFiles, limits) != 0) return 0;
        ulong soft = limits[0];
        limits[0] = limits[1];
        if (Libc.setrlimit64(openFiles, limits) != 0) limits[0] = soft;
        return (long)Math.Min(limits[0], int.MaxValue);
    }

    /// <summary>
    /// Lets neither this process nor any that it starts leave a core file: it could hold mail or keys.
    /// </summary>
    public static void LeaveNoCore()
    {
        ulong* none = stackalloc ulong[2] { 0, 0 }; // soft, hard
        _ = Libc.setrlimit64(4 /* RLIMIT_CORE */, none);
    }

    /// <summary>A null-terminated array of C strings in unmanaged memory.</summary>
    private readonly ref struct StringArray
    {
        internal readonly byte** Pointer;

        internal StringArray(ReadOnlySpan<string> strings)
        {
            Pointer = Allocate(strings.Length);
            for (int i = 0; i < strings.Length; i++) Pointer[i] = Copy(strings[i]);
        }

        internal StringArray(IReadOnlyList<string> strings)
        {
            Pointer = Allocate(strings.Count);
            for (int i = 0; i < strings.Count; i++) Pointer[i] = Copy(strings[i]);
        }

        public void Dispose()
        {
            if (Pointer == null) return;
            for (byte** p = Pointer; *p != null; p++) NativeMemory.Free(*p);
            NativeMemory.Free(Pointer);
        }

        private static byte** Allocate(int count) => (byte**)NativeMemory.AllocZeroed((nuint)count + 1, (nuint)sizeof(byte*));

        private static byte* Copy(string text)
        {
            byte* copy = (byte*)NativeMemory.Alloc((nuint)text.Length + 1);
            for (int i = 0; i < text.Length; i++) copy[i] = (byte)text[i];
            copy[text.Length] = 0;
            return copy;
        }
    }
}
