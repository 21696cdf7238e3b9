// A message taken through injection with a known host, user and environment, for tests.
using System;
using System.Collections.Generic;
using System.IO;
using Qmta.Control;
using Qmta.Inject;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Inject;

internal sealed record Injected(string Text, string Sender, string[] Recipients)
{
    private static readonly string[] Cleared =
    [
        "QMAILUSER", "MAILUSER", "USER", "LOGNAME", "QMAILHOST", "MAILHOST", "QMAILNAME", "MAILNAME", "NAME", "QMAILSUSER",
        "QMAILSHOST", "QMAILINJECT", "QMAILDEFAULTHOST", "QMAILDEFAULTDOMAIN", "QMAILIDHOST", "QMAILPLUSDOMAIN", "DATABYTES",
        "QMAILMFTFILE", "MAXRECIPIENTS", "QMAILINJECT_FORCE_SRS", "QMAILINJECT_SKIP_SRS", "EXT", "HOST",
    ];

    /// <summary>Each missing stamp becomes STAMP, so that texts can be compared.</summary>
    internal static Injected Of(string message, Submission submission, string environment = "", long limit = 0,
        params (string Name, string Text)[] control)
    {
        foreach (string name in Cleared) Variables.Set(name, null);
        Variables.Set("USER", "pi");
        foreach (string pair in environment.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            Variables.Set(pair[..pair.IndexOf('=')], pair[(pair.IndexOf('=') + 1)..].Replace('_', ' '));
        string directory = Directory.CreateTempSubdirectory("inject").FullName;
        try
        {
            File.WriteAllText(directory + "/me", "pi.example.org\n");
            if (environment.Contains("$LISTS")) Variables.Set("QMAILMFTFILE", directory + "/lists");
            foreach ((string name, string text) in control) File.WriteAllText(directory + "/" + name, text);
            File.WriteAllBytes(directory + "/in", Latin1.Bytes(message));
            int input = Files.Open(directory + "/in", OpenMode.Read);
            int output = Files.Open(directory + "/out", OpenMode.Write | OpenMode.Create, 0x180);
            try
            {
                Injection injection = new(submission, InjectLetters.FromEnvironment(), new ControlFiles(directory),
                    MessageInput.Of(submission, input), new MessageOutput(null, new ByteWriter(output, "output"), limit));
                string sender = injection.Transfer();
                List<string> recipients = [];
                injection.PutRecipients(recipients.Add);
                return new Injected(Latin1.String(File.ReadAllBytes(directory + "/out")), sender, [.. recipients]);
            }
            finally
            {
                _ = Files.Close(input);
                _ = Files.Close(output);
            }
        }
        finally
        {
            Directory.Delete(directory, true);
        }
    }

    internal static Injected ByInject(string message, string arguments = "", string environment = "") =>
        Of(message, QmailInject.Parse(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)), environment);

    internal static Injected BySendmail(string message, params string[] arguments) => Of(message, SendmailOptions.Parse(arguments).Submission);

    /// <summary>The lines before the first empty one whose name is given, joined by |.</summary>
    internal string Field(string name)
    {
        List<string> found = [];
        foreach (string line in Text[..(Text.IndexOf("\n\n", StringComparison.Ordinal) is var at and >= 0 ? at : Text.Length)].Split('\n'))
            if (line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)) found.Add(line[(name.Length + 1)..].Trim());
        return string.Join("|", found);
    }
}
