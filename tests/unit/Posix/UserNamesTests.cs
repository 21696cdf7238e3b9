using System.IO;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Posix;

[Collection("alone")]
public sealed class UserNamesTests
{
    [Fact]
    public void A_user_of_the_file_is_found()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "root:x:0:0:root:/root:/bin/bash\n# note\n\nshort:x\n:x:4242424:1::/:/bin/sh\n"
            + "bad:x:4242424x:1::/:/bin/sh\n" + new string('y', 10000) + ":x:4242424:1::/:/bin/sh\njoe:x:4242424:1:Joe:/home/joe:/bin/sh\n");
        Assert.Equal("root", UserNames.Of(0, path));
        Assert.Equal("joe", UserNames.Of(4242424, path));
        File.Delete(path);
    }

    [Fact]
    public void Who_is_not_in_the_file_may_be_known_elsewhere()
    {
        Assert.Equal("root", UserNames.Of(0, "/nonexistent"));
        Assert.Null(UserNames.Of(4_242_424));
        Assert.Equal(Users.ByUid(Users.RealUid)?.Name, UserNames.Of(Users.RealUid));
    }
}
