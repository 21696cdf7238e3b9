// Options as getopt(3) reads them: letters behind a dash, grouped or not, values glued on or in the next argument.
using System;

namespace Qmta.Inject;

/// <summary>Reads the options of a command line. They end at the first argument that is none, or after "--".</summary>
/// <param name="arguments">The arguments.</param>
/// <param name="withValue">The letters that have a value.</param>
/// <param name="withGlued">The letters whose value, perhaps empty, is the rest of the same argument.</param>
internal sealed class OptionReader(string[] arguments, string withValue, string withGlued = "")
{
    private int index;
    private int letter; // position within the current argument; 0 between arguments

    internal char Letter { get; private set; }

    internal string Value { get; private set; } = "";

    /// <summary>Whether "--" ended the options.</summary>
    internal bool EndedByMark { get; private set; }

    /// <summary>The arguments after the options.</summary>
    internal ReadOnlySpan<string> Rest => arguments.AsSpan(index);

    /// <summary>Goes to the next option; false when there is none.</summary>
    /// <exception cref="InjectException">An option lacks its value.</exception>
    internal bool Next()
    {
        if (letter == 0)
        {
            if (index == arguments.Length || arguments[index].Length < 2 || arguments[index][0] != '-') return false;
            if (arguments[index] == "--")
            {
                index++;
                EndedByMark = true;
                return false;
            }
            letter = 1;
        }
        string argument = arguments[index];
        Letter = argument[letter++];
        Value = "";
        bool glued = withGlued.Contains(Letter);
        if (glued || withValue.Contains(Letter))
        {
            Value = argument[letter..];
            letter = argument.Length;
            if (Value.Length == 0 && !glued)
            {
                if (++index == arguments.Length)
                    throw new InjectException(Failure.Usage, "option -" + Letter + " needs a value");
                Value = arguments[index];
                letter = arguments[index].Length;
            }
        }
        if (letter == arguments[index].Length)
        {
            letter = 0;
            index++;
        }
        return true;
    }
}
