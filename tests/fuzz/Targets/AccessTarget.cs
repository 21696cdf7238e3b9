// Who may connect: rules in text, and as the database that tcprules makes (qmail-access(5)).
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// Whatever the file holds, there is a decision; a file that makes no sense lets nobody in; a rule that is named is the file's;
/// variables have names and values that an environment can hold.
/// </summary>
internal sealed class AccessTarget : Target
{
    internal override string Name => "access";
    internal override string[] Words => [":deny\n", ":allow,X=\"y\"\n", "192.0.2.:allow\n", "192.0.2.0/24:allow,RELAYCLIENT=\"\"\n", "=.example.org:allow\n", "joe@192.0.2.1:deny\n",
        "2001:db8::/32:allow\n", "192.0.2.1-9:deny\n", ",A=/b,c/", "\"", "/", "#", "\0", "::1:deny\n", "=:allow\n"];
    internal override long Allowance(int length) => (4 << 20) + 4000L * length;

    private static readonly (string Ip, string? Host, string? Info)[] Clients =
        [("192.0.2.1", "mail.example.org", "joe"), ("192.0.2.1", null, null), ("2001:db8::1", "MAIL.Example.ORG", null), ("::1", "", ""), ("198.51.100.7", "x", "a@b=c")];

    // One for all inputs, as in a server: it has the file open.
    private readonly AccessRules database = new(Scratch.Path + "/access.cdb");

    internal override void Run(byte[] input)
    {
        string path = Scratch.Write("access", input);
        string text = Text(input);
        foreach ((string ip, string? host, string? info) in Clients)
        {
            _ = IpAddress.TryParse(ip, out IpAddress address);
            AccessRules rules = new(path);
            AccessDecision decision = rules.Decide(address, host, info, out string? complaint);
            Must(complaint == null || !decision.Allowed, "a file that makes no sense lets nobody in");
            Must(complaint == null || complaint.Length < 2000 && !complaint.Contains('\n'), "a complaint is a sentence");
            Check(decision, text);
            AccessDecision again = rules.Decide(address, host?.ToUpperInvariant(), info, out string? second);
            Must(again.Allowed == decision.Allowed && again.Rule == decision.Rule && second == null, "the same client gets the same answer, and no complaint twice");
        }
        _ = Scratch.Write("access.cdb", input);
        foreach ((string ip, string? host, string? info) in Clients)
        {
            _ = IpAddress.TryParse(ip, out IpAddress address);
            Check(database.Decide(address, host, info, out _), null);
        }
    }

    private static void Check(AccessDecision decision, string? text)
    {
        foreach ((string name, string value) in decision.Variables)
            Must(name.Length > 0 && !name.Contains('=') && !name.Contains('\0') && !value.Contains('\0'), "a variable has a name and a value");
        if (decision.Rule != null && text != null) Must(text.Contains(decision.Rule, StringComparison.OrdinalIgnoreCase), "the rule is the file's: " + decision.Rule);
    }
}
