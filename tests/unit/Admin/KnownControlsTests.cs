using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.CompilerServices;
using Qmta.Admin;
using Xunit;

namespace Qmta.Tests.Admin;

public class KnownControlsTests
{
    // The table of the manual page names every control file; what it names, qmail-showctl shows.
    private static List<string> InManual([CallerFilePath] string here = "")
    {
        string page = Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/man/qmail-control.5");
        List<string> names = [];
        bool table = false;
        foreach (string line in File.ReadLines(page))
        {
            if (line.StartsWith(".Bl -column", StringComparison.Ordinal)) table = true;
            if (line == ".El") table = false;
            if (table && line.StartsWith(".It ", StringComparison.Ordinal) && !line.StartsWith(".It Sy", StringComparison.Ordinal))
                names.Add(line[4..].Split(' ')[0].TrimEnd('/'));
        }
        return names;
    }

    [Fact]
    public void EveryDocumentedFileIsKnown()
    {
        List<string> names = InManual();
        Assert.True(names.Count > 50);
        Assert.All(names, name => Assert.True(KnownControls.Find(name.EndsWith('.') ? name + "x" : name) != null, name));
    }

    [Fact]
    public void NoFileIsThereTwice()
    {
        HashSet<string> names = [];
        foreach (KnownControl control in KnownControls.All) Assert.True(names.Add(control.Name), control.Name);
    }

    [Theory]
    [InlineData("concurrencyr.qmta", true)]
    [InlineData("concurrencyr.", false)]
    [InlineData("outgoingip.mx.example.org", true)]
    [InlineData("nonsense", false)]
    [InlineData("", false)]
    public void FilesOfOneQueueOrHost(string name, bool known)
    {
        Assert.Equal(known, KnownControls.Find(name) != null);
        if (known) Assert.Equal(name, KnownControls.Find(name)!.Name);
    }
}
