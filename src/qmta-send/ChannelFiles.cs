// Which of a message's files belongs to which channel.
using Qmta.Queue;

namespace Qmta.Send;

internal static class ChannelFiles
{
    /// <summary>The file that lists a message's recipients on a channel.</summary>
    internal static string Recipients(this QueueLayout queue, ChannelKind channel, ulong id) =>
        channel == ChannelKind.Local ? queue.Local(id) : queue.Remote(id);
}
