// Fairness among destinations: how many deliveries to one domain may be under way, so that a dead or slow host cannot
// hold every slot of the channel.
using System;
using System.Collections.Generic;
using Qmta.Text;

namespace Qmta.Send;

/// <summary>A recipient whose turn has come.</summary>
/// <param name="Job">The pass it belongs to.</param>
/// <param name="Recipient">The address.</param>
/// <param name="Position">Where its record is in the job's file.</param>
internal readonly record struct Candidate(Job Job, string Recipient, long Position);

/// <summary>
/// Gives each domain a window of deliveries. It begins with one, grows by one with each success and is halved by each
/// temporary failure; it never has more than four fifths of the channel. Recipients beyond the window are kept here
/// while others go ahead.
/// </summary>
internal sealed class Destinations
{
    /// <summary>Recipients kept back at most, of all domains together; beyond that nobody overtakes any more.</summary>
    internal const int MostKept = 1000;

    private sealed class Destination
    {
        internal readonly Queue<Candidate> Kept = new();
        internal int Window = 1;
        internal int Running;
    }

    private readonly Dictionary<string, Destination> destinations = [];
    private readonly Queue<string> ready = new();

    /// <summary>Recipients that are kept back.</summary>
    internal int Kept { get; private set; }

    /// <summary>Whether one that is kept back may go now.</summary>
    internal bool HasReady => ready.Count > 0;

    /// <summary>The most deliveries to one domain in a channel of so many.</summary>
    internal static int Cap(int concurrency) => Math.Max(1, concurrency - concurrency / 5);

    /// <summary>Whether the recipient may go now; otherwise it is kept.</summary>
    internal bool Admit(Candidate candidate)
    {
        string domain = DomainOf(candidate.Recipient);
        if (!destinations.TryGetValue(domain, out Destination? destination)) destinations[domain] = destination = new Destination();
        if (destination.Running < destination.Window && destination.Kept.Count == 0)
        {
            destination.Running++;
            return true;
        }
        destination.Kept.Enqueue(candidate);
        Kept++;
        return false;
    }

    /// <summary>The next of those kept back that may go now, the domains in turn; null when none may.</summary>
    internal Candidate? Next()
    {
        while (ready.TryDequeue(out string? domain))
        {
            if (!destinations.TryGetValue(domain, out Destination? destination)
                || destination.Running >= destination.Window || !destination.Kept.TryDequeue(out Candidate candidate))
                continue;
            Kept--;
            destination.Running++;
            NoteReady(domain, destination);
            return candidate;
        }
        return null;
    }

    /// <summary>A delivery has ended.</summary>
    /// <param name="recipient">Its address.</param>
    /// <param name="verdict">K, Z or D as reported; D says nothing about the host.</param>
    /// <param name="concurrency">The channel's.</param>
    internal void Ended(string recipient, char verdict, int concurrency)
    {
        string domain = DomainOf(recipient);
        if (!destinations.TryGetValue(domain, out Destination? destination)) return;
        destination.Running--;
        if (verdict == 'K') destination.Window++;
        else if (verdict != 'D') destination.Window /= 2;
        destination.Window = Math.Clamp(destination.Window, 1, Cap(concurrency));
        if (destination.Running == 0 && destination.Kept.Count == 0) destinations.Remove(domain);
        else NoteReady(domain, destination);
    }

    /// <summary>The recipients that are kept back.</summary>
    internal IEnumerable<Candidate> All
    {
        get
        {
            foreach (Destination destination in destinations.Values)
                foreach (Candidate candidate in destination.Kept) yield return candidate;
        }
    }

    /// <summary>Takes a message's recipients out of those that are kept back.</summary>
    internal List<Candidate> Withdraw(ulong id)
    {
        List<Candidate> withdrawn = [];
        List<string> empty = [];
        foreach ((string domain, Destination destination) in destinations)
        {
            for (int left = destination.Kept.Count; left > 0; left--)
            {
                Candidate candidate = destination.Kept.Dequeue();
                if (candidate.Job.Id == id) withdrawn.Add(candidate);
                else destination.Kept.Enqueue(candidate);
            }
            if (destination.Running == 0 && destination.Kept.Count == 0) empty.Add(domain);
        }
        foreach (string domain in empty) destinations.Remove(domain);
        Kept -= withdrawn.Count;
        return withdrawn;
    }

    private void NoteReady(string domain, Destination destination)
    {
        if (destination.Running < destination.Window && destination.Kept.Count > 0) ready.Enqueue(domain);
    }

    private static string DomainOf(string address) => Latin1.Lower(address[(address.LastIndexOf('@') + 1)..]);
}
