// irmail: takes a message from UUCP, as rmail does elsewhere: its From_ lines say where it comes from (irmail(1)).
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Inject;

/// <summary>The command irmail.</summary>
internal static class UucpMail
{
    private const string Usage = "usage: irmail recipient ...";

    // More lines than this would be from more hosts than any message passes.
    private const int MostBytes = 65536;

    internal static int Run(string[] arguments, bool noInput) =>
        Command.Run("irmail", Sendmail.ExitCode, () =>
        {
            if (arguments is ["--help"]) _ = Standard.Output(Usage + "\nReads a message that came by UUCP and sends it on.\n");
            else if (arguments is ["--version"]) _ = Standard.Output(Command.Version("irmail"));
            else
            {
                if (arguments.Length == 0) throw new InjectException(Failure.Usage, Usage);
                if (noInput) throw new InjectException(Failure.NoInput, "standard input is closed: there is no message to send");
                string? path = ReadOrigin(0, out byte[] rest);
                Command.Inject(Parse(arguments, path, rest), noInput);
            }
        });

    /// <summary>The submission of a message from UUCP.</summary>
    /// <param name="arguments">The recipients.</param>
    /// <param name="path">Where the message comes from, as a path of hosts and a user; null when nothing tells.</param>
    /// <param name="head">The beginning of the message.</param>
    internal static Submission Parse(string[] arguments, string? path, byte[] head)
    {
        if (path != null) path = Words.OneLine(path, "the From_ line of the message", Failure.Data);
        Submission submission = new() { Sender = path == null ? null : Address(path), Head = head.Length == 0 ? null : head };
        foreach (string argument in arguments)
        {
            // uux writes recipients in parentheses, to keep them from being taken for file names.
            string recipient = argument is ['(', .. string inner, ')'] ? inner : argument;
            if (recipient.Length == 0) throw new InjectException(Failure.Usage, "a recipient on the command line is empty");
            submission.Recipients.Add(Address(Words.OneLine(recipient, "a recipient on the command line")));
        }
        return submission;
    }

    /// <summary>
    /// Reads the From_ lines in front of a message and returns the path they tell; null when there are none or nothing
    /// tells. "From user date remote from host": each host the message passed put such a line in front of the others.
    /// </summary>
    /// <param name="fd">The message.</param>
    /// <param name="rest">What was read of the message itself.</param>
    /// <exception cref="InjectException">The lines never end.</exception>
    /// <exception cref="PosixException">The message cannot be read.</exception>
    internal static string? ReadOrigin(int fd, out byte[] rest)
    {
        byte[] buffer = new byte[MostBytes];
        int length = 0, at = 0;
        bool ended = false;
        string? path = null;
        while (true)
        {
            ReadOnlySpan<byte> text = buffer.AsSpan(at, length - at);
            int mark = text.StartsWith("From "u8) ? 5 : text.StartsWith(">From "u8) ? 6 : 0;
            int end = text.IndexOf((byte)'\n');
            if (mark == 0 && (text.Length >= 6 || end >= 0 || ended))
            {
                rest = text.ToArray();
                return path;
            }
            if (mark > 0 && (end >= 0 || ended))
            {
                if (end < 0) end = text.Length;
                path = Extend(path ?? "", Latin1.String(text[mark..end]));
                at = Math.Min(at + end + 1, length);
                continue;
            }
            if (length == buffer.Length)
                throw new InjectException(Failure.Data, "the From_ lines in front of the message are longer than " + MostBytes + " bytes");
            int n = PosixException.Check(Files.Read(fd, buffer.AsSpan(length)), "unable to read standard input");
            length += n;
            ended = n == 0;
        }
    }

    // The hosts of the lines so far, then this one's; the user is the last line's.
    private static string Extend(string path, string line)
    {
        string[] words = line.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length == 0) return path;
        const string mark = " remote from ";
        int remote = line.LastIndexOf(mark, StringComparison.Ordinal);
        string host = remote < 0 ? "" : line[(remote + mark.Length)..].Trim();
        int bang = path.LastIndexOf('!');
        return path[..(bang + 1)] + (host.Length > 0 ? host + "!" : "") + words[0];
    }

    /// <summary>
    /// A path as an address (RFC 976): "a!b!user" is "b!user@a", unless the last host is a domain, which needs no path:
    /// "a!b.example!user" is "user@b.example". A user with an @, or no host, is an address already; "<>" is the null
    /// sender.
    /// </summary>
    internal static string Address(string path)
    {
        int last = path.LastIndexOf('!');
        string user = path[(last + 1)..];
        if (user == "<>") return "";
        if (user.Contains('@') || last < 0) return user;
        string hosts = path[..last];
        int before = hosts.LastIndexOf('!');
        string nearest = hosts[(before + 1)..];
        if (before < 0 || nearest.Contains('.')) return user + "@" + nearest;
        int first = path.IndexOf('!');
        return path[(first + 1)..] + "@" + path[..first];
    }
}
