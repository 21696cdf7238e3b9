// Writing JSON: the few forms the tools need, in ASCII, so that addresses of any bytes stay valid JSON (RFC 8259).
using System.Globalization;
using System.Text;
using Qmta.Text;

namespace Qmta.Admin;

/// <summary>Builds one JSON value piece by piece; the caller opens and closes objects and arrays in the right order.</summary>
internal sealed class JsonText
{
    private readonly StringBuilder text = new();
    private bool needsComma;

    internal JsonText Open(char bracket)
    {
        Comma();
        text.Append(bracket);
        needsComma = false;
        return this;
    }

    internal JsonText Close(char bracket)
    {
        text.Append(bracket);
        needsComma = true;
        return this;
    }

    /// <summary>A member's name; its value comes next.</summary>
    internal JsonText Name(string name)
    {
        Value(name);
        text.Append(':');
        needsComma = false;
        return this;
    }

    /// <summary>A string of Latin-1 bytes: as the UTF-8 text they are, else byte by byte as U+0000 to U+00FF.</summary>
    internal JsonText Value(string? value)
    {
        Comma();
        needsComma = true;
        if (value == null)
        {
            text.Append("null");
            return this;
        }
        text.Append('"');
        foreach (char c in Decoded(value))
            if (c is '"' or '\\') text.Append('\\').Append(c);
            else if (c is >= ' ' and <= '~') text.Append(c);
            else text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
        text.Append('"');
        return this;
    }

    internal JsonText Value(long value) => Literal(value.ToString(CultureInfo.InvariantCulture));

    internal JsonText Value(double value) => Literal(value.ToString("0.######", CultureInfo.InvariantCulture));

    internal JsonText Value(bool value) => Literal(value ? "true" : "false");

    /// <summary>What was built since the last call, as it is to be written.</summary>
    internal string Take()
    {
        string taken = text.ToString();
        text.Clear();
        return taken;
    }

    private JsonText Literal(string literal)
    {
        Comma();
        needsComma = true;
        text.Append(literal);
        return this;
    }

    private void Comma()
    {
        if (needsComma) text.Append(',');
    }

    private static string Decoded(string latin1)
    {
        foreach (char c in latin1)
            if (c > '~')
            {
                try
                {
                    return new UTF8Encoding(false, true).GetString(Latin1.Bytes(latin1));
                }
                catch (DecoderFallbackException)
                {
                    return latin1;
                }
            }
        return latin1;
    }
}
