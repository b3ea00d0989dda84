using System.Buffers.Text;

namespace EveStorage.Zfs;

/// <summary>
/// The mark that a pool has from the transaction that makes it, in ZFS's own <c>comment</c>: 32 characters at most, which its drives
/// show while nobody has the pool. All else is set when the pool is finished.
/// </summary>
internal static class PoolComment
{
    private const string Word = "evestg:";

    /// <summary>The comment of a pool that <paramref name="operation"/> makes.</summary>
    internal static string Of(Guid operation) => Word + Base64Url.EncodeToString(operation.ToByteArray());

    /// <summary>Who made a pool with that comment; null when it is not ours.</summary>
    internal static OwnerMark? Read(string? comment)
    {
        Span<byte> id = stackalloc byte[16];
        return comment?.StartsWith(Word, StringComparison.Ordinal) == true && Base64Url.IsValid(comment.AsSpan(Word.Length), out int length) && length == id.Length
            && Base64Url.DecodeFromChars(comment.AsSpan(Word.Length), id) == id.Length
            ? OwnerMark.Of(new(id))
            : null;
    }
}
