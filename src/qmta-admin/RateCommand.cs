// drate(8): sets or shows how fast mail may go to a domain.
using System;
using System.CommandLine;
using System.Globalization;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Admin;

internal static class RateCommand
{
    internal static Command Create()
    {
        Option<string> domain = new("-d", "--domain") { Description = "The domain of the recipients.", HelpName = "domain", Required = true };
        Option<string?> rate = new("-r", "--rate") { Description = "Messages per seconds, such as 50/3600.", HelpName = "messages/seconds" };
        Option<bool> remove = new("-R", "--remove") { Description = "Takes the limit away." };
        Command command = new("drate", "Sets or shows how fast mail may go to a domain.") { domain, rate, remove };
        command.SetAction(parsed => Tool.Run("drate", () => Run(parsed.GetRequiredValue(domain), parsed.GetValue(rate), parsed.GetValue(remove))));
        return command;
    }

    private static int Run(string domain, string? rate, bool remove)
    {
        QueueLayout queue = QueueLayout.FromEnvironment();
        string path = RateLimit.PathOf(queue, domain) ?? throw new FormatException($"{domain} is no domain");
        if (remove) return Remove(path);
        if (rate != null) return Set(queue, RateLimit.Parse(path, rate));
        if (RateLimit.Of(queue, domain) is RateLimit limit) return Show(limit);
        Standard.Error($"drate: there is no rate for {domain} in {queue.Directory}/ratelimit");
        return 100;
    }

    private static int Remove(string path)
    {
        int removed = Files.Unlink(path);
        if (removed != -Errno.ENOENT) PosixException.Check(removed, "unable to remove " + path);
        return 0;
    }

    private static int Set(QueueLayout queue, RateLimit limit)
    {
        string directory = queue.Directory + "/ratelimit";
        PosixException.Check(Files.Status(queue.Directory, out FileStatus status), "unable to look at " + queue.Directory);
        int made = Files.MakeDirectory(directory, QueueOwners.Private);
        if (made != -Errno.EEXIST) PosixException.Check(made, "unable to create " + directory);
        // qmta-send counts in it, and it is the queue's owner.
        if (Users.EffectiveUid == 0) Owned.Set(directory, status.Uid, status.Gid, QueueOwners.Private);
        limit.Begin(Clocks.Realtime);
        limit.Write();
        if (Users.EffectiveUid == 0) Owned.Set(limit.Path, status.Uid, status.Gid, 0x1A4 /* 0644 */);
        return 0;
    }

    private static int Show(RateLimit limit)
    {
        long now = Clocks.Realtime;
        RateVerdict verdict = limit.Judge(now);
        double current = limit.Start == 0 || now <= limit.Start ? 0 : (double)limit.Count / (now - limit.Start);
        string text = $"Conf Rate: {limit.Expression} ({Fixed(limit.Rate)})\nEmail Count: {limit.Count}\n"
            + (limit.Start == 0 ? "" : $"Start Time: {Dates.Rfc5322(limit.Start)}\nLastUpdated: {Dates.Rfc5322(limit.Last)}\n")
            + $"CurrentTime: {Dates.Rfc5322(now)}\nCurrentRate: {Fixed(current)} {(verdict.IsExceeded ? "EXCEEDED" : "OK")}\n";
        return Standard.Output(text) ? 0 : 111;
    }

    private static string Fixed(double rate) => rate.ToString("F10", CultureInfo.InvariantCulture);
}
