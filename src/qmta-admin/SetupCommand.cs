// The command line of qmta setup, and its questions where a person is there to answer them.
using System;
using System.CommandLine;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Admin;

internal static class SetupCommand
{
    internal static Command Create()
    {
        Option<string?> name = Text("--name", "host", "This host's full name. [default: control/me, else what the system says]");
        Option<string?> relay = Text("--relay", "host", "The provider's server for all mail that is not for this host.");
        Option<bool> direct = new("--direct") { Description = "No relay: mail goes straight to its recipients' servers." };
        Option<int?> port = new("--port") { Description = "The relay's port. [default: 587 with a user, else 25]", HelpName = "number" };
        port.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1 or > 65535) result.AddError("The port is a number from 1 to 65535.");
        });
        Option<string?> user = Text("--user", "name", "The user to log in as; often a whole address.");
        Option<string?> password = Text("--password-file", "file", "Whose first line is the password; - for standard input.");
        Option<bool> withoutTls = new("--without-tls") { Description = "The password may go to a relay without TLS: in your own network only." };
        Option<string?> root = Text("--root", "address", "Who reads root's mail.");
        Option<string?> sender = Text("--sender", "address", "The envelope sender of all mail from here; some providers insist on one.");
        Option<bool> nullClient = new("--null-client") { Description = "No domain is local: mail for root@this-host goes to the relay, too." };
        Option<bool> noTest = new("--no-test") { Description = "Write the files only." };
        Option<string?> testTo = Text("--test-to", "address", "Who gets the test message. [default: the address of --root]");
        Command command = new("setup", "Sets this host's mail up, tries it, and says what to do when it does not work.")
        {
            name, relay, direct, port, user, password, withoutTls, root, sender, nullClient, noTest, testTo,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(direct) && result.GetValue(relay) != null) result.AddError("--direct and --relay contradict each other.");
        });
        command.SetAction(parsed => Tool.Run("qmta setup", () =>
        {
            SetupWishes wishes = new()
            {
                Name = parsed.GetValue(name),
                Relay = parsed.GetValue(direct) ? "" : parsed.GetValue(relay),
                Port = parsed.GetValue(port),
                User = parsed.GetValue(user),
                Password = parsed.GetValue(password) is string file ? Questions.FirstLine(file) : null,
                WithoutTls = parsed.GetValue(withoutTls),
                Root = parsed.GetValue(root),
                Sender = parsed.GetValue(sender),
                NullClient = parsed.GetValue(nullClient),
                Test = !parsed.GetValue(noTest),
                TestTo = parsed.GetValue(testTo),
            };
            if (wishes.User != null && wishes.Password == null && Terminal.Is(0)) wishes = wishes with { Password = Questions.AskSecret($"Password of {wishes.User}: ") };
            // Options that say nothing about the way out: a person may be asked.
            if (Programs.Arguments is [] or ["setup"] && Terminal.Is(0)) wishes = Ask(wishes);
            else if (wishes.Name == null && ControlFiles.FromEnvironment().Line("me") == null) wishes = wishes with { Name = Setup.HostName() };
            return Setup.Run(wishes);
        }));
        return command;
    }

    private static Option<string?> Text(string name, string value, string description) => new(name) { Description = description, HelpName = value };

    private static SetupWishes Ask(SetupWishes wishes)
    {
        string? me = ControlFiles.FromEnvironment().Line("me") ?? Setup.HostName();
        string host = Questions.Ask("This host's full name" + (me == null ? "" : $" [{me}]") + ": ");
        string relay = Questions.Ask("Your provider's mail server, for mail to others (empty: none): ");
        wishes = wishes with { Name = host.Length > 0 ? host : me, Relay = relay };
        if (relay.Length > 0)
        {
            string user = Questions.Ask("User name there (empty: none): ");
            if (user.Length > 0) wishes = wishes with { User = user, Password = Questions.AskSecret("Password: ") };
            string port = Questions.Ask($"Port [{(user.Length > 0 ? 587 : 25)}]: ");
            if (port.Length > 0)
                wishes = wishes with { Port = int.TryParse(port, out int number) && number is > 0 and < 65536 ? number : throw new FormatException(port + " is no port") };
        }
        string root = Questions.Ask("Who reads root's mail, a user here or an address (empty: as it is): ");
        return root.Length > 0 ? wishes with { Root = root } : wishes;
    }
}
