// From an address to everything its aliases lead to: addresses, commands, and a new sender for lists with an owner.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Filter;

/// <summary>
/// Follows aliases through aliases and :include: files. Everything is found out before anything is done, so that a file
/// that is missing does not leave half of a message's recipients served.
/// </summary>
/// <param name="find">The data of a key of the database, or null.</param>
internal sealed class AliasExpansion(Func<string, byte[]?> find)
{
    /// <summary>Most recipients of one message.</summary>
    internal const int MostRecipients = 200_000;

    private const int LongestLine = 64 << 10;
    private const int WorldReadable = 0x124; // 0444

    // Instructions that need not be looked at again; an address that is an end is one string, here and in the list.
    private readonly HashSet<string> seen = [];
    private readonly List<string> ends = [];
    private readonly HashSet<string> aliased = []; // those of them that are no ends
    private readonly Queue<byte[]> pending = [];
    private readonly Queue<string> lists = [];
    private bool forgotten, plain;

    /// <summary>Number of addresses to send the message to.</summary>
    internal int ForwardCount => ends.Count;

    /// <summary>Addresses to send the message to.</summary>
    internal IEnumerable<string> Forwards
    {
        get
        {
            foreach (string end in ends) yield return end[1..];
        }
    }

    /// <summary>Commands to run.</summary>
    internal List<string> Commands { get; } = [];

    /// <summary>The sender for the forwarded message; null leaves it as it is.</summary>
    internal string? Owner { get; private set; }

    /// <summary>Expands the address a message came to; false when it is no alias.</summary>
    /// <exception cref="Failure">The aliases lead in a circle or to too many recipients, or an :include: file is unusable.</exception>
    /// <exception cref="PosixException">An :include: file cannot be read.</exception>
    internal bool Expand(string recipient)
    {
        recipient = Latin1.Lower(recipient);
        int at = recipient.LastIndexOf('@');
        string host = recipient[(at + 1)..], anyHost = recipient[..(at + 1)];
        byte[]? data = find(":" + recipient) ?? find(":@" + host) ?? find(":" + anyHost);
        if (data == null) return false;
        byte[]? owner = find("?" + recipient) ?? find("?@" + host) ?? find("?" + anyHost);
        if (owner != null) Owner = Latin1.String(owner).TrimEnd('\0');
        foreach (string self in (ReadOnlySpan<string>)["&" + recipient, "&" + anyHost[..Math.Max(0, at)]])
        {
            seen.Add(self);
            aliased.Add(self);
        }
        pending.Enqueue(data);
        while (true)
        {
            if (pending.TryDequeue(out data)) Take(data);
            else if (lists.TryDequeue(out string? list)) Include(list);
            else break;
        }
        if (ends.Count == 0 && Commands.Count == 0 && !forgotten)
            throw Failure.BounceSaying("The aliases of " + recipient.Replace('\n', '_') + " lead in a circle or to an empty list. (#5.4.6)");
        return true;
    }

    // An address that aliases lead to: another alias, unless it has an owner of its own, or the end.
    private void Follow(string instruction)
    {
        string key = Latin1.Lower(instruction[1..]);
        if (!key.Contains('@')) key += "@";
        // A list with an owner gets the message by way of the queue: it goes on under that owner's name.
        if (find(":" + key) is byte[] data && find("?" + key) == null)
        {
            pending.Enqueue(data);
            aliased.Add(Latin1.Lower(instruction));
        }
        else if (!plain || !seen.Contains("=" + instruction[1..])) ends.Add(instruction);
    }

    private void Take(byte[] data)
    {
        int start = 0;
        for (int end; start < data.Length; start = end + 1)
        {
            int length = data.AsSpan(start).IndexOf((byte)0);
            end = length < 0 ? data.Length : start + length;
            if (end > start) Take(Latin1.String(data.AsSpan(start, end - start)));
        }
    }

    private void Take(string instruction)
    {
        switch (instruction[0])
        {
            case '#':
                forgotten = true;
                break;
            case '|':
                if (seen.Add(instruction)) Commands.Add(instruction[1..]);
                break;
            case '=':
                plain = true;
                string same = "&" + Latin1.Lower(instruction[1..]);
                if (seen.Add(instruction) && (!seen.Contains(same) || aliased.Contains(same))) ends.Add(instruction);
                break;
            case '&':
                if (seen.Add(Latin1.Lower(instruction))) Follow(instruction);
                break;
            case '/':
                if (seen.Add(instruction)) lists.Enqueue(instruction);
                break;
            default:
                throw Failure.TryLater("the database has an instruction that is not understood: " + instruction);
        }
        if (seen.Count > MostRecipients) throw Failure.TryLater("an alias has more than 200,000 recipients");
    }

    private void Include(string path)
    {
        // A FIFO must not hold up the delivery.
        int fd = PosixException.Check(Files.Open(path, OpenMode.Read | OpenMode.NonBlocking), "unable to open " + path);
        try
        {
            PosixException.Check(Files.Status(fd, out FileStatus status), "unable to look at " + path);
            // Whoever may write aliases must not thereby read what the alias user may and they may not.
            if (!status.IsFile || (status.Mode & WorldReadable) != WorldReadable)
                throw Failure.TryLater(path + " is not a file that everybody may read");
            ByteReader reader = new(fd, path);
            List<string> instructions = [];
            byte[] line = [];
            while (true)
            {
                ReadOnlySpan<byte> available = reader.Fill();
                int end = available.IndexOf((byte)'\n');
                ReadOnlySpan<byte> part = end < 0 ? available : available[..end];
                if (line.Length + part.Length > LongestLine) throw Failure.TryLater(path + " has a line of more than 64 KiB");
                line = [.. line, .. part];
                if (end < 0 && !available.IsEmpty)
                {
                    reader.Consume(part.Length);
                    continue;
                }
                Line(Latin1.String(line), path, instructions);
                if (available.IsEmpty) break;
                reader.Consume(end + 1);
                line = [];
            }
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    private void Line(string line, string path, List<string> instructions)
    {
        if (line.StartsWith('#')) return;
        instructions.Clear();
        string? wrong = AliasSource.Recipients(line.TrimEnd(' ', '\t', '\r'), programs: false, instructions);
        if (wrong != null) throw Failure.TryLater(path + " has a line that makes no sense: " + wrong);
        foreach (string instruction in instructions) Take(instruction);
    }
}
