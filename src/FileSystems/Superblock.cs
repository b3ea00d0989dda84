using System.Security.Cryptography;
using System.Text;

namespace EveStorage.FileSystems;

/// <summary>What a file system says of itself on its device.</summary>
/// <param name="Uuid">Its id, which tells the operation and the site that it was made by and for.</param>
/// <param name="Label">Its label, by which it is ours.</param>
/// <param name="Size">How much of its device it takes.</param>
public sealed record Superblock(Guid Uuid, string Label, ByteSize Size)
{
    /// <summary>How many bytes of a device's beginning tell it, whatever its kind.</summary>
    public const int HeadLength = 4096;

    /// <summary>The label of one that is whole. It is put on last, so that it is the commit.</summary>
    internal const string Whole = OwnerMark.Us;

    /// <summary>The label of one that is being made.</summary>
    internal const string Unfinished = "evestor-new";

    /// <summary>Whether we made it, be it whole or not.</summary>
    internal bool IsOurs => Label is Whole or Unfinished;

    /// <summary>Whether we made it to its end.</summary>
    internal bool IsWhole => Label == Whole;

    /// <summary>Whether <paramref name="operation"/> made it for the site called <paramref name="site"/>.</summary>
    internal bool IsOf(Guid operation, string site) => IsOurs && Uuid == UuidOf(operation, site);

    /// <summary>The id of what an operation makes on a site: the same each time it is asked for, and no other's.</summary>
    internal static Guid UuidOf(Guid operation, string site)
    {
        byte[] bytes = SHA256.HashData(Encoding.ASCII.GetBytes($"{operation:D} {site}"))[..16];
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);   // RFC 9562, version 8: made as the maker likes
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new(bytes, bigEndian: true);
    }
}
