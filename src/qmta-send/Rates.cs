// Keeping to the rates that domains have: a recipient beyond its domain's rate waits (ratelimit in queue(5)).
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>Asks the queue's rate limits before each delivery, local or remote.</summary>
internal sealed class Rates
{
    private readonly QueueLayout queue;
    private readonly string name;
    private readonly HashSet<ulong> delayed = [];
    // Domains that had no rate a moment ago.
    private readonly HashSet<string> free = [];

    internal Rates(QueueLayout queue)
    {
        this.queue = queue;
        name = queue.Directory[(queue.Directory.LastIndexOf('/') + 1)..];
    }

    /// <summary>Messages that wait for a rate.</summary>
    internal int Delayed => delayed.Count;

    /// <summary>What was found out about domains may have changed: deliveries begin some time after the last ones.</summary>
    internal void LookAgain() => free.Clear();

    /// <summary>Whether the recipient may go now, and counts it then; otherwise its job learns when.</summary>
    internal bool Permit(Candidate candidate, long now)
    {
        Job job = candidate.Job;
        string domain = candidate.Recipient[(candidate.Recipient.LastIndexOf('@') + 1)..];
        try
        {
            if (free.Contains(domain) || RateLimit.Of(queue, domain) is not RateLimit limit)
            {
                free.Add(domain);
                delayed.Remove(job.Id);
                return true;
            }
            RateVerdict verdict = limit.Judge(now);
            string rate = $"[{verdict.Ordinal}/{Fixed(verdict.Current)}/{Fixed(limit.Rate)}]";
            if (verdict.IsExceeded)
            {
                Log.Line($"warning: {name} {Log.Safe(domain)} msg {job.Id}: rate exceeded {rate} need {verdict.Seconds} secs; will try again later");
                delayed.Add(job.Id);
                job.NotBefore = Math.Min(job.NotBefore ?? long.MaxValue, now + verdict.Seconds);
                return false;
            }
            Log.Line($"info: {name} {Log.Safe(domain)} msg {job.Id}: rate {rate} ok since {-verdict.Seconds} secs");
            limit.CountOne(now);
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            // Mail is not kept back because of a file nobody can read.
            Log.Line($"warning: {failure.Message}; the rate is not kept");
        }
        delayed.Remove(job.Id);
        return true;
    }

    private static string Fixed(double rate) => rate.ToString("F10", CultureInfo.InvariantCulture);
}
