namespace EveStorage.Tests;

/// <summary>A stream in memory.</summary>
internal sealed class MemorySource(byte[] bytes) : IImageSource
{
    public string Name => "volume.zs";

    public long? Length => bytes.Length;

    public bool CanSeek { get; init; } = true;

    public ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        int length = (int)Math.Clamp(bytes.Length - offset, 0, destination.Length);
        bytes.AsMemory((int)Math.Min(offset, bytes.Length), length).CopyTo(destination);
        return new(length);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
