// qmta passwd: who may log in to send mail, in control/smtpusers (qmail-smtpusers(5)).
using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Text;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Admin;

internal static class PasswordCommand
{
    private const string File = "smtpusers", Name = "qmta passwd";

    internal static Command Create()
    {
        Argument<string> user = new("user") { Description = "The user's name, as the mail program sends it." };
        Option<bool> cram = new("--cram") { Description = "Keep the password itself, which CRAM-MD5 needs." };
        Option<int> iterations = new("--iterations")
        {
            Description = "How often the password is hashed.",
            HelpName = "number",
            DefaultValueFactory = _ => PasswordEntry.UsualIterations,
        };
        iterations.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < SaslScram.FewestIterations or > SaslScram.MostIterations)
                result.AddError("Iterations are from 4096 to 2000000.");
        });
        Option<string?> file = new("--password-file")
        {
            Description = "Whose first line is the password; - for standard input, from where it comes anyway if that is no terminal.",
            HelpName = "file",
        };
        Option<bool> remove = new("--remove") { Description = "Take the user out." };
        Command command = new("passwd", "Sets the password of a user who logs in to send mail.") { user, cram, iterations, file, remove };
        command.SetAction(parsed => Tool.Run(Name, () =>
        {
            string name = parsed.GetRequiredValue(user);
            try
            {
                string? line = null;
                if (!parsed.GetValue(remove))
                {
                    byte[] password = Latin1.Bytes(Password(parsed.GetValue(file), name));
                    line = parsed.GetValue(cram) ? PasswordEntry.CramLine(name, password)
                        : PasswordEntry.ScramLine(name, password, parsed.GetValue(iterations));
                    Array.Clear(password);
                }
                return Change(ControlFiles.FromEnvironment(), name, line);
            }
            catch (TlsException e)
            {
                Standard.Error(Name + ": fatal: " + e.Message);
                return 111;
            }
        }));
        return command;
    }

    private static string Password(string? file, string user)
    {
        if (file != null) return Questions.FirstLine(file);
        if (!Terminal.Is(0)) return Questions.FirstLine("-");
        string password = Questions.AskSecret($"Password of {user}: ");
        return Questions.AskSecret("Again: ") == password ? password : throw new FormatException("the two are not the same");
    }

    // Replaces the user's line, or adds it; every other line stays as it is.
    private static int Change(ControlFiles control, string user, string? line)
    {
        string old = control.Text(File) ?? PasswordEntry.SeedLine() + "\n";
        StringBuilder text = new();
        bool found = false;
        foreach (string each in old.TrimEnd('\n').Split('\n'))
        {
            if (!each.StartsWith(user + ":", StringComparison.Ordinal)) text.Append(each).Append('\n');
            else if (!found && line != null) text.Append(line).Append('\n');
            found |= each.StartsWith(user + ":", StringComparison.Ordinal);
        }
        if (!found && line == null) throw new FormatException($"there is no user {user} in {control.PathOf(File)}");
        if (!found) text.Append(line).Append('\n');
        new ControlWriter(control).ChangeSecret(File, text.ToString(), "qmaild");
        return 0;
    }
}
