using System.Buffers.Binary;

namespace EveStorage.Tests;

/// <summary>A version 3 image of one 64 KiB cluster: header, L1 table, L2 table and data, a cluster each.</summary>
internal sealed class MemoryImage : IImageSource
{
    internal const int ClusterSize = 65536;

    private long _passed;

    internal MemoryImage()
    {
        U32(0, 0x514649fb);
        U32(4, 3);
        U32(20, 16);
        U64(24, ClusterSize);
        U32(36, 1);
        U64(40, ClusterSize);
        U32(100, 104);
        U64(ClusterSize, 2 * ClusterSize);
        U64(2 * ClusterSize, 3 * ClusterSize);
        Bytes.AsSpan(3 * ClusterSize).Fill(7);
    }

    public string Name => "disk.qcow2";

    public long? Length => CanSeek && HasLength ? Bytes.Length : null;

    public bool CanSeek { get; init; } = true;

    internal bool HasLength { get; init; } = true;

    internal byte[] Bytes { get; set; } = new byte[4 * ClusterSize];

    public ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        (offset >= _passed || CanSeek).ShouldBeTrue($"{offset} has passed: {_passed} was read");
        _passed = Math.Max(_passed, offset);
        int length = (int)Math.Clamp(Bytes.Length - offset, 0, destination.Length);
        Bytes.AsMemory((int)Math.Min(offset, Bytes.Length), length).CopyTo(destination);
        return new(length);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    internal void Text(int at, string text) => System.Text.Encoding.UTF8.GetBytes(text).CopyTo(Bytes, at);

    internal void U32(int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(Bytes.AsSpan(at), value);

    internal void U64(int at, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Bytes.AsSpan(at), value);
}
