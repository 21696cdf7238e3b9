// What all tools have in common: how they fail, and what they write for people.
using System;
using System.Text;
using Qmta.Posix;

namespace Qmta.Admin;

internal static class Tool
{
    /// <summary>Runs a tool; its own exit code, 100 for what will never work, 111 for what the system refused.</summary>
    internal static int Run(string name, Func<int> action)
    {
        try
        {
            return action();
        }
        catch (PosixException failure)
        {
            bool mayNot = failure.Errno is Errno.EACCES or Errno.EPERM && Users.EffectiveUid != 0;
            Standard.Error(name + ": fatal: " + failure.Message + (mayNot ? "; run it as root" : ""));
            return 111;
        }
        catch (FormatException wrong)
        {
            Standard.Error(name + ": fatal: " + wrong.Message);
            return 100;
        }
    }

    /// <summary>Text from outside, safe for a terminal: control characters become question marks.</summary>
    internal static string Printable(string text)
    {
        StringBuilder? safe = null;
        for (int i = 0; i < text.Length; i++)
            if (text[i] is < ' ' or '\x7F' or (>= '\x80' and < '\xA0')) (safe ??= new StringBuilder(text))[i] = '?';
        return safe?.ToString() ?? text;
    }
}
