// When a message is tried again: birth + (attempts × 10 local, 20 remote)², less and less often (queue(5)).
using System;

namespace Qmta.Queue;

/// <summary>The times of a message's attempts; both the scheduler and what lists the queue for people tell by it.</summary>
public static class RetrySchedule
{
    /// <summary>
    /// The next attempt, in seconds since 1970, always after <paramref name="now"/>. Attempts are not counted: the square
    /// root of the age says where on the schedule a message is, so that attempts missed while off are not made up for.
    /// </summary>
    /// <param name="birth">When the message entered the queue.</param>
    /// <param name="now">The present.</param>
    /// <param name="channel">Local mail is tried more often.</param>
    public static long Next(long birth, long now, ChannelKind channel)
    {
        long age = Math.Max(0, now - birth);
        long root = (long)Math.Sqrt(age);
        while (root * root > age) root--;
        while ((root + 1) * (root + 1) <= age) root++;
        root += channel == ChannelKind.Local ? 10 : 20;
        return now - age + root * root;
    }
}
