// A queue program for servers under test: it judges envelopes as qmail-queue does and keeps what it accepted.
using System;
using System.Collections.Generic;
using System.IO;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Tests.Fuzz;

/// <summary>What was queued.</summary>
internal sealed record Queued(string Message, string Sender, List<string> Recipients);

/// <summary>The messages that servers queued since the last look.</summary>
internal static class QueuedMessages
{
    private static readonly string Folder = Scratch.Folder("queued");

    /// <summary>The value of QMAILQUEUE.</summary>
    // perl starts in a millisecond, which a shell with its tools does not.
    internal static string Program { get; } = MakeProgram();

    private static string MakeProgram()
    {
        string path = Scratch.Write("queue-program", Latin1.Bytes("""
            #!/usr/bin/perl
            binmode STDIN; local $/; $m = <STDIN>; open(E, "<&=1"); binmode E; $e = <E>;
            exit 54 if $e !~ /\0\z/ || $e =~ /\AF[^\0]*\0(T[^\0]*\0)*\z/;
            exit 91 if $e !~ /\AF[^\0]*\0(T[^\0]*\0)*\0\z/;
            opendir(D, "FOLDER"); $n = grep { /m$/ } readdir(D);
            open(M, sprintf(">FOLDER/%05d.m", $n)); print M $m; open(F, sprintf(">FOLDER/%05d.e", $n)); print F $e;
            """.Replace("FOLDER", Folder)));
        _ = Files.ChangeMode(path, 0x1C0 /* 0700 */);
        return path;
    }

    /// <summary>Takes what was queued, in its order.</summary>
    internal static List<Queued> Take()
    {
        List<Queued> all = [];
        string[] files = Directory.GetFiles(Folder, "*.m");
        Array.Sort(files, StringComparer.Ordinal);
        foreach (string file in files)
        {
            string envelope = Path.ChangeExtension(file, ".e");
            string[] records = Latin1.String(File.ReadAllBytes(envelope)).Split('\0');
            List<string> recipients = [];
            for (int i = 1; i < records.Length - 2; i++) recipients.Add(records[i][1..]);
            all.Add(new Queued(Latin1.String(File.ReadAllBytes(file)), records[0][1..], recipients));
            File.Delete(file);
            File.Delete(envelope);
        }
        return all;
    }
}
