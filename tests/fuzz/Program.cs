// The fuzzing harness: regressions, then the corpus, then what mutation makes of it, for every target (tests/fuzz/README.md).
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Security.Cryptography;
using System.Threading;
using Qmta.Posix;
using Qmta.Tests.Fuzz.Targets;

namespace Qmta.Tests.Fuzz;

internal static class Program
{
    private const string Usage = "usage: fuzz [--seed N] [--runs N | --seconds N] [--run N] [--verbose] [--directory DIR] [TARGET...]";

    // A busy machine is slow, but no input of these lengths takes so long to be understood.
    private const double MostCpuSeconds = 5, MostWallSeconds = 120;

    private static string directory = "tests/fuzz";
    private static int seed = 1, runs = 2000, only = -1;
    private static double seconds;
    private static bool verbose;
    private static long began;
    private static byte[] running = [];
    private static Target? target;
    private static int failures, total;

    private static int Main(string[] arguments)
    {
        HashSet<string> wanted = [];
        try
        {
            for (int i = 0; i < arguments.Length; i++)
            {
                switch (arguments[i])
                {
                    case "--seed": seed = int.Parse(arguments[++i]); break;
                    case "--runs": runs = int.Parse(arguments[++i]); break;
                    case "--run": only = int.Parse(arguments[++i]); break;
                    case "--seconds": seconds = double.Parse(arguments[++i]); break;
                    case "--verbose": verbose = true; break;
                    case "--directory": directory = arguments[++i]; break;
                    default: wanted.Add(arguments[i]); break;
                }
            }
        }
        catch (Exception e) when (e is FormatException or IndexOutOfRangeException or OverflowException)
        {
            Console.Error.WriteLine(Usage);
            return 100;
        }
        List<Target> targets = All.Targets().FindAll(each => wanted.Count == 0 || wanted.Contains(each.Name));
        if (targets.Count == 0 || wanted.Count > targets.Count)
        {
            Console.Error.WriteLine("no such target; there are: " + string.Join(" ", All.Targets().ConvertAll(each => each.Name)));
            return 100;
        }
        // What servers and the scheduler log is of interest only when the runtime itself ends.
        if (!verbose) _ = Files.DuplicateTo(Files.Open("/dev/null", OpenMode.Write), 2);
        new Thread(Watch) { IsBackground = true }.Start();
        int passed = 0;
        foreach (Target each in targets)
        {
            int before = failures;
            Fuzz(each);
            if (failures == before) passed++;
        }
        Scratch.Remove();
        Console.WriteLine($"{total} inputs, seed {seed}");
        Console.WriteLine($"{passed} passed, {targets.Count - passed} failed");
        return failures == 0 ? 0 : 1;
    }

    private static void Fuzz(Target each)
    {
        target = each;
        Stopwatch time = Stopwatch.StartNew();
        int count = 0;
        List<byte[]> old = Inputs("regressions"), corpus = Inputs("corpus");
        foreach (byte[] input in old) count += Try(input, "a regression") ? 1 : 0;
        foreach (byte[] input in corpus) count += Try(input, "the corpus") ? 1 : 0;
        if (corpus.Count == 0) Report([], "there is no corpus for " + each.Name, "start");
        else
        {
            corpus.AddRange(old);
            Mutator mutator = new(corpus, each.Words, each.Longest);
            int found = failures;
            for (int run = Math.Max(only, 0); only >= 0 ? run == only : seconds > 0 ? time.Elapsed.TotalSeconds < seconds : run < runs; run++)
            {
                // Each run has random numbers of its own: --run N repeats one alone.
                count += Try(mutator.Next(new Random(HashCode(each.Name, run))), "run " + run) ? 1 : 0;
                if (failures >= found + 5) break;
            }
        }
        total += count;
        Console.WriteLine($"{each.Name,-18} {count,8} inputs {time.Elapsed.TotalSeconds,7:F1} s");
    }

    private static int HashCode(string name, int run)
    {
        uint hash = unchecked((uint)seed * 2654435761u);
        foreach (char c in name) hash = unchecked((hash ^ c) * 16777619);
        hash = unchecked((hash ^ (uint)run) * 2246822519u);
        return (int)((hash ^ hash >> 15) & int.MaxValue);
    }

    private static List<byte[]> Inputs(string kind)
    {
        string path = Path.Combine(directory, kind, target!.Name);
        if (!Directory.Exists(path)) return [];
        string[] files = Directory.GetFiles(path);
        Array.Sort(files, StringComparer.Ordinal);
        return [.. Array.ConvertAll(files, File.ReadAllBytes)];
    }

    private static bool Try(byte[] input, string which)
    {
        string? wrong = Wrong(input);
        if (wrong == null) return true;
        byte[] small = which == "a regression" ? input : Smaller(input, wrong);
        Report(small, Wrong(small) ?? wrong, which);
        return false;
    }

    // What is wrong with how an input is taken, or null.
    private static string? Wrong(byte[] input)
    {
        running = input;
        Volatile.Write(ref began, Stopwatch.GetTimestamp());
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            target!.Run(input);
        }
        catch (Exception e)
        {
            string where = e.StackTrace?.Split('\n')[0].Trim() ?? "";
            return e is ViolationException ? "does not hold: " + e.Message : e.GetType().Name + ": " + e.Message + " " + where;
        }
        finally
        {
            Volatile.Write(ref began, 0);
        }
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        if (allocated > target.Allowance(input.Length)) return $"allocates too much: {allocated / 1024} KiB for {input.Length} bytes";
        double took = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds;
        return took > MostCpuSeconds ? $"takes too long: {took:F1} s for {input.Length} bytes" : null;
    }

    // Takes away what does not matter, as long as it stays wrong in the same way.
    private static byte[] Smaller(byte[] input, string wrong)
    {
        static string Kind(string text) => text.Split(':')[0];
        int tries = 0;
        for (int size = Math.Max(1, input.Length / 2); size > 0; size /= 2)
        {
            for (int at = 0; at + size <= input.Length && tries < 3000; tries++)
            {
                byte[] less = [.. input[..at], .. input[(at + size)..]];
                string? still = Wrong(less);
                if (still != null && Kind(still) == Kind(wrong)) input = less;
                else at += size;
            }
        }
        return input;
    }

    private static void Report(byte[] input, string wrong, string which)
    {
        failures++;
        string file = Save(input);
        Console.WriteLine($"FAIL {target!.Name}: {which}, seed {seed}: {wrong}\n     input: {file}");
    }

    private static string Save(byte[] input)
    {
        string path = Path.Combine(directory, "regressions", target!.Name);
        Directory.CreateDirectory(path);
        string file = Path.Combine(path, Convert.ToHexStringLower(SHA256.HashData(input))[..12]);
        if (!File.Exists(file)) File.WriteAllBytes(file, input);
        return file;
    }

    // An input that is never done with is a finding, too.
    private static void Watch()
    {
        while (true)
        {
            Thread.Sleep(1000);
            long since = Volatile.Read(ref began);
            if (since == 0 || Stopwatch.GetElapsedTime(since).TotalSeconds < MostWallSeconds) continue;
            Console.WriteLine($"FAIL {target!.Name}: hangs\n     input: {Save(running)}\n0 passed, 1 failed");
            Environment.Exit(1);
        }
    }
}
