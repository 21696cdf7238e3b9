// The table of headers in cases/: what goes in, what must come out, who must get it.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Qmta.Inject;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Inject;

/// <summary>One case of the table; cases/README says how it is written.</summary>
internal sealed class HeaderCase
{
    internal string Title = "";
    internal readonly List<string> In = [], Out = [], Adds = [];
    internal string? Recipients, Sender, Refused;
    internal string Arguments = "", Environment = "";

    internal static List<HeaderCase> All()
    {
        List<HeaderCase> cases = [];
        string[] files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Inject", "cases"), "*.txt");
        Array.Sort(files, StringComparer.Ordinal);
        foreach (string file in files)
        {
            foreach (string line in Latin1.String(File.ReadAllBytes(file)).Split('\n'))
            {
                if (line.Length == 0 || line[0] == '#') continue;
                if (line[0] == '=') cases.Add(new HeaderCase { Title = Path.GetFileName(file) + ": " + line[1..].Trim() });
                else cases[^1].Take(line);
            }
        }
        return cases;
    }

    private void Take(string line)
    {
        int space = line.IndexOf(' ');
        string word = space < 0 ? line : line[..space], rest = Bytes(space < 0 ? "" : line[(space + 1)..]);
        switch (word)
        {
            case "<": In.Add(rest); break;
            case ">": Out.Add(rest); break;
            case "+": Adds.Add(rest); break;
            case "to": Recipients = rest.Trim(); break;
            case "sender": Sender = rest.Trim(); break;
            case "refused": Refused = rest.Trim(); break;
            case "arguments": Arguments = rest; break;
            case "environment": Environment = rest; break;
            default: throw new FormatException(Title + ": what is " + word + "?");
        }
    }

    // {0D} is the byte 13; a brace of its own is {7B}.
    private static string Bytes(string text)
    {
        StringBuilder bytes = new();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '{') bytes.Append(text[i]);
            else
            {
                bytes.Append((char)Convert.ToByte(text.Substring(i + 1, 2), 16));
                i += 3;
            }
        }
        return bytes.ToString();
    }

    internal static string Lines(IEnumerable<string> lines) => string.Concat(System.Linq.Enumerable.Select(lines, line => line + "\n"));

    /// <summary>Goes through injection, twice.</summary>
    internal void Run()
    {
        const string Body = "\nA line of text.\n.\nFrom here on \0 \u00e9 Bcc: nobody@example.net\nno line end";
        string body = In.Contains("") ? "" : Body;
        if (Refused != null)
        {
            InjectException wrong = Assert.Throws<InjectException>(() => Inject(Lines(In) + body));
            Assert.Contains(Refused, wrong.Message);
            Assert.Equal(Failure.Data, wrong.Failure);
            return;
        }
        Injected injected = Inject(Lines(In) + body);
        string end = Lines(Out is ["nothing"] ? [] : Out.Count > 0 ? Out : In) + body;
        if (!injected.Text.EndsWith(end, StringComparison.Ordinal)) Assert.Equal(end, injected.Text);
        string added = injected.Text[..^end.Length];
        foreach (string line in added.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            Assert.Matches("^((Resent-)?(Date: .* -0000|Message-ID: <[0-9]+[.][0-9]+[.]qmail@.*>|From: .*|Cc: recipient list not shown: ;)"
                + "|Mail-Followup-To: .*|  .*|Return-Path: .*)$", line);
        foreach (string line in Adds) Assert.Contains("\n" + line + "\n", "\n" + added);
        if (Recipients != null) Assert.Equal(Recipients, string.Join(" | ", injected.Recipients));
        if (Sender != null) Assert.Equal(Sender, injected.Sender.Length == 0 ? "<>" : injected.Sender);

        // What has been completed is complete, and means the same to whoever reads it next.
        string text = injected.Text;
        if (text.StartsWith("Return-Path: ", StringComparison.Ordinal)) text = text[(text.IndexOf('\n') + 1)..]; // -n
        Assert.Equal(text, Injected.Of(text, QmailInject.Parse(["-a", "someone@example.net"]), "", 0, Control).Text);
    }

    private static readonly (string, string)[] Control =
        [("defaultdomain", "example.org\n"), ("plusdomain", "example.com\n"), ("lists", "# lists\nlist@example.net\n")];

    private Injected Inject(string message)
    {
        string arguments = Recipients == null && Refused == null && Arguments.Length == 0 ? "someone@example.net" : Arguments;
        return Injected.Of(message, QmailInject.Parse(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)), Environment, 0, Control);
    }
}

[Collection("alone")]
public class HeaderCases
{
    public static TheoryData<int, string> Cases()
    {
        TheoryData<int, string> data = [];
        List<HeaderCase> all = HeaderCase.All();
        for (int i = 0; i < all.Count; i++) data.Add(i, all[i].Title);
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Table(int number, string title)
    {
        Assert.NotNull(title);
        HeaderCase.All()[number].Run();
    }

    [Fact]
    public void TheTableIsLong() => Assert.InRange(HeaderCase.All().Count, 200, int.MaxValue);
}
