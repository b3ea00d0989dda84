using System.Buffers.Binary;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Where a file's bytes lie, as its file system tells it: Documentation/filesystems/fiemap.rst.</summary>
public sealed partial class BlockFile
{
    // struct fiemap, and struct fiemap_extent behind it, so many at once.
    private const int MapHeader = 32;
    private const int MapExtent = 56;
    private const int MapExtents = 256;

    /// <summary>
    /// How many of its bytes lie in blocks that other files have, too: what is written there takes new ones. Nothing is written out for it: what
    /// has a new block only in memory counts as where it was.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: the file system does not tell.</exception>
    public long CountShared() => Count(0, static flags => (flags & OwnCalls.FIEMAP_EXTENT_SHARED) != 0);

    /// <summary>How many of its bytes lie in blocks that hold something, or will when it is written out, as is done first; what is reserved and was never written does not count.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: the file system does not tell.</exception>
    public long CountWritten() => Count(OwnCalls.FIEMAP_FLAG_SYNC, static flags => (flags & OwnCalls.FIEMAP_EXTENT_UNWRITTEN) == 0);

    private unsafe long Count(uint how, Predicate<uint> counts)
    {
        using Descriptor descriptor = new(Handle);
        Span<byte> map = new byte[MapHeader + (MapExtents * MapExtent)];
        long sum = 0;
        for (ulong start = 0; ;)
        {
            map[..MapHeader].Clear();
            BinaryPrimitives.WriteUInt64LittleEndian(map, start);
            BinaryPrimitives.WriteUInt64LittleEndian(map[8..], ulong.MaxValue - start);
            BinaryPrimitives.WriteUInt32LittleEndian(map[16..], how);
            BinaryPrimitives.WriteUInt32LittleEndian(map[24..], MapExtents);
            fixed (byte* request = map)
            {
                if (LibC.ioctl(descriptor, unchecked((int)OwnCalls.FS_IOC_FIEMAP), request) < 0)
                {
                    throw Errno.Failure(_subject, "FS_IOC_FIEMAP");
                }
            }

            int mapped = (int)BinaryPrimitives.ReadUInt32LittleEndian(map[20..]);
            if (mapped is 0 or > MapExtents)
            {
                return sum;
            }

            uint flags = 0;
            foreach (int at in Enumerable.Range(0, mapped))
            {
                ReadOnlySpan<byte> extent = map.Slice(MapHeader + (at * MapExtent), MapExtent);
                ulong length = BinaryPrimitives.ReadUInt64LittleEndian(extent[16..]);
                flags = BinaryPrimitives.ReadUInt32LittleEndian(extent[40..]);
                start = BinaryPrimitives.ReadUInt64LittleEndian(extent) + length;
                sum += counts(flags) ? (long)length : 0;
            }

            if ((flags & OwnCalls.FIEMAP_EXTENT_LAST) != 0)
            {
                return sum;
            }
        }
    }
}
