using System.Text;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>The block devices of ZFS's volumes, which the kernel numbers as it comes to them: <c>zd0</c>, <c>zd16</c>.</summary>
public static class Zvol
{
    private const int MaxName = 256;

    // OpenZFS, include/sys/fs/zfs.h, which no package of headers has: BLKZNAME, _IOR(0x12, 125, char[256]).
    private const uint NameRequest = 0x8100127D;

    /// <summary>The node of the volume called <paramref name="name"/> in full, <c>pool/volumes/vm42</c>; null when it has none now.</summary>
    public static string? FindNode(string name)
        => Directory.EnumerateDirectories("/sys/block", "zd*").Select(path => $"/dev/{Path.GetFileName(path)}").FirstOrDefault(node => NameOf(node) == name);

    /// <summary>What the volume behind a node is called; null when it is none, or goes while it is asked.</summary>
    public static unsafe string? NameOf(string node)
    {
        try
        {
            using BlockFile device = BlockFile.OpenDevice(node, writable: false, node);
            using Descriptor descriptor = new(device.Handle);
            Span<byte> name = stackalloc byte[MaxName];
            fixed (byte* start = name)
            {
                return LibC.ioctl(descriptor, unchecked((int)NameRequest), start) == 0 ? Encoding.UTF8.GetString(name[..Math.Max(0, name.IndexOf((byte)0))]) : null;
            }
        }
        catch (StorageException)
        {
            return null;   // it is not there, or is being made, renamed or removed
        }
    }
}
