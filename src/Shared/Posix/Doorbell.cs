// A bell for threads that wait for work: one ring, one thread. The kernel's queue of a socket does it with one system
// call on either side, where a monitor needs several and a lock that all threads share.
using System;

namespace Qmta.Posix;

/// <summary>
/// Rings are kept until somebody waits. A ring may come for nothing, so what there is to do is looked for elsewhere.
/// </summary>
public sealed class Doorbell
{
    private readonly int button, bell, milliseconds;
    private readonly bool limited;

    /// <param name="milliseconds">How long a wait lasts at most.</param>
    /// <exception cref="PosixException">There are no descriptors left.</exception>
    public Doorbell(int milliseconds) : this(milliseconds, old: false) { }

    /// <param name="old">Whether the kernel is taken for one that cannot limit a read.</param>
    internal Doorbell(int milliseconds, bool old)
    {
        this.milliseconds = milliseconds;
        // A socket that keeps boundaries wakes one reader for each message; a stream would wake all.
        PosixException.Check(DescriptorSocket.Pair(out button, out bell), "unable to make a pair of sockets");
        limited = !old && ServerSockets.LimitReads(bell, milliseconds) >= 0;
    }

    /// <summary>Wakes one thread that waits. With hundreds of rings that nobody has heard yet, one more is no news.</summary>
    public void Ring() => _ = Sockets.SendNow(button, "!"u8);

    /// <summary>Waits for a ring; false when none came in time.</summary>
    public bool Wait()
    {
        Span<byte> ring = stackalloc byte[1];
        if (limited) return Sockets.ReceiveSoon(bell, ring, wait: true) > 0;
        // poll wakes all that wait; for all but one it rang for nothing.
        if (!Poll.WaitFor(bell, false, milliseconds)) return false;
        _ = Sockets.ReceiveSoon(bell, ring, wait: false);
        return true;
    }
}
