using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Queue;
using Qmta.Send;
using Xunit;

namespace Qmta.Tests.Send;

public sealed class AddressRoutingTests
{
    private readonly AddressRouting routing = new(["here.example", "Also.example"], ["here.example", "hack.example"],
        ["virt.example:alias-virt", "joe@virt.example:joe", ".wild.example:wild", "not.wild.example:", "out@virt.example:"], "nohost.example");

    [Theory]
    [InlineData("joe@here.example", true, "joe@here.example")]
    [InlineData("joe@HERE.Example", true, "joe@HERE.Example")]
    [InlineData("joe@also.example", true, "joe@also.example")]
    [InlineData("joe@there.example", false, "joe@there.example")]
    [InlineData("joe", false, "joe@nohost.example")]
    [InlineData("", false, "@nohost.example")]
    [InlineData("@here.example", true, "@here.example")]
    [InlineData("a@b@here.example", true, "a@b@here.example")]
    [InlineData("user%there.example@here.example", false, "user@there.example")]
    [InlineData("user%virt.example%hack.example@here.example", true, "alias-virt-user@virt.example")]
    [InlineData("user%hack.example@here.example", false, "user@hack.example")]
    [InlineData("user%x@also.example", true, "user%x@also.example")]
    [InlineData("%@here.example", false, "@")]
    [InlineData("bob@virt.example", true, "alias-virt-bob@virt.example")]
    [InlineData("Joe@Virt.Example", true, "joe-Joe@Virt.Example")]
    [InlineData("out@virt.example", false, "out@virt.example")]
    [InlineData("bob@sub.virt.example", false, "bob@sub.virt.example")]
    [InlineData("bob@a.wild.example", true, "wild-bob@a.wild.example")]
    [InlineData("bob@b.a.wild.example", true, "wild-bob@b.a.wild.example")]
    [InlineData("bob@wild.example", false, "bob@wild.example")]
    [InlineData("bob@not.wild.example", false, "bob@not.wild.example")]
    public void Routes(string recipient, bool local, string address) =>
        Assert.Equal(new Destination(local ? ChannelKind.Local : ChannelKind.Remote, address), routing.Route(recipient));

    [Fact]
    public void AnAddressWithoutHostMayBeLocal() =>
        Assert.Equal(new Destination(ChannelKind.Local, "joe@me"), new AddressRouting(["me"], null, null, "me").Route("joe"));

    [Fact]
    public void ACatchAllTakesEverythingElse()
    {
        AddressRouting all = new(["me"], null, [":alias-all", "out.example:"], "me");
        Assert.Equal(new Destination(ChannelKind.Local, "alias-all-a@b.c"), all.Route("a@b.c"));
        Assert.Equal(new Destination(ChannelKind.Local, "a@me"), all.Route("a@me"));
        Assert.Equal(new Destination(ChannelKind.Remote, "a@out.example"), all.Route("a@out.example"));
    }

    [Fact]
    public void NothingButCommentsIsNothing() =>
        Assert.Equal(new Destination(ChannelKind.Remote, "a%b@c"), new AddressRouting(null, null, null, "x").Route("a%b@c"));

    [Fact]
    public void TheSenderSeesTheAddressHeWroteTo()
    {
        Gen<string> user = Gen.Elements("joe", "bob", "a-b", "-", "", "alias-virt", "joe-joe", "wild-x", "\u00fc", "a@b");
        Gen<string> host = Gen.Elements("virt.example", "VIRT.example", "a.wild.example", "here.example", "there.example", "x.not.wild.example", "wild.example");
        Prop.ForAll(Arb.From(Gen.Zip(user, host).Select(both => both.Item1 + "@" + both.Item2)), recipient =>
            routing.WithoutPrepend(routing.Route(recipient).Address) == recipient).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }

    [Fact]
    public void AnAbsurdNumberOfPercentSignsEnds()
    {
        string recipient = "u" + string.Concat(Enumerable.Repeat("%here.example", 5000)) + "@here.example";
        Assert.Equal(new Destination(ChannelKind.Local, "u@here.example"), routing.Route(recipient));
    }
}
