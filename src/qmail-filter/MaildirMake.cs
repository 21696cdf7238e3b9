// maildirmake: makes an empty Maildir (maildirmake(1)).
using Qmta.Posix;

namespace Qmta.Filter;

internal static class MaildirMake
{
    internal const string Usage = "maildirmake directory";

    private const int OwnerOnly = 0x1C0; // 0700

    internal static int Run(string[] arguments)
    {
        if (arguments is ["--", ..]) arguments = arguments[1..];
        if (arguments.Length != 1 || arguments[0].Length == 0) throw Program.UsageError(Usage);
        string directory = arguments[0].TrimEnd('/');
        if (directory.Length == 0) directory = "/";
        Make(directory);
        foreach (string part in new[] { "tmp", "new", "cur" }) Make(directory + "/" + part);
        return 0;
    }

    private static void Make(string path) =>
        PosixException.Check(Files.MakeDirectory(path, OwnerOnly), "unable to make directory " + path);
}
