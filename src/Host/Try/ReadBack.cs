using System.Security.Cryptography;
using EveStorage.NvmeOf;

namespace EveStorage.Host.Try;

/// <summary>Reads a whole disk as a guest does, over NVMe/TCP.</summary>
internal static class ReadBack
{
    private const int RequestsAtOnce = 8;

    /// <summary>SHA-256 of the first namespace that the host of <paramref name="options"/> sees.</summary>
    internal static async Task<string> DigestAsync(NvmeTcpOptions options, ByteSize size, CancellationToken cancellationToken)
    {
        await using NvmeTcpInitiator initiator = await NvmeTcpInitiator.ConnectAsync(options, cancellationToken);
        uint ns = (await initiator.ListNamespacesAsync(cancellationToken))[0];
        int length = initiator.MaxTransfer;
        using IncrementalHash digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[][] buffers = [.. Enumerable.Range(0, RequestsAtOnce).Select(_ => new byte[length])];
        Queue<(Task Read, Memory<byte> Data)> waiting = new();
        int started = 0;
        for (long at = 0; at < size.Bytes; at += length)
        {
            if (waiting.Count == RequestsAtOnce)
            {
                await TakeAsync();
            }

            Memory<byte> data = buffers[started++ % RequestsAtOnce].AsMemory(0, (int)Math.Min(length, size.Bytes - at));
            waiting.Enqueue((initiator.ReadAsync(ns, at, data, cancellationToken).AsTask(), data));
        }

        while (waiting.Count > 0)
        {
            await TakeAsync();
        }

        return Convert.ToHexStringLower(digest.GetHashAndReset());

        async Task TakeAsync()
        {
            (Task read, Memory<byte> data) = waiting.Dequeue();
            await read;
            digest.AppendData(data.Span);
        }
    }
}
