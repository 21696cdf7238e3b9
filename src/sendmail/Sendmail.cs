// sendmail: the command every program calls that sends mail (sendmail(8)).
using System;
using System.Collections.Generic;
using Qmta.Message;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Inject;

/// <summary>The command sendmail; its options are those that sendmail and Postfix document.</summary>
internal static class Sendmail
{
    private const string Usage = "usage: sendmail [-it] [-f sender] [-F name] [--] [recipient ...]";

    internal static int Run(string[] arguments, bool noInput) =>
        Command.Run("sendmail", ExitCode, () =>
        {
            if (arguments is ["--help"])
                _ = Standard.Output(Usage + "\nReads a message from standard input and sends it; -t takes recipients from its header too.\n");
            else if (arguments is ["-bi"]) RebuildAliases();
            else if (arguments is ["--version"]) _ = Standard.Output(Command.Version("sendmail"));
            else Command.Inject(Parse(arguments), noInput);
        });

    // newaliases is this command by another name in other mail systems; here the other way round.
    private static void RebuildAliases()
    {
        int error = Processes.Replace(Programs.Find("newaliases"), ["newaliases"]);
        throw new InjectException(Failure.Unavailable, "unable to run newaliases: " + Errno.Text(error));
    }

    // sysexits.h
    internal static int ExitCode(Failure failure) => failure switch
    {
        Failure.Usage => 64,
        Failure.Data => 65,
        Failure.NoInput => 66,
        Failure.Unavailable => 69,
        Failure.Configuration => 78,
        _ => 75,
    };

    /// <summary>The submission a command line describes.</summary>
    /// <exception cref="InjectException">The command line is wrong, or asks for a mode that is not provided.</exception>
    internal static Submission Parse(string[] arguments)
    {
        Submission submission = new() { DotEnds = true, SenderIsAuthor = true };
        OptionReader options = new(arguments, "ABFfhLNOopRrVXb", "eq");
        while (options.Next())
        {
            string value = options.Value;
            switch (options.Letter)
            {
                case 't':
                    submission.UsesHeader = true;
                    break;
                case 'i':
                    submission.DotEnds = false;
                    break;
                case 'f' or 'r':
                    submission.Sender = Sender(value);
                    break;
                case 'F':
                    submission.Name = Words.OneLine(value, "the name given with -F");
                    break;
                case 'b':
                    Mode(value);
                    break;
                case 'o':
                    Old(value, submission);
                    break;
                case 'q':
                    throw new InjectException(Failure.Unavailable, "this program does not run the queue (-q): qmta-send does");
                // Options without an effect here; sendmail(8) says why for each.
                case 'A' or 'B' or 'e' or 'E' or 'h' or 'J' or 'L' or 'm' or 'N' or 'n' or 'O' or 'p' or 'R' or 'U' or 'V'
                    or 'v' or 'X' or 'x':
                    break;
                default:
                    throw new InjectException(Failure.Usage,
                        "unknown option -" + Words.Shown(options.Letter.ToString()) + "; " + Usage);
            }
        }
        foreach (string argument in options.Rest)
        {
            if (argument.StartsWith('-') && !options.EndedByMark)
                throw new InjectException(Failure.Usage,
                    "option after a recipient: " + Words.Shown(argument) + "; put -- before recipients that begin with a dash");
            AddRecipients(argument, submission.Recipients);
        }
        return submission;
    }

    // -b: only the delivery of a message from standard input
    private static void Mode(string mode)
    {
        string? what = mode switch
        {
            "m" => null,
            "s" => "an SMTP session (-bs)",
            "p" => "a listing of the queue (-bp)",
            "i" => "a rebuilt alias database together with other arguments (-bi)",
            "d" or "D" or "l" => "an SMTP server (-b" + mode + ")",
            "v" or "t" => "a test of addresses (-b" + mode + ")",
            "h" or "H" => "the host status database (-b" + mode + ")",
            _ => throw new InjectException(Failure.Usage, "unknown mode -b" + Words.Shown(mode) + "; " + Usage),
        };
        if (what != null) throw new InjectException(Failure.Unavailable, what + " is not something this program provides");
    }

    // -o: options in the form sendmail had before -O
    private static void Old(string option, Submission submission)
    {
        if (option == "i") submission.DotEnds = false;
        else if (option == "t") submission.UsesHeader = true;
        // oA, oC and oQ name other files than the ones that would be used; the rest chooses among ways to do what happens anyway
        else if (option.Length == 0 || option[0] is 'A' or 'C' or 'Q')
            throw new InjectException(Failure.Usage, "option -o" + Words.Shown(option) + " is not something this program provides");
    }

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
