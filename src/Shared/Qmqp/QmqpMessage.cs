// A message with its envelope as QMQP sends them, in files from which any number of servers can be served.
namespace Qmta.Qmqp;

/// <summary>A part of a file.</summary>
/// <param name="Fd">The file, which can be read at any position.</param>
/// <param name="Start">Where the part begins, in bytes.</param>
/// <param name="Length">Its length in bytes.</param>
public readonly record struct FilePart(int Fd, long Start, long Length);

/// <summary>A message that is to be queued.</summary>
/// <param name="Message">Its bytes.</param>
/// <param name="Envelope">The sender and the recipients, each as a netstring.</param>
public sealed record QmqpMessage(FilePart Message, FilePart Envelope);
