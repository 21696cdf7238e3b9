// Signals as readable events: blocked in every thread and read from a descriptor, so that no handler ever runs.
using System;
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>Signal numbers and masks (signal(7)); the numbers are the same on x86, arm and arm64.</summary>
public static unsafe class Signals
{
    public const int HUP = 1, INT = 2, KILL = 9, USR1 = 10, PIPE = 13, ALRM = 14, TERM = 15, CHLD = 17, XFSZ = 25;

    /// <summary>Room for a sigset_t, which is 128 bytes in glibc on every architecture.</summary>
    internal const int SetSize = 128;

    // The variable that tells this program that it has started over already: once is enough.
    private const string StartedOver = "QMTA_STARTED_OVER";

    /// <summary>Writing to a pipe nobody reads fails with EPIPE instead of killing the process.</summary>
    public static void IgnorePipe() => _ = Libc.signal(PIPE, 1 /* SIG_IGN */);

    /// <summary>Signals that do nothing from now on.</summary>
    public static void Ignore(params ReadOnlySpan<int> signals)
    {
        foreach (int signal in signals) _ = Libc.signal(signal, 1 /* SIG_IGN */);
    }

    /// <summary>Undoes <see cref="IgnorePipe"/>: a program that takes this one's place gets what is usual.</summary>
    public static void DefaultPipe() => _ = Libc.signal(PIPE, 0 /* SIG_DFL */);

    /// <summary>
    /// Blocks signals in the calling thread; programs it starts by <see cref="Processes.Replace"/> have them blocked in
    /// every thread from their first instruction.
    /// </summary>
    private static void Block(params ReadOnlySpan<int> signals)
    {
        byte* set = stackalloc byte[SetSize];
        Fill(set, signals);
        _ = Libc.sigprocmask(0 /* SIG_BLOCK */, set, null);
    }

    /// <summary>Whether the calling thread has all these signals blocked.</summary>
    private static bool AreBlocked(params ReadOnlySpan<int> signals)
    {
        byte* set = stackalloc byte[SetSize];
        _ = Libc.sigemptyset(set);
        _ = Libc.sigprocmask(0, null, set);
        foreach (int signal in signals)
            if (Libc.sigismember(set, signal) != 1) return false;
        return true;
    }

    /// <summary>
    /// Makes sure that the signals are blocked in every thread, the runtime's own included: those that start from now on
    /// inherit it; when there are some already, this program is started over. Where that is not possible, they are blocked in the calling thread only, and one
    /// that arrives may end the process.
    /// </summary>
    /// <param name="program">The name of this program.</param>
    /// <param name="signals">The signals, to be read from a <see cref="Descriptor"/> afterwards.</param>
    /// <returns>
    /// Whether they are blocked in every thread. When not, one that is ignored by default, as SIGCHLD is, may never be
    /// read.
    /// </returns>
    public static bool BlockInEveryThread(string program, params ReadOnlySpan<int> signals)
    {
        bool again = Variables.Get(StartedOver) != null;
        if (again) Variables.Set(StartedOver, null);
        if (AreBlocked(signals)) return true;
        Block(signals);
        if (IsOnlyThread) return true;
        // A shell script in this program's place may let signals through again, as bash does with SIGCHLD.
        if (again) return false;
        Variables.Set(StartedOver, "1");
        _ = Processes.Replace(Programs.Find(program), [program, .. Programs.Arguments]);
        Variables.Set(StartedOver, null);
        return false;
    }

    // A directory's links are itself, its entry, and one for each directory in it: one for each thread.
    private static bool IsOnlyThread => Files.Status("/proc/self/task", out FileStatus threads) == 0 && threads.Links == 3;

    /// <summary>A non-blocking descriptor from which blocked signals can be read (signalfd(2)); -errno on failure.</summary>
    public static int Descriptor(params ReadOnlySpan<int> signals)
    {
        byte* set = stackalloc byte[SetSize];
        Fill(set, signals);
        int fd = Libc.signalfd(-1, set, 0x80800 /* SFD_CLOEXEC | SFD_NONBLOCK */);
        return fd < 0 ? -Marshal.GetLastPInvokeError() : fd;
    }

    /// <summary>The next pending signal of a <see cref="Descriptor"/>, or 0.</summary>
    public static int Next(int fd)
    {
        Span<byte> info = stackalloc byte[128]; // struct signalfd_siginfo begins with the signal's number
        return Files.Read(fd, info) == info.Length ? BitConverter.ToInt32(info) : 0;
    }

    /// <summary>Kills the process by SIGALRM after so many seconds; 0 cancels.</summary>
    public static void KillAfter(int seconds) => _ = Libc.alarm((uint)seconds);

    internal static void Fill(byte* set, ReadOnlySpan<int> signals)
    {
        _ = Libc.sigemptyset(set);
        foreach (int signal in signals) _ = Libc.sigaddset(set, signal);
    }
}
