// What the operator asks of the program that owns the queue: small files in lock/requests, answered there (queue(5)).
//
// Only qmta-send changes the queue. A tool that wants a message held or removed writes down what it wants and pulls the
// trigger; the file stays until it is done, so that neither a crash nor a restart forgets it.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Queue;

/// <summary>What to do with a message.</summary>
public enum OperatorVerb
{
    /// <summary>Try it now.</summary>
    Retry,
    /// <summary>Do not try it until it is released.</summary>
    Hold,
    /// <summary>Undo a hold.</summary>
    Release,
    /// <summary>Throw it away and tell nobody.</summary>
    Remove,
    /// <summary>Return it to its sender.</summary>
    Bounce,
}

/// <summary>One request.</summary>
/// <param name="Id">The message's number.</param>
/// <param name="Written">
/// When its mess file was written, in seconds since 1970: a number may be another message's by the time the request is read.
/// </param>
public readonly record struct OperatorRequest(OperatorVerb Verb, ulong Id, long Written);

/// <summary>
/// The directory of requests. A request file is a line "verb number written" for each message; its answer is a line for
/// each, which begins with K (done), Z (not now) or D (not at all) and goes on with a sentence.
/// </summary>
public sealed class OperatorRequests
{
    /// <summary>Most requests in one file.</summary>
    public const int MostInFile = 1000;

    private const int LongestFile = 65536;
    private const string RequestPrefix = "req.", AnswerPrefix = "ans.";
    private static readonly string[] Verbs = ["retry", "hold", "release", "remove", "bounce"];

    private readonly string directory;

    public OperatorRequests(QueueLayout queue) => directory = queue.Directory + "/lock/requests";

    /// <summary>Where the files are.</summary>
    public string Directory => directory;

    /// <summary>A verb as people write it.</summary>
    public static string NameOf(OperatorVerb verb) => Verbs[(int)verb];

    /// <summary>Writes a request file; its name, by which the answer is known.</summary>
    /// <param name="requests">At most <see cref="MostInFile"/>.</param>
    /// <param name="own">Gives the file to whom it must belong before it can be seen.</param>
    /// <exception cref="PosixException">It cannot be written.</exception>
    public string Write(IReadOnlyList<OperatorRequest> requests, Action<string> own)
    {
        string name = Clocks.RealtimeMicroseconds.ToString(CultureInfo.InvariantCulture) + "."
            + Processes.Id.ToString(CultureInfo.InvariantCulture);
        StringBuilder text = new();
        foreach (OperatorRequest request in requests)
            text.Append(NameOf(request.Verb)).Append(' ').Append(request.Id).Append(' ').Append(request.Written).Append('\n');
        string path = directory + "/tmp." + name;
        Put(path, text.ToString());
        try
        {
            own(path);
            PosixException.Check(Files.Rename(path, directory + "/" + RequestPrefix + name), "unable to rename " + path);
        }
        catch
        {
            _ = Files.Unlink(path);
            throw;
        }
        return name;
    }

    /// <summary>Takes a request back; false when it is answered or being answered.</summary>
    public bool Withdraw(string name) => Files.Unlink(directory + "/" + RequestPrefix + name) == 0;

    /// <summary>The names of the request files, in the order in which they were written.</summary>
    public List<string> Names()
    {
        List<string> names = [];
        try
        {
            foreach (string name in Files.List(directory))
                if (name.StartsWith(RequestPrefix, StringComparison.Ordinal)) names.Add(name[RequestPrefix.Length..]);
        }
        catch (PosixException)
        {
            // There is no such directory before the first request.
        }
        names.Sort(string.CompareOrdinal);
        return names;
    }

    /// <summary>Reads a request file; null when it is gone or is not one.</summary>
    public List<OperatorRequest>? Read(string name)
    {
        if (Files.ReadWhole(directory + "/" + RequestPrefix + name, LongestFile, out _) is not byte[] bytes) return null;
        List<OperatorRequest> requests = [];
        foreach (string line in Latin1.String(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ');
            if (words.Length != 3 || Array.IndexOf(Verbs, words[0]) is not (int verb and >= 0) || !QueueLayout.TryParseId(words[1], out ulong id)
                || !long.TryParse(words[2], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long written)) return null;
            requests.Add(new OperatorRequest((OperatorVerb)verb, id, written));
        }
        return requests.Count is > 0 and <= MostInFile ? requests : null;
    }

    /// <summary>Answers a request; whoever asked may have gone.</summary>
    /// <returns>0 or -errno.</returns>
    public int Answer(string name, IReadOnlyList<string> lines)
    {
        string path = directory + "/tmp." + name;
        try
        {
            Put(path, string.Join('\n', lines) + "\n");
        }
        catch (PosixException failure)
        {
            return -failure.Errno;
        }
        return Files.Rename(path, directory + "/" + AnswerPrefix + name);
    }

    /// <summary>The request is done with.</summary>
    public int Remove(string name) => Files.Unlink(directory + "/" + RequestPrefix + name);

    /// <summary>The answer to a request, which is removed then; null while there is none.</summary>
    public string[]? TakeAnswer(string name)
    {
        string path = directory + "/" + AnswerPrefix + name;
        if (Files.ReadWhole(path, 1 << 20, out _) is not byte[] bytes) return null;
        _ = Files.Unlink(path);
        return Latin1.String(bytes).TrimEnd('\n').Split('\n');
    }

    /// <summary>Removes answers nobody fetched, and halves of requests: what is older than an hour.</summary>
    /// <param name="now">Seconds since 1970.</param>
    public void RemoveForgotten(long now)
    {
        try
        {
            foreach (string name in (List<string>)[.. Files.List(directory)])
                if (!name.StartsWith(RequestPrefix, StringComparison.Ordinal) && Files.Status(directory + "/" + name, out FileStatus status, false) == 0
                    && (status.Modified < now - 3600 || status.Modified > now + 86400)) _ = Files.Unlink(directory + "/" + name);
        }
        catch (PosixException)
        {
            // see Names
        }
    }

    private static void Put(string path, string text)
    {
        int fd = PosixException.Check(
            Files.Open(path, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive | OpenMode.NoFollow, 0x180 /* 0600 */), "unable to create " + path);
        int error = Files.WriteAll(fd, Latin1.Bytes(text));
        if (error >= 0) error = Files.Sync(fd);
        _ = Files.Close(fd);
        if (error >= 0) return;
        _ = Files.Unlink(path);
        PosixException.Check(error, "unable to write " + path);
    }
}
