// What is fuzzed: one parser or dialogue with the statements that must hold for every input.
using System;
using Qmta.Text;

namespace Qmta.Tests.Fuzz;

/// <summary>A statement that must always hold does not; the message is the statement.</summary>
internal sealed class ViolationException(string statement) : Exception(statement);

/// <summary>One thing that takes bytes from strangers.</summary>
internal abstract class Target
{
    /// <summary>Its name, also that of its folders in corpus and regressions.</summary>
    internal abstract string Name { get; }

    /// <summary>Words that mean something to it, in Latin-1; mutation puts them in.</summary>
    internal virtual string[] Words => [];

    /// <summary>Inputs are at most so long, in bytes.</summary>
    internal virtual int Longest => 4096;

    /// <summary>How much may be allocated for an input of so many bytes, whatever it says, in bytes.</summary>
    internal virtual long Allowance(int length) => (1 << 20) + 1000L * length;

    /// <summary>Feeds it; throws <see cref="ViolationException"/> or anything else when it does not hold.</summary>
    internal abstract void Run(byte[] input);

    protected static void Must(bool holds, string statement)
    {
        if (!holds) throw new ViolationException(statement);
    }

    protected static void MustEqual<T>(T expected, T found, string statement)
    {
        if (!Equals(expected, found)) throw new ViolationException(statement + ": " + expected + " became " + found);
    }

    protected static string Text(ReadOnlySpan<byte> bytes) => Latin1.String(bytes);

    /// <summary>Random numbers that depend on the input alone, so that a saved input repeats everything.</summary>
    protected static Random Chance(ReadOnlySpan<byte> input)
    {
        uint hash = 2166136261;
        foreach (byte b in input) hash = unchecked((hash ^ b) * 16777619);
        return new Random((int)(hash & int.MaxValue));
    }

    /// <summary>Cuts bytes into pieces as a network would, differently for different bytes.</summary>
    protected static int PieceOf(Random chance, int left) =>
        Math.Min(left, chance.Next(4) switch { 0 => 1, 1 => chance.Next(1, 8), 2 => chance.Next(1, 300), _ => left });
}
