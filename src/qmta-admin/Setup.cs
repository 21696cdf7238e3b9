// qmta setup: the few control files that most hosts need, then proof that mail really goes (qmta-setup(8)).
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Admin;

/// <summary>What the postmaster wants; null keeps what is there.</summary>
internal sealed record SetupWishes
{
    /// <summary>This host's full name.</summary>
    internal string? Name { get; init; }
    /// <summary>Where all mail for others goes; "" for straight to each recipient's own server.</summary>
    internal string? Relay { get; init; }
    internal int? Port { get; init; }
    internal string? User { get; init; }
    internal string? Password { get; init; }
    /// <summary>Whether the password may travel without TLS.</summary>
    internal bool WithoutTls { get; init; }
    /// <summary>Who reads root's mail.</summary>
    internal string? Root { get; init; }
    /// <summary>The envelope sender of everything that is sent from here.</summary>
    internal string? Sender { get; init; }
    /// <summary>Whether no domain is local, not even this host's name.</summary>
    internal bool NullClient { get; init; }
    internal bool Test { get; init; } = true;
    /// <summary>Who gets the test message instead of <see cref="Root"/>.</summary>
    internal string? TestTo { get; init; }
}

internal sealed class Setup
{
    private const int Submission = 587, Smtp = 25, TestPatience = 60_000;

    private readonly ControlFiles control = ControlFiles.FromEnvironment();
    private readonly QueueLayout queue = QueueLayout.FromEnvironment();
    private readonly SetupWishes wishes;

    private Setup(SetupWishes wishes) => this.wishes = wishes;

    /// <summary>Does it; 0, 100 for wishes that cannot be fulfilled, 111 when mail does not go.</summary>
    /// <exception cref="PosixException">A file cannot be written.</exception>
    /// <exception cref="FormatException">A wish makes no sense.</exception>
    internal static int Run(SetupWishes wishes) => new Setup(wishes).Run();

