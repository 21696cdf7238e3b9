using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Qmta.Tests.Architecture;

/// <summary>The dependencies that docs/architecture.md promises, read from the sources.</summary>
public sealed class DependencyTests
{
    private static readonly string Root = FindRoot();

    // Which folders of src/Shared each may use besides itself: always one way.
    private static readonly Dictionary<string, string[]> Below = new()
    {
        ["Posix"] = ["Text"],
        ["Text"] = ["Posix"],
        ["Control"] = ["Posix", "Text"],
        ["Message"] = ["Posix", "Text"],
        ["Dns"] = ["Posix", "Text"],
        ["Tls"] = ["Posix", "Text"],
        ["Mailbox"] = ["Posix", "Text"],
        ["Srs"] = ["Posix", "Text", "Control", "Tls"],
        ["Queue"] = ["Posix", "Text", "Control", "Message", "Dns", "Tls"],
        ["Smtp"] = ["Posix", "Text", "Control", "Message", "Dns", "Tls"],
        // Connections are the same for every mail protocol.
        ["Qmqp"] = ["Posix", "Text", "Control", "Message", "Dns", "Tls", "Smtp"],
        ["Qmtp"] = ["Posix", "Text", "Control", "Message", "Dns", "Tls", "Smtp"],
    };

    private static string FindRoot()
    {
        string? at = AppContext.BaseDirectory;
        while (at != null && !File.Exists(at + "/aot.props")) at = Path.GetDirectoryName(at);
        return at ?? throw new DirectoryNotFoundException("the tests are not inside the repository");
    }

    private static List<string> Sources(string below)
    {
        List<string> all = [.. Directory.EnumerateFiles($"{Root}/{below}", "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/"))];
        Assert.NotEmpty(all);
        return all;
    }

    private static List<string> Executables() =>
        [.. Directory.EnumerateFiles(Root + "/src", "*.csproj", SearchOption.AllDirectories).Where(path => !path.EndsWith("/Shared.csproj"))];

    private static IEnumerable<string> Usings(string text) =>
        Regex.Matches(text, @"\bQmta\.(\w+)").Select(match => match.Groups[1].Value);

    [Fact]
    public void SharedFoldersDependOneWay()
    {
        foreach (string path in Sources("src/Shared"))
        {
            string folder = Path.GetRelativePath(Root + "/src/Shared", path).Split('/')[0];
            Assert.True(Below.ContainsKey(folder), $"{path}: where is this folder in the order of dependencies?");
            foreach (string used in Usings(File.ReadAllText(path)))
                Assert.True(used == folder || Below[folder].Contains(used) || !Below.ContainsKey(used), $"{path} must not use {used}");
        }
    }

    [Fact]
    public void ExecutablesReferToSharedOnly()
    {
        Assert.True(Executables().Count >= 6);
        foreach (string project in Executables())
        {
            XDocument document = XDocument.Load(project);
            Assert.Contains(document.Descendants("Import"), import => import.Attribute("Project")!.Value.EndsWith("aot.props"));
            Assert.Empty(document.Descendants("ProjectReference"));
            Assert.DoesNotContain(document.Descendants("Compile"), item => item.Attribute("Include")?.Value.Contains("..") == true);
        }
        Assert.Empty(XDocument.Load(Root + "/src/Shared/Shared.csproj").Descendants("ProjectReference"));
        Assert.Empty(XDocument.Load(Root + "/src/Shared/Shared.csproj").Descendants("PackageReference"));
        Assert.Equal(["$(RepositoryRoot)src/Shared/Shared.csproj"],
            XDocument.Load(Root + "/aot.props").Descendants("ProjectReference").Select(item => item.Attribute("Include")!.Value));
    }

    [Fact]
    public void OnlyTheToolsOfPeopleHavePackages()
    {
        foreach (string project in Executables().Where(path => !path.EndsWith("/qmta-admin.csproj") && !path.Contains("/full/")))
            Assert.Empty(XDocument.Load(project).Descendants("PackageReference"));
    }

    [Fact]
    public void LibcIsCalledInOnePlace()
    {
        foreach (string path in Sources("src"))
            if (!path.Contains("/src/Shared/Posix/") && !path.Contains("/src/Shared/Tls/"))
                Assert.DoesNotMatch(@"\b(LibraryImport|DllImport)\b", File.ReadAllText(path));
    }

    [Fact]
    public void ProgramsThatStartForEveryMessageAreSmall()
    {
        foreach (string path in Sources("src").Where(path => !path.Contains("/src/qmta-admin/") && !path.Contains("/src/full/")))
        {
            string code = Regex.Replace(File.ReadAllText(path), @"//.*", "");
            foreach (string name in new[]
            {
                @"Console\.", @"(?<![\w.])File\.", @"FileStream\b", @"System\.Linq", @"System\.Text\.RegularExpressions", @"System\.Net\b",
                @"System\.Reflection", @"System\.Diagnostics", @"\basync\b", @"Encoding\.UTF8\.GetString",
            })
                Assert.False(Regex.IsMatch(code, name), $"{path} uses {name}");
        }
    }

    [Fact]
    public void EveryFileSaysWhatItIs()
    {
        foreach (string path in Sources("src"))
            Assert.True(File.ReadLines(path).First() is ['/', '/', ' ', _, ..], $"{path} does not begin with a sentence about itself");
    }

    [Fact]
    public void TestsThatChangeTheProcessRunAlone()
    {
        List<string> changing = Sources("tests/unit").FindAll(path => !path.EndsWith("/Injected.cs")
            && Regex.IsMatch(File.ReadAllText(path), @"\b(Variables\.Set|Injected\.Of|Processes\.Start|QueueProgram\.Start)\("));
        Assert.NotEmpty(changing);
        Assert.All(changing, path => Assert.Contains("[Collection(\"alone\")]", File.ReadAllText(path)));
    }
}
