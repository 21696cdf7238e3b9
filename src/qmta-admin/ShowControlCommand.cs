// qmail-showctl(8): shows how this mail system is configured.
using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Text;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Admin;

internal static class ShowControlCommand
{
    private const string Name = "qmail-showctl";

    internal static Command Create()
    {
        Option<bool> all = Switch("-a", "Everything below."), controls = Switch("-c", "The control files, what they mean, and the defaults."),
            concurrency = Switch("-C", "How many deliveries run at a time."), internals = Switch("-i", "Directories and users."),
            queues = Switch("-q", "The queue."), unknown = Switch("-e", "Files that no program reads, on standard error."),
            environment = Switch("-E", "The variables with which programs that send mail begin.");
        Command command = new(Name, "Shows how this mail system is configured.") { all, controls, concurrency, internals, queues, unknown, environment };
        command.Aliases.Add("showctl");
        command.SetAction(parsed => Tool.Run(Name, () =>
        {
            bool everything = parsed.GetValue(all);
            Func<Option<bool>, bool> wants = option => everything || parsed.GetValue(option);
            bool some = wants(controls) || wants(concurrency) || wants(internals) || wants(queues) || wants(unknown) || wants(environment);
            ControlFiles files = ControlFiles.FromEnvironment();
            ShowControl show = new(files, QueueLayout.FromEnvironment());
            StringBuilder text = new();
            if (wants(internals) || !some) Section(text, "internals", show.Internals());
            if (wants(queues) || !some) Section(text, "queue", show.Queue());
            if (wants(concurrency)) Section(text, "concurrency", show.Controls(name => name.StartsWith("concurrency", StringComparison.Ordinal)));
            if (wants(controls) || !some) Section(text, "control files", show.Controls(_ => true));
            if (wants(unknown)) show.Unknown();
            if (wants(environment)) Section(text, "env", Environment());
            return !Standard.Output(text.ToString()) || show.Failed ? 111 : 0;
        }));
        return command;
    }

    private static Option<bool> Switch(string name, string description) => new(name) { Description = description };

    private static void Section(StringBuilder text, string title, string contents)
    {
        string line = "------------------ begin show " + title + " ";
        text.Append(line.PadRight(62, '-')).Append('\n').Append(contents).Append('\n');
    }

    // What a program gets that is started without variables of its own.
    private static string Environment()
    {
        foreach (string entry in Variables.All())
        {
            string name = entry[..Math.Max(0, entry.IndexOf('='))];
            if (name is not ("" or "HOME" or "USER" or "LOGNAME" or "CONTROLDIR" or "SKIP_LOCAL_ENVIRONMENT")) Variables.Set(name, null);
        }
        MailEnvironment.Apply(Name, rootToo: true);
        List<string> variables = Variables.All();
        variables.Sort(string.CompareOrdinal);
        StringBuilder text = new();
        foreach (string variable in variables) text.Append(Tool.Printable(variable)).Append('\n');
        return text.ToString();
    }
}
