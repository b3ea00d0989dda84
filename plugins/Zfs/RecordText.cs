using System.Globalization;

namespace EveStorage.Zfs;

/// <summary>
/// A volume's record in user properties: base64, since a value has no line breaks, and in pieces, since it has 8191 bytes at most
/// (ZAP_MAXVALUELEN). One <c>zfs set</c> replaces all of them in one transaction of ZFS's.
/// </summary>
internal static class RecordText
{
    private const int PieceLength = 8000;

    // A document of VolumeDocument.MaxLength has no more.
    private const int MostPieces = 16;

    private const string Piece = "evestorage:record.";

    /// <summary>The properties that hold <paramref name="document"/>; those among <paramref name="before"/> that are no longer needed are emptied.</summary>
    internal static IReadOnlyList<string> Write(ReadOnlySpan<byte> document, IEnumerable<string>? before = null)
    {
        string text = Convert.ToBase64String(document);
        int count = (text.Length + PieceLength - 1) / PieceLength;
        List<string> set = [Property.Set(Property.RecordPieces, count)];
        for (int number = 0; number < count; number++)
        {
            set.Add(Property.Set(Name(number), text.Substring(number * PieceLength, Math.Min(PieceLength, text.Length - (number * PieceLength)))));
        }

        set.AddRange((before ?? []).Where(name => NumberOf(name) >= count).Select(name => Property.Set(name, "")));
        return set;
    }

    /// <summary>Reads the document out of properties; null when they hold none.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: a part of it is lost.</exception>
    internal static byte[]? Read(IReadOnlyDictionary<string, string> properties, string subject)
    {
        if (!properties.TryGetValue(Property.RecordPieces, out string? text))
        {
            return null;
        }

        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count > MostPieces)
        {
            throw Corrupt(subject);
        }

        string?[] pieces = [.. Enumerable.Range(0, count).Select(number => properties.GetValueOrDefault(Name(number)))];
        try
        {
            return Array.IndexOf(pieces, null) < 0 ? Convert.FromBase64String(string.Concat(pieces)) : throw Corrupt(subject);
        }
        catch (FormatException)
        {
            throw Corrupt(subject);
        }
    }

    private static string Name(int number) => string.Create(CultureInfo.InvariantCulture, $"{Piece}{number}");

    private static int? NumberOf(string name)
        => name.StartsWith(Piece, StringComparison.Ordinal) && int.TryParse(name.AsSpan(Piece.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;

    private static StorageException Corrupt(string subject) => new(StorageErrorKind.Corrupt, subject, "has lost a part of its record in ZFS's properties");
}
