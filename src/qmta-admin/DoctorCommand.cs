// The command line of qmta doctor.
using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Text;
using Qmta.Posix;

namespace Qmta.Admin;

internal static class DoctorCommand
{
    internal static Command Create()
    {
        Option<bool> json = new("--json") { Description = "An array of JSON objects." };
        Option<bool> offline = new("--offline") { Description = "Do not ask name servers or the relay." };
        Option<bool> quiet = new("--quiet") { Description = "Say nothing about what is good." };
        Command command = new("doctor", "Looks for what keeps mail from going, and says what to do about it; changes nothing.") { json, offline, quiet };
        command.SetAction(parsed => Tool.Run("qmta doctor", () =>
        {
            List<Finding> findings = Doctor.Examine(!parsed.GetValue(offline));
            Severity worst = Severity.Good;
            foreach (Finding one in findings)
                if (one.Severity > worst) worst = one.Severity;
            string text = parsed.GetValue(json) ? Json(findings) : People(findings, worst, parsed.GetValue(quiet));
            return Standard.Output(text) ? (int)worst : 111;
        }));
        return command;
    }

    private static string People(List<Finding> findings, Severity worst, bool quiet)
    {
        StringBuilder text = new();
        foreach (Finding one in findings)
        {
            if (quiet && one.Severity == Severity.Good) continue;
            text.Append(one.Severity switch { Severity.Good => "good     ", Severity.Warning => "warning  ", _ => "ERROR    " })
                .Append(one.Topic).Append(": ").Append(Tool.Printable(one.Text)).Append('\n');
            if (one.Remedy.Length > 0) text.Append("         -> ").Append(one.Remedy).Append('\n');
        }
        if (!quiet) text.Append(worst == Severity.Good ? "Everything is in order.\n" : worst == Severity.Warning ? "Mail goes.\n" : "Something keeps mail from going.\n");
        return text.ToString();
    }

    private static string Json(List<Finding> findings)
    {
        JsonText json = new();
        json.Open('[');
        foreach (Finding one in findings)
            json.Open('{').Name("severity").Value(one.Severity switch { Severity.Good => "good", Severity.Warning => "warning", _ => "error" })
                .Name("topic").Value(one.Topic).Name("text").Value(one.Text).Name("remedy").Value(one.Remedy).Close('}');
        return json.Close(']').Take() + "\n";
    }
}
