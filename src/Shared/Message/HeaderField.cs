// One header field as a range of a message's bytes.
namespace Qmta.Message;

/// <summary>A header field: its lines, from the first byte of its name to after its last line end.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">Position of the name's first byte.</param>
/// <param name="Contents">Position after the colon; of the first byte when the field has no name.</param>
/// <param name="End">Position after the last line's end; after the last byte where the message ends within it.</param>
public readonly record struct HeaderField(FieldKind Kind, int Start, int Contents, int End);
