// Reads an address list address by address, in constant memory, so that a list may be as long as a header.
using System;

namespace Qmta.Message;

/// <summary>
/// Finds the addresses of a list one after the other: mailboxes, display names with addresses in angle brackets, groups,
/// source routes, and words that only white space separates, each of which is an address. The time is proportional to
/// the length of the list.
/// </summary>
/// <param name="text">The list, which may be folded.</param>
public ref struct AddressParser(ReadOnlySpan<byte> text)
{
    private readonly ReadOnlySpan<byte> text = text;
    private AddressScanner scanner = new(text);
    // Whether words are a display name or addresses is known where they end: then they are scanned again from here.
    private AddressScanner words = new(text);
    private int count;          // words since there
    private int listEnd = -1;   // they are addresses and end here; -1 while this is not known
    private int comma = -1;     // a comma is missing before the next address
    private bool afterAngle;    // <...> was the last thing in this element

    /// <summary>What is wrong with the list, as a part of a sentence; null as long as nothing is.</summary>
    public string? Wrong { get; private set; }

    /// <summary>Goes to the next address; false at the end of the list or where it is <see cref="Wrong"/>.</summary>
    public bool Next(out AddressRange address)
    {
        address = default;
        while (Wrong == null)
        {
            if (listEnd >= 0)
            {
                if (NextWord(ref address)) return Wrong == null;
                if (scanner.Kind == TokenKind.End) return false;
                Begin();
            }
            _ = scanner.Next();
            switch (scanner.Kind)
            {
                case TokenKind.Broken:
                    Wrong = "it has a comment, quotation or bracket that does not end, or a backslash at the end of a line";
                    break;
                case TokenKind.Close:
                    Wrong = "it has a > without a <";
                    break;
                case TokenKind.End or TokenKind.Comma or TokenKind.Semicolon:
                    listEnd = scanner.Start;
                    break;
                case TokenKind.Colon:
                    Forget(); // the group's name
                    break;
                case TokenKind.Open:
                    if (afterAngle && count == 0) comma = scanner.Before;
                    Angle(ref address);
                    Forget(); // the display name
                    comma = -1;
                    afterAngle = true;
                    return Wrong == null;
                default:
                    if (afterAngle && count == 0) comma = scanner.Before;
                    afterAngle = false;
                    count++;
                    break;
            }
        }
        return false;
    }

    private void Begin()
    {
        Forget();
        listEnd = comma = -1;
        afterAngle = false;
    }

    private void Forget()
    {
        words = scanner;
        count = 0;
    }

    // Addresses without angle brackets: words, of which those that nothing joins are addresses of their own.
    private bool NextWord(ref AddressRange address)
    {
        if (count == 0) return false;
        _ = words.Next();
        int start = words.Start, at = -1;
        AddressScanner last;
        bool joined;
        do
        {
            last = words;
            count--;
            if (last.Kind == TokenKind.At) at = last.Start;
            if (count == 0) break;
            _ = words.Next();
            joined = AreJoined(last, words);
        }
        while (joined);
        if (text[start] == '@') Wrong = "it has an address without a local part";
        address = new AddressRange(comma, start, start, at, last.End);
        if (count > 0) comma = words.Before;
        words = last;
        return true;
    }

    // The address in angle brackets, after the opening one: [route] local@domain
    private void Angle(ref AddressRange address)
    {
        const string Malformed = "it has a malformed address in angle brackets";
        int route = -1, start = -1, at = -1, end = scanner.End;
        AddressScanner last = scanner;
        if (scanner.Next() && scanner.Kind == TokenKind.At)
        {
            route = scanner.Start;
            while (scanner.Kind != TokenKind.Colon)
            {
                if (scanner.Next() && scanner.Kind is not (TokenKind.Open or TokenKind.Close or TokenKind.Semicolon)) continue;
                Wrong = Malformed;
                return;
            }
            end = scanner.End;
            _ = scanner.Next();
        }
        for (; scanner.Kind != TokenKind.Close; _ = scanner.Next())
        {
            bool isPart = scanner.Kind is TokenKind.Word or TokenKind.Quoted or TokenKind.Literal or TokenKind.At;
            if (!isPart || start >= 0 && !AreJoined(last, scanner))
            {
                Wrong = Malformed;
                return;
            }
            if (start < 0) start = scanner.Start;
            if (scanner.Kind == TokenKind.At) at = scanner.Start;
            end = scanner.End;
            last = scanner;
        }
        if (start < 0) start = end;
        if (route < 0) route = start;
        if (start < end && text[start] == '@') Wrong = "it has an address without a local part";
        address = new AddressRange(comma, route, start, at, end);
    }

    // RFC 5322 4.4 (obsolete syntax): white space and comments may surround @ and the dots.
    private readonly bool AreJoined(AddressScanner a, AddressScanner b) =>
        a.End == b.Start || a.Kind == TokenKind.At || b.Kind == TokenKind.At
        || a.Kind == TokenKind.Word && text[a.End - 1] == '.' || b.Kind == TokenKind.Word && text[b.Start] == '.';
}
