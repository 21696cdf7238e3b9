// Every target of the harness.
using System.Collections.Generic;

namespace Qmta.Tests.Fuzz.Targets;

internal static class All
{
    internal static List<Target> Targets() =>
    [
        new EnvelopeTarget(), new NetstringTarget(), new SpawnTarget(), new AddressTarget(), new HeaderTarget(),
        new DotQmailTarget(), new ControlTarget(), new RulesTarget(), new AliasTarget(), new CdbTarget(), new DnsTarget(), new QueueTarget(),
        new ListingTarget(), new ReplyTarget(), new DotsTarget(), new SmtpServerTarget(), new QmqpServerTarget(),
        new QmtpServerTarget(), new SmtpClientTarget(), new QmtpClientTarget(), new QmqpClientTarget(), new LinesTarget(),
        new PacketTarget(), new AccessTarget(), new AuthClientTarget(),
    ];
}
