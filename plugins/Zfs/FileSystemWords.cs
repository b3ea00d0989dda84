namespace EveStorage.Zfs;

/// <summary>What <c>zfs create</c> and <c>zfs clone</c> are told of a file system, zfsprops(7).</summary>
internal static class FileSystemWords
{
    /// <summary>The compression of one that is to be compressed in a pool that is not.</summary>
    internal const string Cheapest = "lz4";

    // Nothing but we mounts it. Services expect of a file system what ext4 and xfs have: lists of access, and attributes beside the file.
    private static readonly string[] s_all = ["-o", "mountpoint=legacy", "-o", "acltype=posixacl", "-o", "xattr=sa"];

    /// <summary>All of it.</summary>
    /// <param name="size">The most that its files take.</param>
    /// <param name="quota">The most that it takes of the pool with its snapshots; null for no limit.</param>
    /// <param name="reservation">What is kept free for it; null for nothing.</param>
    /// <param name="compression">How it is compressed; null for as its pool is.</param>
    internal static IEnumerable<string> Of(ByteSize size, ByteSize? quota, ByteSize? reservation, string? compression)
        => [
            .. s_all,
            .. Property.Words("refquota", size.Bytes),
            .. quota is ByteSize most ? Property.Words("quota", most.Bytes) : [],
            .. reservation is ByteSize kept ? Property.Words("refreservation", kept.Bytes) : [],
            .. compression is not null ? Property.Words("compression", compression) : [],
        ];
}
