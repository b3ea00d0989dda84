using System.Security.Cryptography;

namespace EveStorage.Luks;

/// <summary>What a LUKS header says of itself.</summary>
internal sealed record LuksHeader
{
    /// <summary>How long one copy is of those that we make: 4 KiB and 12 KiB of JSON.</summary>
    internal const int CopyLength = 16 << 10;

    /// <summary>Where the two copies lie of those that we make.</summary>
    internal const int CopiesLength = 2 * CopyLength;

    // hdr_size in the specification: 16 KiB to 4 MiB.
    private const ulong MaxCopyLength = 4 << 20;

    /// <summary>1 or 2.</summary>
    public required int Version { get; init; }

    /// <summary>The header's own id, in the form <c>D</c>.</summary>
    public required string Uuid { get; init; }

    /// <summary>Who made it; null when that was not us.</summary>
    public required OwnerMark? Mark { get; init; }

    /// <summary>Whether its checksum holds; one of ours that has none was cut short when it was made.</summary>
    public required bool IsWhole { get; init; }

    /// <summary>How many keys open it.</summary>
    public required int Keys { get; init; }

    /// <summary>The names of the keys that may open it, as we wrote them down; empty while it has had but one.</summary>
    public required IReadOnlyList<string> KeyNames { get; init; }

    private ulong SequenceId { get; init; }

    /// <summary>Finds the header in the first <see cref="CopiesLength"/> bytes of a device, or of a shorter one; null when there is none.</summary>
    internal static LuksHeader? Find(ReadOnlySpan<byte> head)
    {
        LuksHeader? first = FindCopy(head, second: false);
        LuksHeader? second = head.Length < CopyLength ? null : FindCopy(head[CopyLength..], second: true);

        // As cryptsetup does: the newer one of those that are whole; it repairs the other one when it opens.
        return first is null || (!first.IsWhole && second is { IsWhole: true }) || (second is { IsWhole: true } && second.SequenceId > first.SequenceId)
            ? second ?? first
            : first;
    }

    private static LuksHeader? FindCopy(ReadOnlySpan<byte> head, bool second)
    {
        if (head.Length < LuksHeaderView.Length)
        {
            return null;
        }

        LuksHeaderView view = new(head[..LuksHeaderView.Length]);
        if (second ? !view.IsSecond : !view.IsFirst)
        {
            return null;
        }

        // Version 1 has nothing of all this at these offsets, and its mark can't be ours.
        bool isTwo = view.Version == 2;
        bool whole = isTwo && IsWholeCopy(head, view);
        return new()
        {
            Version = view.Version,
            Uuid = isTwo ? view.Uuid : "",
            Mark = isTwo && view.Subsystem == OwnerMark.Us && Guid.TryParseExact(view.Label, "D", out Guid operation) ? OwnerMark.Of(operation) : null,
            IsWhole = whole,
            Keys = whole ? LuksMetadata.CountKeys(head[LuksHeaderView.Length..(int)view.HeaderSize]) : 0,
            KeyNames = whole ? LuksMetadata.KeyNames(head[LuksHeaderView.Length..(int)view.HeaderSize]) : [],
            SequenceId = view.SequenceId,
        };
    }

    // The checksum is over the copy with zeros in the checksum's place. A longer one than ours is somebody's: its mark says so.
    private static bool IsWholeCopy(ReadOnlySpan<byte> head, LuksHeaderView view)
    {
        if (view.HeaderSize is < CopyLength or > MaxCopyLength || view.HeaderSize > (ulong)head.Length || view.ChecksumAlgorithm != "sha256")
        {
            return false;
        }

        byte[] copy = head[..(int)view.HeaderSize].ToArray();
        copy.AsSpan(LuksHeaderView.ChecksumOffset, LuksHeaderView.ChecksumLength).Clear();
        return SHA256.HashData(copy).AsSpan().SequenceEqual(view.Checksum[..SHA256.HashSizeInBytes]);
    }
}
