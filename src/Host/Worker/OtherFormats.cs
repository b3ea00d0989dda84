namespace EveStorage.Host.Worker;

/// <summary>
/// Images and archives that nobody here reads, known by their first bytes. Whoever brings one is told what it is and what to do, and never to call
/// it raw, which would make a disk of its tables.
/// </summary>
internal static class OtherFormats
{
    private const int VdiAt = 64;
    private const int TarAt = 257;

    // As QEMU's block/vmdk.c, vdi.c, vhdx.c, vpc.c, qed.c and parallels.c have them.
    private static readonly (byte[] Signature, int At, string Name)[] s_images =
    [
        ([.. "KDMV"u8], 0, "VMDK"),
        ([.. "COWD"u8], 0, "VMDK"),
        ([.. "# Disk DescriptorFile"u8], 0, "VMDK"),
        ([0x7F, 0x10, 0xDA, 0xBE], VdiAt, "VDI"),
        ([.. "vhdxfile"u8], 0, "VHDX"),
        ([.. "conectix"u8], 0, "VHD"),
        ([.. "QED\0"u8], 0, "QED"),
        ([.. "WithoutFreeSpace"u8], 0, "Parallels disk"),
        ([.. "WithouFreSpacExt"u8], 0, "Parallels disk"),
    ];

    private static readonly (byte[] Signature, int At, string Name)[] s_archives =
    [
        ([(byte)'P', (byte)'K', 3, 4], 0, "zip"),
        ([.. "BZh"u8], 0, "bzip2"),
        ([(byte)'7', (byte)'z', 0xBC, 0xAF, 0x27, 0x1C], 0, "7z"),
        ([0x04, 0x22, 0x4D, 0x18], 0, "lz4"),
        ([.. "ustar"u8], TarAt, "tar, as an OVA is"),
    ];

    /// <summary>What is said of one; null where it is none of them.</summary>
    internal static string? Recognize(ReadOnlySpan<byte> head)
        => Find(s_images, head) is string image ? $"is a {image}, which is not read here: make a qcow2 of it with `qemu-img convert -O qcow2`"
            : Find(s_archives, head) is string archive ? $"is packed as {archive}, which is not unpacked here: take the image out of it first"
            : null;

    private static string? Find((byte[] Signature, int At, string Name)[] known, ReadOnlySpan<byte> head)
    {
        foreach ((byte[] signature, int at, string name) in known)
        {
            if (head.Length >= at + signature.Length && head[at..].StartsWith(signature))
            {
                return name;
            }
        }

        return null;
    }
}
