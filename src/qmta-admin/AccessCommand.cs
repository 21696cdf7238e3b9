// qmta access: what a file of access rules says of a client, in the words of tcprulescheck(1).
using System;
using System.CommandLine;
using System.Text;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Admin;

internal static class AccessCommand
{
    private const string Name = "qmta access";

    internal static Command Create()
    {
        Argument<string> file = new("file") { Description = "The rules: text, or a database when its name ends in .cdb." };
        Argument<string> address = new("address") { Description = "The client's address." };
        Option<string?> host = new("--host") { Description = "The client's name.", HelpName = "name" };
        Option<string?> info = new("--info") { Description = "What the client says of itself.", HelpName = "name" };
        Command command = new("access", "Shows what a file of access rules says of a client.") { file, address, host, info };
        command.SetAction(parsed => Tool.Run(Name, () => Show(parsed.GetRequiredValue(file), parsed.GetRequiredValue(address),
            parsed.GetValue(host), parsed.GetValue(info))));
        return command;
    }

    private static int Show(string file, string address, string? host, string? info)
    {
        if (!IpAddress.TryParse(address, out IpAddress client)) throw new FormatException("not an address: " + address);
        AccessDecision decision = new AccessRules(file).Decide(client, host, info, out string? complaint);
        if (complaint != null)
        {
            Standard.Error(Name + ": fatal: " + complaint);
            return 111;
        }
        StringBuilder text = new(decision.Rule == null ? "default:\n" : "rule " + decision.Rule + ":\n");
        foreach ((string name, string value) in decision.Allowed ? decision.Variables : [])
            text.Append("set environment variable ").Append(name).Append('=').Append(value).Append('\n');
        text.Append(decision.Allowed ? "allow" : "deny").Append(" connection\n");
        return Standard.Output(text.ToString()) ? 0 : 111;
    }
}
