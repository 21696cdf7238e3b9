// What is remembered about TLS from one delivery to the next.
using System.Collections.Generic;
using System.Threading;
using Qmta.Posix;
using Qmta.Tls;

namespace Qmta.Remote;

/// <summary>Shared by all threads of a helper, and gone with it.</summary>
internal sealed class TlsMemory
{
    // A server whose TLS does not work is not asked for it again for so long: each attempt costs a connection, and
    // with a server that falls silent minutes.
    private const int BrokenMilliseconds = 600_000;
    private const int MostBroken = 1000;

    private readonly Lock guard = new();
    private readonly Dictionary<string, long> broken = [];

    /// <summary>Contexts and the sessions in them.</summary>
    internal TlsContexts Contexts { get; } = new();

    /// <summary>Notes that TLS with a server does not work.</summary>
    internal void NoteBroken(string server)
    {
        lock (guard)
        {
            if (broken.Count >= MostBroken) broken.Clear();
            broken[server] = Sockets.In(BrokenMilliseconds);
        }
    }

    /// <summary>Whether TLS with a server did not work a short while ago.</summary>
    internal bool IsBroken(string server)
    {
        lock (guard) return broken.TryGetValue(server, out long until) && until > Clocks.BoottimeMilliseconds;
    }
}
