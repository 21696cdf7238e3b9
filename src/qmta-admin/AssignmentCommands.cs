// The command lines of qmail-newu(8) and qmail-pw2u(8).
using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Admin;

internal static class AssignmentCommands
{
    internal const string NewUsers = "qmail-newu", PasswordToUsers = "qmail-pw2u";

    internal static Command CreateNewUsers()
    {
        Argument<string?> directory = new("directory")
        {
            Description = "Where assign is. [default: users beside the control directory]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Command command = new(NewUsers, "Makes users/cdb, which assigns addresses to users, out of users/assign.")
        {
            directory,
        };
        command.SetAction(parsed => Run(NewUsers, () => AssignmentFile.Compile(parsed.GetValue(directory) ?? Default)));
        return command;
    }

    internal static Command CreatePasswordToUsers()
    {
        Option<bool> slash = new("-/") { Description = "Use .qmail-/ext instead of .qmail-ext." };
        Option<bool> skip = new("-o") { Description = "Skip users whose home is missing or not theirs. [default]" };
        Option<bool> require = new("-h") { Description = "Stop when a home is missing; skip those of others." };
        Option<bool> ignore = new("-H") { Description = "Do not look at home directories." };
        Option<bool> lower = new("-U") { Description = "Skip names with capitals. [default]" };
        Option<bool> capitals = new("-u") { Description = "Allow capitals in names." };
        Option<string?> separator = new("-c")
        {
            Description = "What separates user and extension. [default: -]",
            HelpName = "char",
        };
        Option<bool> none = new("-C") { Description = "No extensions." };
        Command command = new(PasswordToUsers, "Prints assignments for the users of a password file on standard input.")
        {
            slash, skip, require, ignore, lower, capitals, separator, none,
        };
        command.SetAction(parsed =>
        {
            string character = parsed.GetValue(separator) ?? "-";
            if (character.Length != 1 || character[0] > '\xFF' || character[0] == ':')
            {
                Standard.Error("qmail-pw2u: fatal: what separates user and extension is one character: " + character);
                return 100;
            }
            // Of switches that contradict each other the last counts.
            HomeRule home = Last(parsed, "-o", "-h", "-H") switch
            {
                "-h" => HomeRule.Require,
                "-H" => HomeRule.Ignore,
                _ => HomeRule.Skip,
            };
            PasswordRules rules = new()
            {
                Home = home,
                Capitals = Last(parsed, "-U", "-u") == "-u",
                Break = Last(parsed, "-c", "-C") == "-C" ? "" : character,
                Slash = parsed.GetValue(slash),
            };
            return Run(PasswordToUsers, () =>
                new PasswordAssignments(rules, Default, new ByteWriter(1, "standard output"))
                    .Print(new ByteReader(0, "standard input")));
        });
        return command;
    }

    private static string Default => AssignmentFile.DirectoryBeside(ControlFiles.FromEnvironment().Directory);

    private static string? Last(ParseResult parsed, params string[] options)
    {
        string? last = null;
        foreach (Token token in parsed.Tokens)
            if (token.Type == TokenType.Option && Array.IndexOf(options, token.Value) >= 0) last = token.Value;
        return last;
    }

    private static int Run(string name, Action action)
    {
        try
        {
            action();
            return 0;
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            Standard.Error(name + ": fatal: " + failure.Message);
            return 111;
        }
    }
}
