// How slowly a message may come: a byte now and then is never too late by itself, and would keep a place for ever.
namespace Qmta.Reception;

/// <summary>
/// A message may take as long as a client may be silent, and a second more for every <see cref="LeastBytesPerSecond"/>
/// bytes of it. Moments are those of <see cref="Posix.Clocks.BoottimeMilliseconds"/>.
/// </summary>
/// <param name="begin">When it began.</param>
/// <param name="patience">How long a client may be silent, in milliseconds.</param>
internal struct MessagePace(long begin, int patience)
{
    /// <summary>
    /// Who is slower on average has no slow line but keeps a place from others: a satellite telephone does three times as
    /// much.
    /// </summary>
    internal const int LeastBytesPerSecond = 100;

    private long bytes;

    /// <summary>When what has not come yet is too late.</summary>
    internal readonly long Until => begin + patience + bytes * 1000 / LeastBytesPerSecond;

    /// <summary>So much of it has come.</summary>
    internal void Came(int count) => bytes += count;
}
