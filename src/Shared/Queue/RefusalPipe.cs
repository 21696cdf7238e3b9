// How a program in the place of qmail-queue refuses a message in its own words: exit code 88 and a sentence on a
// descriptor of its own. qmail's patch for it uses descriptor 4, indimail-mta the one that ERROR_FD names.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Queue;

/// <summary>A pipe for those words, and the environment that tells the program of it.</summary>
internal sealed class RefusalPipe
{
    /// <summary>The exit code that says that there are such words.</summary>
    internal const int ExitCode = 88;

    private const string Variable = "ERROR_FD";
    private const int UsualDescriptor = 4, HighestDescriptor = 9;

    // Longest sentence, in bytes; a reply of SMTP has less room.
    private const int Longest = 400;

    private readonly int read, write, descriptor;

    private RefusalPipe(int read, int write, int descriptor)
    {
        this.read = read;
        this.write = write;
        this.descriptor = descriptor;
    }

    /// <summary>The end that the program gets.</summary>
    internal Inherit Inherit => new(write, descriptor);

    /// <summary>Makes one; null when ERROR_FD asks for none, or none can be had.</summary>
    /// <param name="environment">The program's environment, to which ERROR_FD is added; null for this process's.</param>
    internal static RefusalPipe? Open(ref IReadOnlyList<string>? environment)
    {
        IReadOnlyList<string> variables = environment ?? Variables.All();
        int descriptor = UsualDescriptor;
        bool named = false;
        foreach (string variable in variables)
        {
            if (!variable.StartsWith(Variable + "=", StringComparison.Ordinal)) continue;
            named = int.TryParse(variable.AsSpan(Variable.Length + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture,
                out descriptor);
            break;
        }
        if (descriptor is < 2 or > HighestDescriptor || Files.Pipe(out int read, out int write) < 0) return null;
        if (!named) environment = [.. variables, Variable + "=" + UsualDescriptor];
        return new RefusalPipe(read, write, descriptor);
    }

    /// <summary>Lets go of the program's end, when the program has it.</summary>
    internal void Handed() => _ = Files.Close(write);

    /// <summary>What the program said, after its end: Z or D and a sentence of one line, or null.</summary>
    internal string? Close()
    {
        // A child of the program's may still hold the pipe.
        _ = Files.SetNonBlocking(read, true);
        byte[] buffer = new byte[Longest];
        int n = Files.Read(read, buffer);
        _ = Files.Close(read);
        if (n < 2 || buffer[0] is not ((byte)'D' or (byte)'Z')) return null;
        char[] text = Latin1.String(buffer.AsSpan(0, n)).TrimEnd('\n', '\r').ToCharArray();
        for (int i = 0; i < text.Length; i++)
            if (text[i] is < ' ' or (char)127) text[i] = ' ';
        return text.Length < 2 ? null : new string(text);
    }
}
