using EveStorage.Conformance;
using EveStorage.Linux;

namespace EveStorage.Host.Checks;

/// <summary>A program of this machine, which has the exports of a transport as devices: those that the transport says.</summary>
internal sealed class LocalHost : ITransportHost
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    private readonly IVolumeTransport _transport;
    private readonly Nqn _subsystem;
    private IReadOnlyDictionary<int, ByteSize> _known;

    private LocalHost(IVolumeTransport transport, Nqn subsystem, IReadOnlyDictionary<int, ByteSize> known)
        => (_transport, _subsystem, _known) = (transport, subsystem, known);

    /// <summary>Looks, with an export that it ends, whether programs of this machine have devices of the transport.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: what they have is something else, which is not ours to play with.</exception>
    internal static async Task RequireDevicesAsync(IVolumeTransport transport, ITransportVolume volume, RunPlan run, CancellationToken cancellationToken)
    {
        ExportSpec spec = TransportPlace.AnySpec();
        await run(await transport.PlanExportAsync(spec, volume.Access, cancellationToken), new() { Id = Guid.NewGuid() }, cancellationToken);
        try
        {
            await foreach (ExportInfo export in transport.ListExportsAsync(cancellationToken).Where(export => export.VolumeId == spec.VolumeId))
            {
                _ = DeviceOf(export);
            }
        }
        finally
        {
            await run(await transport.PlanUnexportAsync(spec.VolumeId, CancellationToken.None), new() { Id = Guid.NewGuid() }, CancellationToken.None);
        }
    }

    /// <summary>Finds the devices of a subsystem; null when it has none.</summary>
    internal static async ValueTask<ITransportHost?> FindAsync(IVolumeTransport transport, Nqn subsystem, CancellationToken cancellationToken)
        => await SizesAsync(transport, subsystem, cancellationToken) is { Count: > 0 } known ? new LocalHost(transport, subsystem, known) : null;

    public async ValueTask<IReadOnlyList<int>> ListAsync(CancellationToken cancellationToken)
        => [.. (await SizesAsync(_transport, _subsystem, cancellationToken)).Keys];

    public async ValueTask<Guid> GetIdAsync(int number, CancellationToken cancellationToken)
    {
        string device = await DeviceOfAsync(number, cancellationToken);
        string fact = Fact(device, "uuid");   // of NVMe; a SCSI disk has its serial number
        string? said = File.Exists(fact) ? FileCalls.Run(fact, () => File.ReadAllText(fact)) : Drive.Find(device)?.Serial;
        return Guid.TryParse(said, out Guid id) ? id : throw new StorageException(StorageErrorKind.NotFound, device, "has no id");
    }

    public async ValueTask<ByteSize> GetSizeAsync(int number, CancellationToken cancellationToken) => BlockDevice.GetSize(await DeviceOfAsync(number, cancellationToken));

    public async ValueTask ReadAsync(int number, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        => BlockFile.ReadUncached(await DeviceOfAsync(number, cancellationToken), offset, destination.Span);

    public async ValueTask WriteAsync(int number, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        using BlockFile device = BlockFile.Open(await DeviceOfAsync(number, cancellationToken), writable: true);
        device.Write(offset, data.Span);
        device.Flush();
    }

    public async ValueTask WaitForChangeAsync(CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<int, ByteSize> now;
        while ((now = await SizesAsync(_transport, _subsystem, cancellationToken)).SequenceEqual(_known))
        {
            await Task.Delay(s_pause, cancellationToken);
            foreach (int number in now.Keys)
            {
                LookAgain(await DeviceOfAsync(number, cancellationToken));
            }
        }

        _known = now;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static async Task<IReadOnlyDictionary<int, ByteSize>> SizesAsync(IVolumeTransport transport, Nqn subsystem, CancellationToken cancellationToken)
    {
        SortedDictionary<int, ByteSize> sizes = [];
        await foreach (ExportInfo export in transport.ListExportsAsync(cancellationToken).Where(export => export.Subsystem == subsystem))
        {
            sizes[export.NamespaceId] = BlockDevice.GetSize(DeviceOf(export));
        }

        return sizes;
    }

    private static string Fact(string device, string name) => $"/sys/class/block/{Path.GetFileName(device)}/{name}";

    // A SCSI disk has the size that it had until whoever uses it asks.
    private static void LookAgain(string device)
    {
        if (File.Exists(Fact(device, "device/rescan")))
        {
            FileCalls.Run(device, () => File.WriteAllText(Fact(device, "device/rescan"), "1"));
        }
    }

    private static string DeviceOf(ExportInfo export)
        => !export.Address.IsFile ? throw new StorageException(StorageErrorKind.NotSupported, $"{export.Address}", "is no device of this machine: its promises are kept or broken in a guest")
            : FileCalls.Run(export.Address.LocalPath, () => File.ResolveLinkTarget(export.Address.LocalPath, returnFinalTarget: true)?.FullName) ?? export.Address.LocalPath;

    private async Task<string> DeviceOfAsync(int number, CancellationToken cancellationToken)
        => await _transport.ListExportsAsync(cancellationToken).FirstOrDefaultAsync(export => export.Subsystem == _subsystem && export.NamespaceId == number, cancellationToken) is ExportInfo export
            ? DeviceOf(export)
            : throw new StorageException(StorageErrorKind.NotFound, $"{_subsystem}", $"has no number {number} here");
}
