// qmail-clean: this program under that name removes files of a queue for whoever asks on descriptor 0, as qmail-send and
// qmta-send -c do (qmail-clean(8)).
using System;
using System.Globalization;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Send;

/// <summary>
/// Requests are "todo/N" (take the message out of todo) and "foop/N" (remove the message), each with a NUL; the answer is
/// one byte: + done, ! not possible now, x not a request.
/// </summary>
internal sealed class CleanProgram
{
    internal const string Name = "qmail-clean";

    // After so many requests the queue's pid directory is looked through for what crashed writers left; qmail's number.
    private const int BetweenSearches = 30;

    // The longest request that qmail's own accepts, in bytes.
    private const int LongestRequest = 100;

    private readonly QueueLayout queue;
    private readonly Cleaner cleaner;

    internal CleanProgram(QueueLayout queue)
    {
        this.queue = queue;
        cleaner = new Cleaner(queue);
    }

    /// <summary>Serves until the other end closes; returns the exit code.</summary>
    internal int Run()
    {
        ByteReader requests = new(0, "standard input", 1024);
        for (int untilSearch = 0; ; untilSearch--)
        {
            if (untilSearch == 0)
            {
                cleaner.SearchStaging(Clocks.Realtime);
                untilSearch = BetweenSearches;
            }
            byte[]? request = requests.ReadUntil(0, LongestRequest, out bool tooLong);
            if (request == null) return 0;
            if (Files.WriteAll(1, [(byte)(tooLong ? 'x' : Serve(Latin1.String(request)))]) < 0) return 0;
        }
    }

    private char Serve(string request)
    {
        // Leading zeros are digits too for qmail's scan_ulong, but nobody writes them.
        if (request.Length < 6 || !ulong.TryParse(request.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out ulong id)) return 'x';
        return request[..5] switch
        {
            "todo/" => cleaner.RemoveTodo(id) ? '+' : '!',
            "foop/" => Cleaner.Remove(queue.Intd(id)) && Cleaner.Remove(queue.Mess(id)) ? '+' : '!',
            _ => 'x',
        };
    }
}
