// qmta: the operator's tools. Each is a sub-command, and a program of its own where a link of that name points here.
using System;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Admin;

internal static class Program
{
    private static int Main()
    {
        try
        {
            // Which queue and which control files, as the programs that send mail see it.
            MailEnvironment.Apply(Programs.CalledAs, rootToo: Programs.CalledAs is "qmail-qread" or "qmail-showctl");
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            Standard.Error(Programs.CalledAs + ": fatal: " + failure.Message);
            return 111;
        }
        Command[] tools =
        [
            SetupCommand.Create(),
            DoctorCommand.Create(),
            StatsCommand.Create(),
            ShowControlCommand.Create(),
            QueueCommands.Create(),
            QueueCommands.QmailRead(),
            QueueCommands.QmailStatus(),
            QueueFixCommand.Create(),
            CdbCommand.Create(),
            TcpTimeoutCommands.List(),
            TcpTimeoutCommands.Clear(),
            RateCommand.Create(),
            PasswordCommand.Create(),
            AccessCommand.Create(),
            AssignmentCommands.CreateNewUsers(),
            AssignmentCommands.CreatePasswordToUsers(),
        ];
        foreach (Command tool in tools)
        {
            if (tool.Name != Programs.CalledAs) continue;
            // qmail-pw2u has a switch -h of its own.
            bool helpIsLong = tool.Name == AssignmentCommands.PasswordToUsers;
            tool.Options.Add(helpIsLong ? new HelpOption("--help") : new HelpOption());
            tool.Options.Add(new VersionOption());
            return Run(tool.Parse(Programs.Arguments, Parsing));
        }
        RootCommand root = new("Tools for the operator of a qmta mail system.");
        foreach (Command tool in tools) root.Subcommands.Add(tool);
        return Run(root.Parse(Programs.Arguments, Parsing));
    }

    // "@example.org" is a domain, not a file with more arguments.
    private static ParserConfiguration Parsing => new() { ResponseFileTokenReplacer = null };

    // A command line that is wrong is a permanent failure, as with every other program here.
    private static int Run(ParseResult parsed)
    {
        int code = parsed.Invoke();
        return parsed.Action is ParseErrorAction ? 100 : code;
    }
}
