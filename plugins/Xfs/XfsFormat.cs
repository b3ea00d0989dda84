using System.Buffers.Binary;
using System.Text;
using EveStorage.FileSystems;
using EveStorage.Linux;

namespace EveStorage.Xfs;

/// <summary>xfs, by xfsprogs.</summary>
internal sealed class XfsFormat : FileSystemFormat
{
    // fs/xfs/libxfs/xfs_format.h, struct xfs_dsb: what is where. All of it is big-endian.
    private const int BlockSize = 4;
    private const int Blocks = 8;
    private const int Uuid = 32;
    private const int Label = 108;
    private const int LabelLength = 12;
    private const uint LargestBlock = 64 << 10;

    /// <inheritdoc/>
    public override string Kind => "xfs";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Programs { get; } = ["mkfs.xfs", "xfs_db", "xfs_growfs"];

    /// <inheritdoc/>
    public override (string Module, string Option) Kernel => ("xfs", "CONFIG_XFS_FS");

    /// <summary>mkfs.xfs refuses less: mkfs.xfs(8).</summary>
    public override ByteSize Least { get; } = ByteSize.MiB(300);

    /// <summary>A clone has the id of what it was made of, and the kernel would refuse one of the two.</summary>
    public override string MountData => "nouuid";

    /// <inheritdoc/>
    public override Superblock? Read(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("XFSB"u8))
        {
            return null;
        }

        uint blockSize = BinaryPrimitives.ReadUInt32BigEndian(head[BlockSize..]);
        ulong blocks = BinaryPrimitives.ReadUInt64BigEndian(head[Blocks..]);
        if (blockSize is 0 or > LargestBlock || blocks > (ulong)long.MaxValue / blockSize)
        {
            return null;
        }

        string label = Encoding.UTF8.GetString(head.Slice(Label, LabelLength)).TrimEnd('\0');
        return new(new Guid(head.Slice(Uuid, 16), bigEndian: true), label, new((long)(blocks * blockSize)));
    }

    /// <inheritdoc/>
    public override async Task MakeAsync(string device, Guid uuid, string label, bool keepsSpace, CancellationToken cancellationToken)
        // -f, since what is there counts for nothing: that was looked at before. -K gives nothing back to the device.
        => await Program("mkfs.xfs").RunAsync(["-q", "-f", "-K", "-m", $"uuid={uuid:D}", "-L", label, device], cancellationToken);

    /// <summary>By xfs_db, as xfs_admin does, which is a script.</summary>
    public override async Task LabelAsync(string device, string label, CancellationToken cancellationToken)
        => await Program("xfs_db").RunAsync(["-x", "-c", $"label {label}", device], cancellationToken);

    /// <inheritdoc/>
    public override async Task GrowAsync(string device, string point, CancellationToken cancellationToken)
        => await Program("xfs_growfs").RunAsync(["-d", point], cancellationToken);

    private static Command Program(string name)
        => Command.Find(name) ?? throw new StorageException(StorageErrorKind.Unavailable, name, "is not installed: install xfsprogs");
}
