// The two ways out of a queue: to a mailbox here, or to another host.
namespace Qmta.Queue;


public enum ChannelKind
{
    Local = 0,
    Remote = 1,
}
