using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace EveStorage.NvmeOf;

public sealed partial class NvmeTcpInitiator
{
    private readonly ConcurrentDictionary<uint, int> _blockLengths = new();

    /// <summary>The namespaces that this host sees.</summary>
    public async Task<IReadOnlyList<uint>> ListNamespacesAsync(CancellationToken cancellationToken)
    {
        byte[] list = await IdentifyAsync(IdentifyStructure.ActiveNamespaces, 0, cancellationToken);
        List<uint> ids = [];
        for (int at = 0; at < list.Length && BinaryPrimitives.ReadUInt32LittleEndian(list.AsSpan(at)) is uint id and not 0; at += 4)
        {
            ids.Add(id);
        }

        return ids;
    }

    /// <summary>What the controller says of a namespace. It is read and written in blocks of that length from then on; before, of 512 bytes.</summary>
    public async Task<NamespaceIdentity> IdentifyNamespaceAsync(uint namespaceId, CancellationToken cancellationToken)
    {
        NamespaceIdentity identity = NamespaceIdentity.Read(await IdentifyAsync(IdentifyStructure.Namespace, namespaceId, cancellationToken));
        _blockLengths[namespaceId] = identity.BlockLength;
        return identity;
    }

    /// <summary>An Identify structure as it came.</summary>
    public async Task<byte[]> IdentifyAsync(IdentifyStructure structure, uint namespaceId, CancellationToken cancellationToken)
    {
        byte[] data = new byte[ControllerIdentity.Size];
        await AdminAsync($"identify {structure}", NvmeCommand.Identify(structure, namespaceId), data, default, cancellationToken);
        return data;
    }

    /// <summary>A part of a log page; offset and length are multiples of 4.</summary>
    public async Task<byte[]> GetLogPageAsync(LogPage page, int length, ulong offset, CancellationToken cancellationToken)
    {
        byte[] data = new byte[length];
        await AdminAsync($"log page {page}", NvmeCommand.LogPage(page, length, offset), data, default, cancellationToken);
        return data;
    }

    /// <summary>Fills <paramref name="destination"/> from <paramref name="offset"/>; both are whole blocks.</summary>
    public async ValueTask ReadAsync(uint namespaceId, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (destination.Length > 0)
        {
            Memory<byte> part = destination[..Math.Min(destination.Length, MaxTransfer)];
            await IoAsync("read", NvmeCommand.Blocks(IoOpcode.Read, namespaceId, Block(namespaceId, offset), Count(namespaceId, part.Length)), part, default, cancellationToken);
            (offset, destination) = (offset + part.Length, destination[part.Length..]);
        }
    }

    /// <summary>Writes <paramref name="data"/> at <paramref name="offset"/>; both are whole blocks.</summary>
    public async ValueTask WriteAsync(
        uint namespaceId, long offset, ReadOnlyMemory<byte> data, WriteDurability durability, CancellationToken cancellationToken)
    {
        while (data.Length > 0)
        {
            ReadOnlyMemory<byte> part = data[..Math.Min(data.Length, MaxTransfer)];
            NvmeCommand command = NvmeCommand.Blocks(IoOpcode.Write, namespaceId, Block(namespaceId, offset), Count(namespaceId, part.Length), durability == WriteDurability.Stable);
            await IoAsync("write", command, default, part, cancellationToken);
            (offset, data) = (offset + part.Length, data[part.Length..]);
        }
    }

    /// <summary>Makes all that was written before survive.</summary>
    public async ValueTask FlushAsync(uint namespaceId, CancellationToken cancellationToken)
        => await IoAsync("flush", new() { Opcode = (byte)IoOpcode.Flush, NamespaceId = namespaceId }, default, default, cancellationToken);

    /// <summary>Makes bytes read as zero: at most 32MiB, whole blocks.</summary>
    public async ValueTask WriteZeroesAsync(uint namespaceId, long offset, int length, CancellationToken cancellationToken)
        => await IoAsync("write zeroes", NvmeCommand.Blocks(IoOpcode.WriteZeroes, namespaceId, Block(namespaceId, offset), Count(namespaceId, length)), default, default, cancellationToken);

    /// <summary>Says that bytes are not needed, at most 2TiB of whole blocks.</summary>
    public async ValueTask DiscardAsync(uint namespaceId, long offset, long length, CancellationToken cancellationToken)
    {
        byte[] range = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(range.AsSpan(4), checked((uint)(length / BlockLength(namespaceId))));
        BinaryPrimitives.WriteUInt64LittleEndian(range.AsSpan(8), Block(namespaceId, offset));
        NvmeCommand command = new() { Opcode = (byte)IoOpcode.DatasetManagement, NamespaceId = namespaceId, Dword11 = 1 << 2 };   // AD
        await IoAsync("discard", command, default, range, cancellationToken);
    }

    /// <summary>Sends an admin command, and returns its end whatever that is.</summary>
    public ValueTask<CompletionEntry> SubmitAdminAsync(
        NvmeCommand command, Memory<byte> destination, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        => _admin.SubmitAsync(command, destination, data, _time.GetTimestamp(), cancellationToken);

    /// <summary>Sends an I/O command on the queue of that number, from 0, and returns its end whatever that is.</summary>
    public ValueTask<CompletionEntry> SubmitAsync(
        int queue, NvmeCommand command, Memory<byte> destination, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        => _queues[queue].SubmitAsync(command, destination, data, _time.GetTimestamp(), cancellationToken);

    /// <summary>Reads a property of the controller.</summary>
    public async Task<ulong> GetPropertyAsync(uint property, bool large, CancellationToken cancellationToken)
        => await AdminAsync(
            "property get",
            new() { Opcode = (byte)AdminOpcode.Fabrics, NamespaceId = (uint)FabricsType.PropertyGet, Dword10 = large ? 1u : 0, Dword11 = property },
            default,
            default,
            cancellationToken);

    /// <summary>Sets a property of the controller.</summary>
    public async Task SetPropertyAsync(uint property, uint value, CancellationToken cancellationToken)
        => await AdminAsync(
            "property set",
            new() { Opcode = (byte)AdminOpcode.Fabrics, NamespaceId = (uint)FabricsType.PropertySet, Dword11 = property, Dword12 = value },
            default,
            default,
            cancellationToken);

    private int BlockLength(uint namespaceId) => _blockLengths.GetValueOrDefault(namespaceId, NamespaceIdentity.BlockSize);

    private ulong Block(uint namespaceId, long offset) => (ulong)(offset / BlockLength(namespaceId));

    private int Count(uint namespaceId, int length) => length / BlockLength(namespaceId);

    private async ValueTask<ulong> AdminAsync(
        string name, NvmeCommand command, Memory<byte> destination, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        => Succeeded(name, await SubmitAdminAsync(command, destination, data, cancellationToken));

    private async ValueTask<ulong> IoAsync(
        string name, NvmeCommand command, Memory<byte> destination, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        // Spread over the queues, as a Linux host's processors would.
        int queue = (int)(Interlocked.Increment(ref _next) % (uint)_queues.Count);
        return Succeeded(name, await SubmitAsync(queue, command, destination, data, cancellationToken));
    }

    private ulong Succeeded(string name, CompletionEntry end)
        => end.Status.IsSuccess ? end.Result : throw new NvmeCommandException(_options.Subject, name, end.Status);
}
