using System.Net;
using EveStorage.Conformance;
using EveStorage.Linux;
using EveStorage.NvmeOf;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Checks;

/// <summary>
/// What it takes to check a transport on this machine: volumes that are files in a directory of their own, or loop devices of them where a
/// transport takes no files, and an initiator, or a program that finds their devices.
/// </summary>
internal sealed class TransportPlace : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("evestorage-check-");
    private readonly List<FileVolume> _volumes = [];
    private Uri? _address;
    private bool _areDevices;

    /// <summary>A bench for <paramref name="transport"/>.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: it serves programs of this machine alone, and not by devices.</exception>
    internal async Task<TransportBench> BenchAsync(IVolumeTransport transport, RunPlan run, CancellationToken cancellationToken)
    {
        _areDevices = await RefusesFilesAsync(transport, cancellationToken);
        if (transport.Capabilities.IsLocal)
        {
            await LocalHost.RequireDevicesAsync(transport, Make(ByteSize.MiB(1)), run, cancellationToken);
        }

        TransportBench bench = new()
        {
            Transport = transport,
            Run = run,
            MakeVolumeAsync = (size, _) => new(Make(size)),
            ConnectAsync = (host, subsystem, cancel) => transport.Capabilities.IsLocal
                ? LocalHost.FindAsync(transport, subsystem, cancel)
                : ConnectAsync(transport, host, subsystem, cancel),
        };
        return bench with
        {
            HidesFromOtherHosts = await bench.MasksAsync(cancellationToken),
            ServesReadOnly = await bench.RefusesWritesAsync(cancellationToken),
        };
    }

    /// <summary>An export of some volume, for nobody.</summary>
    internal static ExportSpec AnySpec()
        => new() { VolumeId = Guid.NewGuid(), Subject = "conformance/volume", Subsystem = new($"{Nqn.OwnPrefix}conformance"), NamespaceId = 1, AllowedHosts = [] };

    public void Dispose()
    {
        _volumes.ForEach(volume => volume.Dispose());
        _directory.Delete(recursive: true);
    }

    private async Task<bool> RefusesFilesAsync(IVolumeTransport transport, CancellationToken cancellationToken)
    {
        try
        {
            await transport.PlanExportAsync(AnySpec(), Make(ByteSize.MiB(1)).Access, cancellationToken);
            return false;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
        {
            return true;
        }
    }

    private FileVolume Make(ByteSize size)
    {
        FileVolume volume = new(Path.Combine(_directory.FullName, $"{_volumes.Count}"), size, _areDevices);
        _volumes.Add(volume);
        return volume;
    }

    private async ValueTask<ITransportHost?> ConnectAsync(IVolumeTransport transport, HostNqn host, Nqn subsystem, CancellationToken cancellationToken)
    {
        // One that serves nothing says no address, and refuses at the one of before.
        _address = (await transport.ListExportsAsync(cancellationToken).FirstOrDefaultAsync(export => export.Subsystem == subsystem, cancellationToken))?.Address ?? _address;
        if (_address is null || _address.Scheme != "tcp")
        {
            return _address is null ? null : throw new StorageException(StorageErrorKind.NotSupported, $"{_address}", "is nothing that NVMe/TCP connects to");
        }

        IPAddress said = IPAddress.Parse(_address.Host.Trim('[', ']'));
        IPAddress address = said.Equals(IPAddress.Any) ? IPAddress.Loopback : said.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : said;
        try
        {
            return new InitiatingHost(await NvmeTcpInitiator.ConnectAsync(
                new() { Address = $"{address}", Port = _address.Port, Subsystem = subsystem, Host = host, HostId = Guid.NewGuid() }, cancellationToken));
        }
        catch (NvmeCommandException e) when (e.Status.Is(NvmeStatus.ConnectInvalidHost) || e.Status.Is(NvmeStatus.ConnectInvalidParameters))
        {
            return null;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Unavailable)
        {
            return null;   // nobody listens any more
        }
    }

    private sealed class FileVolume : ITransportVolume, IDisposable
    {
        private readonly string _path;
        private readonly SafeFileHandle _file;
        private readonly LoopDevice? _device;

        internal FileVolume(string path, ByteSize size, bool isDevice)
        {
            _path = path;
            _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite);
            RandomAccess.SetLength(_file, size.Bytes);
            _device = isDevice ? LoopDevice.Attach(path, "the volume of the check") : null;
        }

        public VolumeAccess Access
            => _device is null ? new() { Path = _path, OpenBlocksAsync = (access, _) => new(new FileBlocks(_file, access)) } : new() { Path = _device.Path };

        public ValueTask GrowAsync(ByteSize size, CancellationToken cancellationToken)
        {
            RandomAccess.SetLength(_file, size.Bytes);
            if (_device is not null)
            {
                LoopDevice.TakeSize(_device.Path, _path);
            }

            return ValueTask.CompletedTask;
        }

        public void Dispose()
        {
            _device?.Dispose();
            _file.Dispose();
        }
    }

    private sealed class InitiatingHost(NvmeTcpInitiator initiator) : ITransportHost
    {
        public async ValueTask<IReadOnlyList<int>> ListAsync(CancellationToken cancellationToken)
            => [.. (await initiator.ListNamespacesAsync(cancellationToken)).Select(number => (int)number)];

        public async ValueTask<Guid> GetIdAsync(int number, CancellationToken cancellationToken)
            => (await initiator.IdentifyNamespaceAsync((uint)number, cancellationToken)).Id;

        public async ValueTask<ByteSize> GetSizeAsync(int number, CancellationToken cancellationToken)
            => (await initiator.IdentifyNamespaceAsync((uint)number, cancellationToken)).Size;

        // The kernel's blocks of a file are those of its file system.
        public async ValueTask ReadAsync(int number, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            await initiator.IdentifyNamespaceAsync((uint)number, cancellationToken);
            await initiator.ReadAsync((uint)number, offset, destination, cancellationToken);
        }

        public async ValueTask WriteAsync(int number, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            await initiator.IdentifyNamespaceAsync((uint)number, cancellationToken);
            await initiator.WriteAsync((uint)number, offset, data, WriteDurability.Cached, cancellationToken);
            await initiator.FlushAsync((uint)number, cancellationToken);
        }

        public async ValueTask WaitForChangeAsync(CancellationToken cancellationToken)
        {
            await initiator.Events.ReadAsync(cancellationToken);
            await initiator.GetLogPageAsync(LogPage.ChangedNamespaces, 4096, 0, cancellationToken);
        }

        public ValueTask DisposeAsync() => initiator.DisposeAsync();
    }
}
