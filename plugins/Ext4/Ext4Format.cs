using System.Buffers.Binary;
using System.Text;
using EveStorage.FileSystems;
using EveStorage.Linux;

namespace EveStorage.Ext4;

/// <summary>ext4, by e2fsprogs.</summary>
internal sealed class Ext4Format : FileSystemFormat
{
    // Documentation/filesystems/ext4/super.rst: where the superblock is, and what is where in it. All of it is little-endian.
    private const int SuperblockAt = 1024;
    private const int Magic = 0x38;
    private const ushort ExpectedMagic = 0xEF53;
    private const int BlocksLow = 0x04;
    private const int BlockSize = 0x18;
    private const int Incompatible = 0x60;
    private const int Uuid = 0x68;
    private const int Label = 0x78;
    private const int LabelLength = 16;
    private const int BlocksHigh = 0x150;
    private const uint With64Bits = 0x80;
    private const uint LargestBlock = 6;   // 1024 << 6 is 64KiB

    /// <inheritdoc/>
    public override string Kind => "ext4";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Programs { get; } = ["mkfs.ext4", "tune2fs", "resize2fs"];

    /// <inheritdoc/>
    public override (string Module, string Option) Kernel => ("ext4", "CONFIG_EXT4_FS");

    /// <summary>Less has no room for a journal.</summary>
    public override ByteSize Least { get; } = ByteSize.MiB(16);

    /// <summary>EXT4_IOC_RESIZE_FS asks for it: <c>fs/ext4/resize.c</c>, <c>ext4_resize_begin</c>.</summary>
    public override (int Number, string Name)? Growing => (24, "CAP_SYS_RESOURCE");

    /// <inheritdoc/>
    public override string MountData => "";

    /// <inheritdoc/>
    public override Superblock? Read(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> block = head[SuperblockAt..];
        uint blockSize = U32(block, BlockSize);
        if (BinaryPrimitives.ReadUInt16LittleEndian(block[Magic..]) != ExpectedMagic || blockSize > LargestBlock)
        {
            return null;
        }

        ulong blocks = U32(block, BlocksLow) | ((U32(block, Incompatible) & With64Bits) != 0 ? (ulong)U32(block, BlocksHigh) << 32 : 0);
        ulong size = Math.Min(blocks, (ulong)long.MaxValue >> (int)(10 + blockSize)) << (int)(10 + blockSize);
        string label = Encoding.UTF8.GetString(block.Slice(Label, LabelLength)).TrimEnd('\0');
        return new(new Guid(block.Slice(Uuid, 16), bigEndian: true), label, new((long)size));
    }

    /// <inheritdoc/>
    public override async Task MakeAsync(string device, Guid uuid, string label, bool keepsSpace, CancellationToken cancellationToken)
    {
        // The kernel would zero the tables later, and give back the space of what a file took beforehand; mkfs keeps it.
        string lazy = keepsSpace ? ",lazy_itable_init=0,lazy_journal_init=0" : "";

        // All of it is for the service: a reserve for root is of no use where each service has its own.
        await Program("mkfs.ext4").RunAsync(
            ["-q", "-F", "-b", "4096", "-m", "0", "-e", "remount-ro", "-E", $"nodiscard{lazy}", "-U", $"{uuid:D}", "-L", label, device], cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task LabelAsync(string device, string label, CancellationToken cancellationToken)
        => await Program("tune2fs").RunAsync(["-L", label, device], cancellationToken);

    /// <inheritdoc/>
    public override async Task GrowAsync(string device, string point, CancellationToken cancellationToken)
        => await Program("resize2fs").RunAsync([device], cancellationToken);

    private static uint U32(ReadOnlySpan<byte> block, int at) => BinaryPrimitives.ReadUInt32LittleEndian(block[at..]);

    private static Command Program(string name)
        => Command.Find(name) ?? throw new StorageException(StorageErrorKind.Unavailable, name, "is not installed: install e2fsprogs");
}