    /// <summary>This host's full name as far as the system knows it; null when it has no domain.</summary>
    internal static string? HostName()
    {
        string name = Programs.HostName;
        if (name.Contains('.')) return name;
        if (ControlFiles.LinesOf("/etc/mailname") is [string mail, ..] && mail.Contains('.')) return mail;
        // "127.0.1.1 pi.example.org pi", as Debian's installer writes it.
        foreach (string line in ControlFiles.LinesOf("/etc/hosts") ?? [])
        {
            string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 1 && Array.IndexOf(words, name, 1) > 0 && words[1].Contains('.') && !words[1].StartsWith("localhost")) return words[1];
        }
        ResolverSettings resolver = ResolverSettings.FromEnvironment(
            Files.ReadWhole("/etc/resolv.conf", 65536, out _) is byte[] text ? Text.Latin1.String(text) : null);
        return resolver.Suffixes.Count > 0 ? name + "." + resolver.Suffixes[0].Trim('.') : null;
    }

    private int Run()
    {
        CheckWishes();
        ControlWriter writer = new(control);
        if (wishes.Name != null && wishes.Name != control.Line("me")) Write(writer, "me", wishes.Name + "\n");
        if (wishes.Relay != null) WriteRoute(writer);
        if (wishes.Sender != null) WriteSender(writer);
        if (wishes.NullClient) Write(writer, "locals", "");
        int code = wishes.Root == null ? 0 : WriteAlias(wishes.Root);
        if (code == 0) RestartDaemon();
        return code == 0 && wishes.Test ? TestMail() : code;
    }

    private void CheckWishes()
    {
        if (control.Line("me") == null && wishes.Name == null)
            throw new FormatException("this host's full name is not known; say --name pi.example.org, or give the host a domain");
        foreach ((string what, string? value) in ((string, string?)[])[("--name", wishes.Name), ("--relay", wishes.Relay), ("--user", wishes.User),
            ("--root", wishes.Root), ("--sender", wishes.Sender), ("--test-to", wishes.TestTo)])
            if (value != null && value.AsSpan().IndexOfAny(" \t\n\0") >= 0) throw new FormatException(what + " has a space or a line end in it");
        if (wishes.Name is { } name && (name.Contains('@') || name.Contains('/') || name.Length == 0)) throw new FormatException(name + " is no host name");
        if (wishes.User != null && wishes.Password == null) throw new FormatException("a user needs a password: --password-file FILE, or - for standard input");
        if (wishes.User is { Length: > 0 } user && (user[0] == '/' || user.Contains(',')))
            throw new FormatException("a user that begins with / or has a comma does not fit into smtproutes; use remote_auth (qmail-remote(8))");
        if (wishes.User != null && string.IsNullOrEmpty(wishes.Relay)) throw new FormatException("a user needs a relay to log in to: --relay HOST");
        if (wishes.Password is { } secret && (secret.Length == 0 || secret.AsSpan().IndexOfAny(" \t\n\0") >= 0))
            throw new FormatException(secret.Length == 0 ? "the password is empty" : "a password with spaces in it does not fit into smtproutes");
        if (wishes.Sender is { } sender && sender.IndexOf('@') < 1) throw new FormatException("--sender is an address, user@domain");
    }

    private void Write(ControlWriter writer, string name, string text)
    {
        writer.Write(name, text);
        Say(control.PathOf(name) + (text.Length > 0 ? ": " + text.TrimEnd('\n') : " is empty: no domain is local"));
    }

    // The route for everything is replaced; others stay.
    private void WriteRoute(ControlWriter writer)
    {
        List<string> lines = [];
        foreach (string line in control.Lines("smtproutes") ?? [])
            if (!line.StartsWith(':')) lines.Add(line);
        int port = wishes.Port ?? (wishes.User == null ? Smtp : Submission);
        string relay = wishes.Relay!;
        if (relay.Length > 0)
        {
            string host = relay.Contains(':') ? "[" + relay + "]" : relay;
            lines.Add($":{host}:{port}" + (wishes.User == null ? "" : $" {wishes.User} {wishes.Password}") + (wishes.WithoutTls ? " AUTH_WITHOUT_TLS=1" : ""));
        }
        string text = lines.Count == 0 ? "" : string.Join('\n', lines) + "\n";
        bool secret = text.Contains(' ');
        if (secret) writer.WriteSecret("smtproutes", text);
        else writer.Write("smtproutes", text);
        Say(control.PathOf("smtproutes") + (relay.Length == 0 ? ": mail goes straight to its recipients' servers"
            : $": mail goes through {relay}, port {port}" + (wishes.User == null ? "" : $", as user {wishes.User}")));
        if (Files.Status(control.PathOf("smtproutes.cdb"), out _) == 0)
            Standard.Error("qmta setup: warning: " + control.PathOf("smtproutes.cdb") + " is used instead of smtproutes; remove it, or make it anew with: qmail-cdb smtproutes");
    }

    private void WriteSender(ControlWriter writer)
    {
        int at = wishes.Sender!.LastIndexOf('@');
        writer.MakeDirectory("defaultqueue");
        writer.Write("defaultqueue/QMAILSUSER", wishes.Sender[..at] + "\n");
        writer.Write("defaultqueue/QMAILSHOST", wishes.Sender[(at + 1)..] + "\n");
        Say(control.PathOf("defaultqueue") + ": mail leaves as from " + wishes.Sender);
    }

    private static int WriteAlias(string root)
    {
        const string aliases = "/etc/aliases";
        if (Users.EffectiveUid != 0) throw new FormatException("root's mail is redirected in " + aliases + ": --root needs root");
        byte[]? old = Files.ReadWhole(aliases, 1 << 20, out int error);
        if (old == null && error != -Errno.ENOENT) throw new PosixException(error, "unable to read " + aliases);
        List<string> lines = [];
        bool postmaster = false, daemon = false;
        foreach (string line in old == null ? [] : Text.Latin1.String(old).TrimEnd('\n').Split('\n'))
        {
            string name = Text.Latin1.Lower(line[..Math.Max(0, line.IndexOf(':'))].Trim());
            postmaster |= name == "postmaster";
            daemon |= name == "mailer-daemon";
            if (name != "root") lines.Add(line);
        }
        if (!daemon) lines.Add("mailer-daemon: postmaster");
        if (!postmaster) lines.Add("postmaster: root");
        lines.Add("root: " + root);
        new ControlWriter(new ControlFiles("/etc")).Write("aliases", string.Join('\n', lines) + "\n");
        (int code, string text) = ProgramOutput.Of("newaliases", []);
        Say(aliases + ": root's mail goes to " + root);
        if (code != 0) Standard.Error("qmta setup: newaliases failed: " + text.TrimEnd('\n'));
        return code;
    }

    // What the daemon reads at its start only.
    private void RestartDaemon()
    {
        if (Users.EffectiveUid != 0 || Files.Status("/run/systemd/system", out _) < 0 || queue.Directory != QueueLayout.DefaultDirectory) return;
        (int code, string text) = ProgramOutput.Of("systemctl", ["try-restart", "qmta-send.service"]);
        if (code != 0) Standard.Error("qmta setup: warning: unable to restart qmta-send: " + text.TrimEnd('\n'));
    }

    private int TestMail()
    {
        string me = control.Line("me")!;
        string to = wishes.TestTo ?? wishes.Root ?? (control.Line("smtproutes") == null ? "" : "postmaster@" + me);
        if (wishes.Relay is { Length: > 0 } || (wishes.Relay == "" && to.Contains('@')))
        {
            string sender = wishes.Sender ?? "root@" + me;
            Say("Trying it ...");
            // A relay is the same for every domain; without one, the recipient's own server is asked.
            RouteProbe probe = RouteProbe.Of(sender, to.Contains('@') ? to : "postmaster@" + me);
            Say(probe.Text);
            if (!probe.Works)
            {
                Standard.Error("qmta setup: mail does not go yet. " + probe.Remedy);
                return 111;
            }
        }
        if (wishes.Root == null && wishes.TestTo == null) return 0;
        return SendTest(to);
    }

    private int SendTest(string to)
    {
        string me = control.Line("me")!;
        HashSet<ulong> before = [];
        QueueListing listing = new(queue, Clocks.Realtime);
        foreach (ListedMessage message in listing.Messages()) before.Add(message.Id);
        Qmta.Posix.Files.Pipe(out int read, out int write);
        int pid = Processes.Start(Programs.Find("sendmail"), ["sendmail", "-i", "-t"], [new(read, 0)]);
        _ = Files.Close(read);
        string text = $"To: {to}\nSubject: qmta on {me} works\nAuto-Submitted: auto-generated\n\nThis is the test message of \"qmta setup\" on {me}.\n";
        if (pid > 0) _ = Files.WriteAll(write, Text.Latin1.Bytes(text));
        _ = Files.Close(write);
        PosixException.Check(pid, "unable to start sendmail");
        PosixException.Check(Processes.Wait(pid, out ExitStatus status), "unable to wait for sendmail");
        if (status.Raw != 0)
        {
            Standard.Error("qmta setup: sendmail did not take the test message; \"qmta doctor\" may say why");
            return 111;
        }
        return Follow(to, before);
    }

    /// <summary>Waits until the test message has gone, or says why it waits.</summary>
    private int Follow(string to, HashSet<ulong> before)
    {
        if (!QueueKeeper.IsOwned(queue)) _ = ProgramOutput.Of("qmta-send", []);
        for (long end = Clocks.BoottimeMilliseconds + TestPatience; ; _ = Poll.Wait([], 100))
        {
            bool there = false;
            foreach (ListedMessage message in new QueueListing(queue, Clocks.Realtime).Messages())
            {
                if (before.Contains(message.Id)) continue;
                foreach (ListedRecipient recipient in message.Recipients())
                {
                    there |= !recipient.Done;
                    if (recipient.Deferral is not Deferral deferral || recipient.Done) continue;
                    Standard.Error($"qmta setup: the test message waits in the queue as number {message.Id}: {Tool.Printable(deferral.Reason)}\n"
                        + $"It will be tried again; \"qmta queue retry {message.Id}\" does so now.");
                    return 111;
                }
            }
            if (!there)
            {
                Say($"The test message to {to} has gone. If it does not arrive, its bounce is in the mail of root, or the log says more.");
                return 0;
            }
            if (Clocks.BoottimeMilliseconds < end) continue;
            Standard.Error("qmta setup: the test message is still in the queue; see \"qmta queue list\" and the log"
                + (QueueKeeper.IsOwned(queue) ? "" : ". No qmta-send runs on the queue: start it"));
            return 111;
        }
    }

    private static void Say(string line) => _ = Standard.Output(line + "\n");
}
