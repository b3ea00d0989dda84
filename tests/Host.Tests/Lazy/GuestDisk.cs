using EveStorage.Cli.Api;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

/// <summary>A volume as its guest has it, over the user-space target: every byte that is read is held against what it has to be.</summary>
internal sealed class GuestDisk : IAsyncDisposable
{
    private readonly NvmeTcpInitiator _initiator;
    private readonly uint _namespace;

    private GuestDisk(NvmeTcpInitiator initiator, uint number, byte[] model)
    {
        (_initiator, _namespace, Model) = (initiator, number, model);
    }

    /// <summary>What it has to hold.</summary>
    internal byte[] Model { get; }

    /// <summary>Connects to the only export of a host.</summary>
    internal static Task<GuestDisk> ConnectAsync(ExportReport export, byte[] model)
        => ConnectAsync(export.Address.ShouldNotBeNull().Port, export.Subsystem, (uint)export.NamespaceId, TestEngine.Guest, model);

    /// <summary>Connects.</summary>
    internal static async Task<GuestDisk> ConnectAsync(int port, string subsystem, uint number, HostNqn host, byte[] model)
        => new(await NvmeTcpInitiator.ConnectAsync(
            new() { Port = port, Subsystem = new(subsystem), Host = host, HostId = Guid.Parse("11111111-2222-3333-4444-555555555555"), Queues = 2, Timeout = TimeSpan.FromMinutes(2) },
            TestContext.Current.CancellationToken), number, model);

    /// <summary>Reads, and compares.</summary>
    internal async Task ReadAsync(int offset, int length)
    {
        byte[] read = new byte[length];
        await _initiator.ReadAsync(_namespace, offset, read, TestContext.Current.CancellationToken);
        read.AsSpan().SequenceEqual(Model.AsSpan(offset, length)).ShouldBeTrue($"{length} bytes at {offset}, from {offset + read.AsSpan().CommonPrefixLength(Model.AsSpan(offset, length))} on");
    }

    /// <summary>Reads what nobody is sure of.</summary>
    internal Task ReadAsync(int offset, Memory<byte> target) => _initiator.ReadAsync(_namespace, offset, target, TestContext.Current.CancellationToken).AsTask();

    /// <summary>Reads what may fail.</summary>
    internal ValueTask TryReadAsync(int offset, int length) => _initiator.ReadAsync(_namespace, offset, new byte[length], TestContext.Current.CancellationToken);

    /// <summary>Writes.</summary>
    internal async Task WriteAsync(int offset, ReadOnlyMemory<byte> data, WriteDurability durability = WriteDurability.Cached)
    {
        await _initiator.WriteAsync(_namespace, offset, data, durability, TestContext.Current.CancellationToken);
        data.Span.CopyTo(Model.AsSpan(offset));
    }

    /// <summary>Makes bytes zero.</summary>
    internal async Task ZeroAsync(int offset, int length)
    {
        await _initiator.WriteZeroesAsync(_namespace, offset, length, TestContext.Current.CancellationToken);
        Model.AsSpan(offset, length).Clear();
    }

    /// <summary>Gives bytes up; whole blocks of them read as zeros then, wherever they were the image's.</summary>
    internal ValueTask DiscardAsync(int offset, int length) => _initiator.DiscardAsync(_namespace, offset, length, TestContext.Current.CancellationToken);

    /// <summary>Makes all that was written survive.</summary>
    internal ValueTask FlushAsync() => _initiator.FlushAsync(_namespace, TestContext.Current.CancellationToken);

    /// <summary>Does one thing of those that guests do, where chance says.</summary>
    internal async Task ActAsync(Random random)
    {
        int blocks = random.Next(3) == 0 ? random.Next(1, 8) : 8 * random.Next(1, 40);
        int length = 512 * Math.Min(blocks, Model.Length / 512);
        int offset = 512 * random.Next((Model.Length - length) / 512 + 1);
        switch (random.Next(8))
        {
            case 0:
                await ZeroAsync(offset, length);
                break;
            case 1:
                await FlushAsync();
                break;
            case <= 4:
                byte[] data = new byte[length];
                random.NextBytes(data);
                await WriteAsync(offset, data, random.Next(6) == 0 ? WriteDurability.Stable : WriteDurability.Cached);
                break;
            default:
                await ReadAsync(offset, length);
                break;
        }
    }

    public ValueTask DisposeAsync() => _initiator.DisposeAsync();
}
