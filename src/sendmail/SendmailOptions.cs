// The command line of sendmail: what sendmail, Postfix and exim accept there, and what becomes of it here (sendmail(8)).
using System;
using System.Collections.Generic;
using Qmta.Message;
using Qmta.Text;

namespace Qmta.Inject;

/// <summary>What sendmail is to do.</summary>
internal enum SendmailMode
{
    /// <summary>-bm: send the message on standard input.</summary>
    Send,
    /// <summary>-bs: an SMTP session on standard input and output.</summary>
    Session,
    /// <summary>-bp: list the queue.</summary>
    List,
    /// <summary>-bi: rebuild the alias database.</summary>
    Aliases,
    /// <summary>-q: try everything in the queue again.</summary>
    Retry,
}

/// <summary>A command line of sendmail, understood.</summary>
internal sealed class SendmailOptions
{
    internal const string Usage = "usage: sendmail [-it] [-f sender] [-F name] [--] [recipient ...]";

    // Letters with a value; letters whose value is what is glued on, if anything.
    private const string WithValue = "ABCDFfhLMNOopQRrSVXb", WithGlued = "deEJq";

    private SendmailMode? mode;

    /// <summary>What is to be done.</summary>
    internal SendmailMode Mode => mode ?? SendmailMode.Send;

    /// <summary>The message's envelope and options, in mode Send.</summary>
    internal Submission Submission { get; }

    /// <summary>Whether the queue is listed for programs.</summary>
    internal bool Json { get; private set; }

    /// <summary>Whether the caller wants to see more of what happens.</summary>
    internal bool Verbose { get; private set; }

    private SendmailOptions(string name)
    {
        mode = name == "mailq" ? SendmailMode.List : null;
        Submission = new Submission
        {
            DotEnds = true,
            SenderIsAuthor = true,
            LineEndsMayBeCrLf = true,
            HasLocalDate = name == "datemail",
        };
    }

    /// <summary>Understands a command line.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <param name="name">The program's name: mailq lists the queue, datemail dates in local time.</param>
    /// <exception cref="InjectException">The command line is wrong, or asks for a mode that is not provided.</exception>
    internal static SendmailOptions Parse(string[] arguments, string name = "sendmail")
    {
        SendmailOptions options = new(name);
        int json = Array.IndexOf(arguments, "--json"), end = Array.IndexOf(arguments, "--");
        if (json >= 0 && (end < 0 || json < end))
        {
            options.Json = true;
            arguments = [.. arguments[..json], .. arguments[(json + 1)..]];
        }
        OptionReader reader = new(arguments, WithValue, WithGlued);
        while (reader.Next()) options.Take(reader.Letter, reader.Value);
        options.TakeRecipients(reader);
        if (options.Json && options.Mode != SendmailMode.List)
            throw new InjectException(Failure.Usage, "--json is for a listing of the queue (-bp)");
        return options;
    }

    private void Take(char letter, string value)
    {
        switch (letter)
        {
            case 't':
                Submission.UsesHeader = true;
                break;
            case 'i':
                Submission.DotEnds = false;
                break;
            case 'f' or 'r':
                Submission.Sender = Sender(value);
                break;
            case 'F':
                Submission.Name = Words.OneLine(value, "the name given with -F");
                break;
            case 'b':
                Enter(ModeOf(value));
                break;
            case 'I':
                Enter(SendmailMode.Aliases);
                break;
            case 'q':
                if (!IsQueueRun(value)) throw Unknown("-q" + value);
                Enter(SendmailMode.Retry);
                break;
            case 'o':
                TakeOld(value);
                break;
            case 'O':
                TakeLong(value);
                break;
            case 'v':
                Verbose = true;
                break;
            case 'C':
                throw NotProvided("another configuration file (-C); CONTROLDIR names another directory of control files");
            case 'D' or 'M' or 'Q' or 'S':
                throw NotProvided("option -" + letter);
            // Options without an effect here; sendmail(8) says why for each.
            case 'A' or 'B' or 'd' or 'e' or 'E' or 'G' or 'h' or 'J' or 'L' or 'm' or 'N' or 'n' or 'p' or 'R' or 'U' or 'V'
                or 'X' or 'x':
                break;
            default:
                throw Unknown("-" + letter);
        }
    }

    private void Enter(SendmailMode wanted)
    {
        // "-bd -q1h" and "-bm -t" name more than one thing; the mode that does more than send is meant.
        if (wanted == SendmailMode.Send && mode != null) return;
        if (mode is not (null or SendmailMode.Send) && mode != wanted)
            throw new InjectException(Failure.Usage, "two modes at once; " + Usage);
        mode = wanted;
    }

