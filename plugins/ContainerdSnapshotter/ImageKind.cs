using System.Buffers.Binary;
using EveStorage.Linux;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>A kind of file system that a layer can be: how it is made, grown and mounted.</summary>
internal sealed record ImageKind
{
    private const int HeadLength = 4096;

    /// <summary>Every kind.</summary>
    internal static IReadOnlyList<ImageKind> All { get; } =
    [
        new()
        {
            Name = "ext4",
            Magic = (0x438, [0x53, 0xEF]),
            Least = ByteSize.MiB(16),
            Module = ("ext4", "CONFIG_EXT4_FS"),

            // A small journal: each layer has its own. Its tables are not zeroed, as holes are zeros.
            Making = ["-q", "-F", "-b", "4096", "-m", "0", "-J", "size=4", "-e", "remount-ro", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1"],
            Writing = ["discard", "noinit_itable"],
            Looking = ["norecovery"],
            Growing = new("resize2fs", WhileMounted: false, "-f"),   // it asks for a check after each mount, and what is grown was committed clean
            Files = static head => BinaryPrimitives.ReadUInt32LittleEndian(head[0x400..]) - (long)BinaryPrimitives.ReadUInt32LittleEndian(head[0x410..]),
        },
        new()
        {
            Name = "xfs",
            Magic = (0, [.. "XFSB"u8]),
            Least = ByteSize.MiB(300),
            Module = ("xfs", "CONFIG_XFS_FS"),

            // The kernel's loop devices are asked for the unit of drives, and xfs takes none that is larger than its own.
            Making = ["-q", "-f", "-K", "-s", "size=4096"],
            Writing = ["discard", "nouuid"],   // a clone has the id of what it was made of, and the kernel would refuse one of the two
            Looking = ["norecovery", "nouuid"],
            Growing = new("xfs_growfs", WhileMounted: true, "-d"),
            Files = static head => BinaryPrimitives.ReadInt64BigEndian(head[128..]) - BinaryPrimitives.ReadInt64BigEndian(head[136..]),
        },
    ];

    /// <summary>Its name, for the kernel and for people.</summary>
    internal required string Name { get; init; }

    /// <summary>What tells it from the other, and where in the first bytes: Documentation/filesystems/ext4/super.rst; fs/xfs/libxfs/xfs_format.h.</summary>
    internal required (int At, byte[] Bytes) Magic { get; init; }

    /// <summary>The smallest that is made.</summary>
    internal required ByteSize Least { get; init; }

    /// <summary>What the kernel needs for it: the module, and the option that builds it.</summary>
    internal required (string Name, string Option) Module { get; init; }

    /// <summary>What mkfs is told.</summary>
    internal required IReadOnlyList<string> Making { get; init; }

    /// <summary>How one is mounted to be written. What is removed in it goes back to the pool.</summary>
    internal required IReadOnlyList<string> Writing { get; init; }

    /// <summary>How one is mounted to be looked at, beside others of the same content. Nothing is written to it, not even what a crash left to be done.</summary>
    internal required IReadOnlyList<string> Looking { get; init; }

    /// <summary>How one grows into its image.</summary>
    internal required GrowingProgram Growing { get; init; }

    /// <summary>How many files it has, by its superblock: Documentation/filesystems/ext4/super.rst; fs/xfs/libxfs/xfs_format.h, struct xfs_dsb.</summary>
    internal required HeadReader Files { get; init; }

    /// <summary>The programs it needs.</summary>
    internal IReadOnlyList<string> Programs => [$"mkfs.{Name}", Growing.Program];

    /// <summary>The kind of the one in the image at <paramref name="path"/>, which says so itself: what is asked for today is that of images made from now on.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it is of none.</exception>
    internal static ImageKind Of(string path)
    {
        byte[] head = ReadHead(path);
        return All.FirstOrDefault(kind => head.AsSpan(kind.Magic.At).StartsWith(kind.Magic.Bytes))
            ?? throw new StorageException(StorageErrorKind.Corrupt, path, $"is no image of a layer: it is neither {string.Join(" nor ", All.Select(kind => kind.Name))}");
    }

    /// <summary>Makes one that is empty, in the image at <paramref name="path"/>.</summary>
    /// <exception cref="StorageException">It could not be made.</exception>
    internal Task MakeAsync(string path) => RunAsync($"mkfs.{Name}", [.. Making, path]);

    /// <summary>Grows one that is not mounted into the image at <paramref name="path"/>, in a directory of its own.</summary>
    /// <exception cref="StorageException">It could not.</exception>
    internal Task GrowAsync(string directory, string path, TimeProvider time)
        => Growing.WhileMounted
            ? LayerImage.MountAsync(directory, path, this, time, point => RunAsync(Growing.Program, [Growing.Argument, point]))
            : RunAsync(Growing.Program, [Growing.Argument, path]);

    /// <summary>How many files the one in the image at <paramref name="path"/> has; as of its last unmount while it is mounted.</summary>
    internal long CountFiles(string path) => Files(ReadHead(path));

    private static byte[] ReadHead(string path)
    {
        using BlockFile image = BlockFile.Open(path, writable: false);
        byte[] head = new byte[HeadLength];
        image.Read(0, head);
        return head;
    }

    private static async Task RunAsync(string program, IReadOnlyList<string> arguments)
        => await (Command.Find(program) ?? throw new StorageException(StorageErrorKind.Unavailable, program, "is not installed: install e2fsprogs or xfsprogs"))
            .RunAsync(arguments, CancellationToken.None);
}

/// <summary>Reads the first bytes of a file system.</summary>
internal delegate long HeadReader(ReadOnlySpan<byte> head);

/// <summary>A program that grows a file system.</summary>
/// <param name="Program">Its name.</param>
/// <param name="WhileMounted">Whether it is told where that is mounted, or the image of one that is not.</param>
/// <param name="Argument">What it is told beside.</param>
internal sealed record GrowingProgram(string Program, bool WhileMounted, string Argument);
