using EveStorage.FileSystems;
using EveStorage.Xfs;

namespace EveStorage.Tests;

/// <summary>xfs that can't grow.</summary>
internal sealed class Stubborn : FileSystemFormat
{
    private readonly XfsFormat _xfs = new();

    public override string Kind => _xfs.Kind;

    public override IReadOnlyList<string> Programs => _xfs.Programs;

    public override (string Module, string Option) Kernel => _xfs.Kernel;

    public override ByteSize Least => _xfs.Least;

    public override string MountData => _xfs.MountData;

    public override Superblock? Read(ReadOnlySpan<byte> head) => _xfs.Read(head);

    public override Task MakeAsync(string device, Guid uuid, string label, bool keepsSpace, CancellationToken cancellationToken)
        => _xfs.MakeAsync(device, uuid, label, keepsSpace, cancellationToken);

    public override Task LabelAsync(string device, string label, CancellationToken cancellationToken) => _xfs.LabelAsync(device, label, cancellationToken);

    public override Task GrowAsync(string device, string point, CancellationToken cancellationToken)
        => throw new StorageException(StorageErrorKind.Io, device, "was told not to grow");
}