    private static SendmailMode ModeOf(string letter) => letter switch
    {
        "m" => SendmailMode.Send,
        "s" => SendmailMode.Session,
        "p" => SendmailMode.List,
        "i" => SendmailMode.Aliases,
        "d" or "D" or "l" => throw NotProvided("a server (-b" + letter + "): qmta-send -d delivers the queue, mini-smtpd receives mail"),
        "v" or "t" => throw NotProvided("a test of addresses (-b" + letter + ")"),
        "h" or "H" => throw NotProvided("the host status database (-b" + letter + "): see qmail-tcpto and qmail-tcpok"),
        "P" => throw NotProvided("the number of queued messages (-bP): see qmail-qstat"),
        _ => throw Unknown("-b" + letter),
    };

    // sendmail: -q, -qf, -q15m, -qp30s, -qGname, -q!Rpart; exim: -qq, -qi, -qff, -qfl. Whatever part or rhythm of the
    // queue they mean: everything in it is tried now.
    private static bool IsQueueRun(string value)
    {
        ReadOnlySpan<char> rest = value.AsSpan().TrimStart('!');
        if (rest.IsEmpty) return value.Length == 0;
        if (rest[0] is 'I' or 'R' or 'S' or 'Q' or 'G') return rest.Length > 1 || rest[0] == 'Q';
        foreach (char c in value)
            if (!char.IsAsciiDigit(c) && !"smhdwpfilq".Contains(c)) return false;
        return true;
    }

    // -o: options in the form sendmail had before -O
    private void TakeOld(string option)
    {
        if (option is "i" or "itrue") Submission.DotEnds = false;
        else if (option == "t") Submission.UsesHeader = true;
        else if (option.Length == 0) throw Unknown("-o");
        // oA, oC and oQ name other files than the ones that would be used; the rest chooses among ways to do what happens anyway
        else if (option[0] is 'A' or 'C' or 'Q') throw NotProvided("option -o" + Words.Shown(option));
    }

    // -O: sendmail's options by name
    private void TakeLong(string option)
    {
        int equals = option.IndexOf('=');
        string name = equals < 0 ? option : option[..equals], value = equals < 0 ? "" : option[(equals + 1)..];
        if (Is("IgnoreDots")) Submission.DotEnds = value.Length > 0 && value[0] is not ('t' or 'T' or 'y' or 'Y' or '1');
        else if (Is("QueueDirectory") || Is("AliasFile")) throw NotProvided("option -O " + Words.Shown(name));

        bool Is(string known) => Latin1.EqualsIgnoreCase(name, known);
    }

    private void TakeRecipients(OptionReader reader)
    {
        foreach (string argument in reader.Rest)
        {
            if (argument.StartsWith('-') && !reader.EndedByMark)
                throw new InjectException(Failure.Usage,
                    "option after a recipient: " + Words.Shown(argument) + "; put -- before recipients that begin with a dash");
            if (Mode == SendmailMode.Send) AddRecipients(argument, Submission.Recipients);
        }
    }

    private static InjectException Unknown(string option) =>
        new(Failure.Usage, "unknown option " + Words.Shown(option) + "; " + Usage);

    private static InjectException NotProvided(string what) => new(Failure.Unavailable, "this program does not provide " + what);

    private static string Sender(string value)
    {
        List<string> sender = [];
        if (value.Trim().Length == 0) return "";
        AddressesOf(value, "the sender", sender, nullAllowed: true);
        return sender.Count == 1 ? sender[0]
            : throw new InjectException(Failure.Usage, "the sender is not one address: " + Words.Shown(value));
    }

    private static void AddRecipients(string argument, List<string> recipients)
    {
        int before = recipients.Count;
        AddressesOf(argument, "a recipient", recipients, nullAllowed: false);
        if (recipients.Count == before)
            throw new InjectException(Failure.Usage, "a recipient on the command line has no address: " + Words.Shown(argument));
    }

    // The addresses in an argument, as in a header field: "joe, Jane <jane@example.org>".
    private static void AddressesOf(string argument, string what, List<string> found, bool nullAllowed)
    {
        byte[] text = Latin1.Bytes(Words.OneLine(argument, what + " on the command line"));
        List<AddressRange> addresses = [];
        string? wrong = AddressList.Parse(text, addresses);
        if (wrong != null)
            throw new InjectException(Failure.Usage, "unable to parse " + what + ", " + wrong + ": " + Words.Shown(argument));
        foreach (AddressRange address in addresses)
        {
            if (address.IsNull)
            {
                if (nullAllowed) found.Add("");
                continue;
            }
            string local = AddressList.LocalPart(text, address);
            if (local.Length == 0)
                throw new InjectException(Failure.Usage, what + " on the command line has no local part: " + Words.Shown(argument));
            string domain = AddressList.Domain(text, address);
            if (domain.Length == 0 && local.Contains('@'))
                throw new InjectException(Failure.Usage, what + " on the command line has a quoted @ and no domain: " + Words.Shown(argument));
            found.Add(domain.Length == 0 ? local : local + "@" + domain);
        }
    }
}
