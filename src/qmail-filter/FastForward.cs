// fastforward: sends a message where the aliases database says (fastforward(1)).
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Filter;

internal static class FastForward
{
    internal const string Usage = "fastforward [-nNpPdD] database.cdb";

    private const int SkipRest = 99;

    internal static int Run(string[] arguments)
    {
        bool deliver = true, passThrough = false, useDefault = false;
        int index = 0;
        for (; index < arguments.Length && arguments[index] is ['-', _, ..] option; index++)
        {
            if (option == "--")
            {
                index++;
                break;
            }
            foreach (char letter in option.AsSpan(1))
                switch (letter)
                {
                    case 'n' or 'N': deliver = letter == 'N'; break;
                    case 'p' or 'P': passThrough = letter == 'p'; break;
                    case 'd' or 'D': useDefault = letter == 'd'; break;
                    default: throw Program.UsageError(Usage);
                }
        }
        if (arguments.Length - index != 1) throw Program.UsageError(Usage);
        string path = arguments[index];
        string sender = Incoming.Variable("SENDER");
        string recipient = useDefault
            ? (Variables.Get("DEFAULT") ?? Incoming.Variable("EXT")) + "@" + Incoming.Variable("HOST")
            : Incoming.Variable("RECIPIENT");
        using CdbReader database = CdbReader.Open(path)
            ?? throw Failure.TryLater("there is no " + path + "; newaliases makes it from /etc/aliases");
        AliasExpansion expansion = new(key => database.Find(Latin1.Bytes(key)));
        if (!expansion.Expand(recipient))
            return passThrough ? 0 : throw Failure.BounceSaying("Sorry, no mailbox here by that name. (#5.1.1)");
        if (expansion.Owner != null && !Incoming.IsBounce(sender)) sender = expansion.Owner;
        if (deliver) Deliver(expansion, sender);
        else Describe(expansion, sender);
        return passThrough ? SkipRest : 0;
    }

    private static void Deliver(AliasExpansion expansion, string sender)
    {
        foreach (string command in expansion.Commands)
        {
            int code = Child.Run(["/bin/sh", "-c", command]);
            // qmail-command(8), EXIT CODES; 99 would skip lines of a .qmail file, of which there are none here.
            if (code is 0 or SkipRest) continue;
            throw code is 100 or 112 or 64 or 65 or 70 or 76 or 77 or 78 ? Failure.Bounce("failed: " + command)
                : Failure.TryLater("failed for now: " + command);
        }
        if (expansion.ForwardCount > 0) Resending.Send("fastforward", sender, expansion.Forwards);
    }

    private static void Describe(AliasExpansion expansion, string sender)
    {
        ByteWriter output = new(1, "standard output");
        foreach (string command in expansion.Commands) output.Put("run " + Shown(command) + "\n");
        if (expansion.ForwardCount > 0) output.Put("from <" + Shown(sender) + ">\n");
        else if (expansion.Commands.Count == 0) output.Put("no forwarding\n");
        foreach (string address in expansion.Forwards) output.Put("to <" + Shown(address) + ">\n");
        output.Flush();
    }

    private static string Shown(string text) => text.Replace('\n', '_').Replace('\0', '_').Replace('\x1b', '_');
}
