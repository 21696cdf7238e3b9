// The command line of qmail-cdb(8).
using System;
using System.CommandLine;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Admin;

internal static class CdbCommand
{
    internal static Command Create()
    {
        Argument<string[]> sources = new("file")
        {
            Description = "The source; a name without a slash is a control file. The result is file.cdb.",
            Arity = ArgumentArity.OneOrMore,
        };
        Command command = new("qmail-cdb", "Makes a constant database from a file of lines \"key:value\".") { sources };
        command.Aliases.Add("cdb");
        command.SetAction(parsed =>
        {
            ControlFiles control = ControlFiles.FromEnvironment();
            foreach (string source in parsed.GetRequiredValue(sources))
            {
                try
                {
                    _ = CdbSource.Compile(source.Contains('/') ? source : control.PathOf(source));
                }
                catch (FormatException e)
                {
                    Standard.Error("qmail-cdb: fatal: " + e.Message);
                    return 100;
                }
                catch (PosixException e)
                {
                    Standard.Error("qmail-cdb: fatal: " + e.Message);
                    return 111;
                }
            }
            return 0;
        });
        return command;
    }
}
