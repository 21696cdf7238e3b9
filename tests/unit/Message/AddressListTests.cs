using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Text;
using Qmta.Message;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Message;

public class AddressListTests
{
    // The list, the recipients separated by |.
    [Theory]
    // qmail-header(5)
    [InlineData("a@b.c, c@d.e (Somebody), A Person <e@f.g>,\n   random group: g@h.i, i@j.k;, k@l.m", "a@b.c|c@d.e|e@f.g|g@h.i|i@j.k|k@l.m")]
    [InlineData("djb@silverton", "djb@silverton.dd.example")]
    [InlineData("eric@mammoth.cs+", "eric@mammoth.cs.plus.example")]
    [InlineData("eric@mammoth+", "eric@mammoth.plus.example")]
    [InlineData("djb@[128.32.183.163]", "djb@[128.32.183.163]")]
    [InlineData("djb fred", "djb@dh.dd.example|fred@dh.dd.example")]
    [InlineData("djb", "djb@dh.dd.example")]
    // RFC 5322 appendix A.1
    [InlineData("Mary Smith <mary@example.net>", "mary@example.net")]
    [InlineData("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>", "mary@x.test|jdoe@example.org|one@y.test")]
    [InlineData("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>", "boss@nil.test|sysservices@example.net")]
    [InlineData("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", "c@a.test|joe@where.test|jdoe@one.test")]
    [InlineData("Undisclosed recipients:;", "")]
    [InlineData("\"Joe Q. Public\" <john.q.public@example.com>", "john.q.public@example.com")]
    // RFC 5322 appendix A.5 and A.6
    [InlineData("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "pete@silly.test")]
    [InlineData("A Group(Some people)\n     :Chris Jones <c@(Chris's host.)public.example>,\n         joe@example.org,\n  John <jdoe@one.test> (my dear friend); (the end of the group)", "c@public.example|joe@example.org|jdoe@one.test")]
    [InlineData("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "")]
    [InlineData("Joe Q. Public <john.q.public@example.com>", "john.q.public@example.com")]
    [InlineData("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example", "mary@example.net|jdoe@test.example")]
    [InlineData("Mary Smith\n          <mary@example.net>", "mary@example.net")]
    // RFC 822 A.1 and A.2
    [InlineData("\"Al Neuman\"@BBN-TENEXA.arpa", "Al Neuman@BBN-TENEXA.arpa")]
    [InlineData("Wilt . Chamberlain@NBA.US", "Wilt.Chamberlain@NBA.US")]
    [InlineData("Alfred Neuman <Neuman@BBN-TENEXA.arpa>", "Neuman@BBN-TENEXA.arpa")]
    [InlineData("Gourmets:  Pompous Person <WhoZiWhatZit@Cordon-Bleu.x>,\r\n Childs@WGBH.Boston, Galloping Gourmet@\r\n ANT.Down-Under (Australian National Television),\r\n Cheapie@Discount-Liquors.y;", "WhoZiWhatZit@Cordon-Bleu.x|Childs@WGBH.Boston|Galloping@dh.dd.example|Gourmet@ANT.Down-Under|Cheapie@Discount-Liquors.y")]
    // local parts
    [InlineData("\"a@b\"@c.d", "a@b@c.d")]
    [InlineData("\"a\\\"b\\\\c\"@d.e", "a\"b\\c@d.e")]
    [InlineData("a\\ b@c.d", "a b@c.d")]
    [InlineData("\"a,b\"@c.d, e@f.g", "a,b@c.d|e@f.g")]
    [InlineData("\"a \r\n b\"@c.d", "a  b@c.d")]
    [InlineData("a@b@c.d", "a@b@c.d")]
    [InlineData("joe.@docomo.example, joe..x@docomo.example", "joe.@docomo.example|joe..x@docomo.example")]
    [InlineData("user+tag@x.y, root, #@x.y, a=b@x.y, a!b@x.y, a%b@x.y, a/b@x.y", "user+tag@x.y|root@dh.dd.example|#@x.y|a=b@x.y|a!b@x.y|a%b@x.y|a/b@x.y")]
    [InlineData("\u00c3\u00a9v\u00e9@x.y", "\u00c3\u00a9v\u00e9@x.y")]
    [InlineData("list-owner-@host-@[]", "list-owner-@host-@[]")]
    // hosts
    [InlineData("joe@host.", "joe@host.dd.example")]
    [InlineData("joe@a.b.", "joe@a.b")]
    [InlineData("joe@", "joe@dh.dd.example")]
    [InlineData("joe@...", "joe@dh.dd.example")]
    [InlineData("joe@+", "joe@plus.example")]
    [InlineData("joe @ host . example", "joe@host.example")]
    [InlineData("joe@[IPv6:2001:db8::1]", "joe@[IPv6:2001:db8::1]")]
    [InlineData("joe@(c)host(d)", "joe@host.dd.example")]
    // what real mail has
    [InlineData("a@b.c <d@e.f>", "d@e.f")]
    [InlineData("a@b.c; d@e.f;", "a@b.c|d@e.f")]
    [InlineData("<a@b.c> <d@e.f>", "a@b.c|d@e.f")]
    [InlineData("<a@b.c> Joe <d@e.f> Fred", "a@b.c|d@e.f|Fred@dh.dd.example")]
    [InlineData(" ,, a@b.c ,\t, ", "a@b.c")]
    [InlineData("", "")]
    [InlineData("(nobody)", "")]
    [InlineData("<>", "")]
    [InlineData("=?utf-8?q?J=C3=B6e?= <a@b.c>", "a@b.c")]
    [InlineData("\"Doe, Joe\" <a@b.c>", "a@b.c")]
    [InlineData("[list] <a@b.c>", "a@b.c")]
    [InlineData("root (Cron Daemon)", "root@dh.dd.example")]
    [InlineData("<@a.b,@c.d:e@f.g>", "e@f.g")]
    [InlineData("<@a.b:e>", "e@dh.dd.example")]
    [InlineData("@a.b:e@f.g", "e@f.g")]
    [InlineData("@h:@x:a, b", "a@dh.dd.example|b@dh.dd.example")]
    [InlineData("joe@x.y.(c).", "joe@x.y")]
    [InlineData("joe@x+(c).", "joe@x.plus.example")]
    [InlineData("joe@.(c).", "joe@dh.dd.example")]
    [InlineData("g: a, b;", "a@dh.dd.example|b@dh.dd.example")]
    [InlineData("g: a, b", "a@dh.dd.example|b@dh.dd.example")]
    [InlineData("g: a@b.c;d: e@f.g;", "a@b.c|e@f.g")]
    public void Recipients(string list, string expected)
    {
        Completed completed = Completed.Of(list);
        Assert.Null(completed.Wrong);
        Assert.Equal(expected, string.Join('|', completed.Recipients));
        Completed again = Completed.Of(completed.Text);
        Assert.Equal(0, again.Edits);
        Assert.Equal(completed.Recipients, again.Recipients);
    }

    [Theory]
    [InlineData("a@b.c, Joe <d@e.f> (x),\n g: h@i.j;", "a@b.c, Joe <d@e.f> (x),\n g: h@i.j;")]
    [InlineData("djb (Dan) fred", "djb@dh.dd.example (Dan), fred@dh.dd.example")]
    [InlineData("<a@b.c>(x) <d@e.f>", "<a@b.c>(x), <d@e.f>")]
    [InlineData("Joe <@r.s,@t.u:a@b>", "Joe <a@b.dd.example>")]
    [InlineData("eric@cs+ (Eric)", "eric@cs.plus.example (Eric)")]
    [InlineData("joe@host. , x", "joe@host.dd.example , x@dh.dd.example")]
    [InlineData("joe@(c)host(d)", "joe@(c)host.dd.example(d)")]
    [InlineData("\"q r\" @ h", "\"q r\" @ h.dd.example")]
    public void Text(string list, string expected) => Assert.Equal(expected, Completed.Of(list).Text);

    [Theory]
    [InlineData("Joe <a@b.c")]
    [InlineData("Joe a@b.c>")]
    [InlineData("<a@b.c, d@e.f>")]
    [InlineData("<a b@c.d>")]
    [InlineData("<a@b.c<d@e.f>>")]
    [InlineData("<@a.b e@f.g>")]
    [InlineData("\"Joe <a@b.c>")]
    [InlineData("a@b.c (no end")]
    [InlineData("a@b.c (a (b)")]
    [InlineData("a@[1.2.3.4")]
    [InlineData("a@b.c\\")]
    [InlineData("@b.c")]
    [InlineData("<@b.c>")]
    [InlineData("a@b.c, @d.e")]
    [InlineData("\"a\\")]
    [InlineData("<@a.b:@c@d.e>")]
    [InlineData("@a@b.c")]
    public void Malformed(string list) => Assert.NotNull(Completed.Of(list).Wrong);

    [Theory]
    [InlineData("joe", "joe")]
    [InlineData("joe.doe", "joe.doe")]
    [InlineData("joe doe", "\"joe doe\"")]
    [InlineData("", "\"\"")]
    [InlineData(".a", "\".a\"")]
    [InlineData("a..b", "\"a..b\"")]
    [InlineData("a\"\\@", "\"a\\\"\\\\@\"")]
    public void QuotedLocalPart(string local, string quoted)
    {
        Assert.Equal(quoted + "@x.y", QuotedAddress.Of(local + "@x.y"));
        Assert.Equal([local + "@x.y"], Completed.Of(quoted + "@x.y").Recipients);
    }

    [Theory]
    [InlineData("Joe Doe", "Joe Doe")]
    [InlineData("Joe B. Doe", "\"Joe B. Doe\"")]
    [InlineData("Joe <evil@x.y>, ", "\"Joe <evil@x.y>, \"")]
    [InlineData("J\u00c3\u00b6rg", "J\u00c3\u00b6rg")]
    public void QuotedName(string name, string quoted)
    {
        Assert.Equal(quoted, AddressList.QuoteName(name));
        Assert.Equal(["a@b.c"], Completed.Of(quoted + " <a@b.c>").Recipients);
    }

    [Fact]
    public void CommentsAreEscaped() =>
        Assert.Equal(["a@b.c"], Completed.Of("a@b.c " + AddressList.Comment("x) evil@x.y (\\")).Recipients);

    [Theory]
    [InlineData("user{0}@example.org, ")]
    [InlineData("user{0} ")]
    [InlineData("\"User {0}\" <user{0}@example.org>,\n\t")]
    [InlineData("g: user{0};")]
    public void HundredThousandRecipients(string each)
    {
        StringBuilder list = new();
        for (int i = 0; i < 100_000; i++) list.Append(each.Replace("{0}", i.ToString()));
        Stopwatch time = Stopwatch.StartNew();
        Completed completed = Completed.Of(list.ToString());
        Assert.Equal(100_000, completed.Recipients.Length);
        Assert.StartsWith("user99999@", completed.Recipients[^1]);
        Assert.True(time.Elapsed < TimeSpan.FromSeconds(10), "took " + time.Elapsed);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("<")]
    [InlineData("[")]
    [InlineData("@")]
    [InlineData("\\")]
    [InlineData(":")]
    [InlineData("\"")]
    [InlineData("a ")]
    [InlineData("a@")]
    [InlineData(". ")]
    [InlineData("()")]
    [InlineData("<a>")]
    [InlineData("<@a:")]
    public void HostileRepetitionTakesLinearTime(string piece)
    {
        StringBuilder list = new();
        while (list.Length < 2_000_000) list.Append(piece);
        Stopwatch time = Stopwatch.StartNew();
        List<AddressRange> addresses = [];
        byte[] text = Latin1.Bytes(list.ToString());
        _ = AddressList.Parse(text, addresses);
        foreach (AddressRange address in addresses) Assert.InRange(address.End, address.Start, text.Length);
        Assert.True(time.Elapsed < TimeSpan.FromSeconds(10), "took " + time.Elapsed);
    }
}
