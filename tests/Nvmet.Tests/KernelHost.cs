using System.Security.Cryptography;
using System.Text;
using EveStorage.Conformance;
using EveStorage.Linux;
using EveStorage.Nvmet;

namespace EveStorage.Tests;

/// <summary>This kernel's initiator as a host of the conformance suite.</summary>
internal sealed class KernelHost(FabricsController controller, Nqn subsystem, bool ownsConnection) : ITransportHost
{
    private IReadOnlyDictionary<int, ByteSize> _known = new Dictionary<int, ByteSize>();

    /// <summary>Connects as a host, or gives null when the target refuses. A lost connection is given up soon.</summary>
    internal static async ValueTask<ITransportHost?> ConnectAsync(HostNqn host, Nqn subsystem, (string Word, string Value)[] where)
    {
        try
        {
            Guid hostId = new(SHA256.HashData(Encoding.UTF8.GetBytes($"{host}")).AsSpan(0, 16));
            FabricsController controller = FabricsHost.Connect(
                subsystem, [.. where, ("hostnqn", $"{host}"), ("hostid", $"{hostId}"), ("reconnect_delay", "1"), ("ctrl_loss_tmo", "2"), ("nr_io_queues", "1")]);
            KernelHost connected = new(controller, subsystem, ownsConnection: true);
            await connected.SettleAsync();
            return connected;
        }
        catch (StorageException)
        {
            return null;
        }
    }

    /// <summary>The connection that nvmet-loop made itself; null when there is none.</summary>
    internal static async ValueTask<ITransportHost?> FindAsync(Nqn subsystem)
    {
        if (FabricsHost.ConnectedTo(subsystem) is not [FabricsController controller, ..])
        {
            return null;
        }

        KernelHost connected = new(controller, subsystem, ownsConnection: false);
        await connected.SettleAsync();
        return connected;
    }

    public ValueTask<IReadOnlyList<int>> ListAsync(CancellationToken cancellationToken) => new([.. controller.Namespaces.Keys]);

    public ValueTask<Guid> GetIdAsync(int number, CancellationToken cancellationToken) => new(Guid.Parse(Configfs.Find($"/sys/class/block/{Path.GetFileName(DeviceOf(number))}/uuid")!));

    public ValueTask<ByteSize> GetSizeAsync(int number, CancellationToken cancellationToken) => new(BlockDevice.GetSize(DeviceOf(number)));

    public async ValueTask ReadAsync(int number, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync("/proc/sys/vm/drop_caches", "1", cancellationToken);   // what is cached is not what the target answers
        await FileCallAsync(number, async device =>
        {
            device.Position = offset;
            await device.ReadExactlyAsync(destination, cancellationToken);
        });
    }

    public ValueTask WriteAsync(int number, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        => FileCallAsync(number, async device =>
        {
            device.Position = offset;
            await device.WriteAsync(data, cancellationToken);
            device.Flush(flushToDisk: true);
        });

    public async ValueTask WaitForChangeAsync(CancellationToken cancellationToken)
    {
        while (Same(_known, controller.Namespaces))
        {
            await Task.Delay(50, cancellationToken);
        }

        _known = controller.Namespaces;
    }

    public ValueTask DisposeAsync()
    {
        if (ownsConnection)
        {
            controller.Disconnect();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>The kernel looks for namespaces after it has connected.</summary>
    private async Task SettleAsync()
    {
        for (int tries = 0; tries < 40 && controller.Namespaces.Count == 0; tries++)
        {
            await Task.Delay(50);
        }

        _known = controller.Namespaces;
    }

    private static bool Same(IReadOnlyDictionary<int, ByteSize> one, IReadOnlyDictionary<int, ByteSize> other)
        => one.Count == other.Count && one.All(n => other.TryGetValue(n.Key, out ByteSize size) && size == n.Value);

    private string DeviceOf(int number)
        => Directory.GetDirectories("/sys/class/nvme-subsystem")
            .Where(s => Configfs.Find($"{s}/subsysnqn") == $"{subsystem}")
            .SelectMany(Directory.GetDirectories)
            .Where(d => Configfs.Find($"{d}/nsid") == $"{number}" && Configfs.Find($"{d}/hidden") == "0")
            .Select(d => $"/dev/{Path.GetFileName(d)}")
            .FirstOrDefault() ?? throw new StorageException(StorageErrorKind.NotFound, $"{subsystem}", $"has no number {number} here");

    private async ValueTask FileCallAsync(int number, Func<FileStream, Task> call)
    {
        string device = DeviceOf(number);
        try
        {
            await using FileStream open = new(device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            await call(open);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(StorageErrorKind.Io, device, e.Message, e);
        }
    }
}
