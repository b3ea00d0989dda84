using System.Buffers.Binary;

namespace EveStorage.NvmeOf;

/// <summary>Writes an initiator's PDUs, one at a time.</summary>
internal sealed class InitiatorSender(InitiatorSocket socket, InitializeConnection agreed, int inCapsule) : IDisposable
{
    private readonly SemaphoreSlim _sending = new(1);
    private readonly byte[] _pdu = new byte[PduHeader.CommandSize + inCapsule + (2 * PduHeader.DigestSize)];
    private readonly byte[] _digest = new byte[PduHeader.DigestSize];
    private readonly int _maxHostData = (int)Math.Min(agreed.Limit, 1 << 20);

    private bool DigestsHeaders => agreed.Digests.HasFlag(PduDigests.Header);

    private bool DigestsData => agreed.Digests.HasFlag(PduDigests.Data);

    /// <summary>Sends a command, with its data where that fits into the capsule.</summary>
    internal async ValueTask SendAsync(PendingCommand pending, NvmeCommand command, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> data = pending.Data;
        bool fits = data.Length > 0 && data.Length <= inCapsule;
        Sgl sgl = fits ? new(0, (uint)data.Length, Sgl.InCapsule) : new(0, (uint)Math.Max(pending.Destination.Length, data.Length), Sgl.ByTransport);
        await _sending.WaitAsync(cancellationToken);
        try
        {
            command.Write(_pdu.AsSpan(PduHeader.Size), pending.Id, sgl);
            int offset = WriteHeader(PduType.Command, PduBits.None, PduHeader.CommandSize, fits ? data.Span : default);
            if (fits)
            {
                data.CopyTo(_pdu.AsMemory(offset));
                offset += data.Length;
                offset += WriteDigest(_pdu.AsSpan(offset), data.Span);
            }

            await socket.SendAsync(_pdu.AsMemory(0, offset));
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Sends the data that an R2T asked for.</summary>
    internal async ValueTask SendAsync(TransferHeader asked, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        for (int sent = 0; sent < data.Length;)
        {
            ReadOnlyMemory<byte> part = data.Slice(sent, Math.Min(_maxHostData, data.Length - sent));
            PduBits bits = sent + part.Length == data.Length ? PduBits.Last : PduBits.None;
            await _sending.WaitAsync(cancellationToken);
            try
            {
                (asked with { Offset = asked.Offset + (uint)sent, Length = (uint)part.Length }).Write(_pdu);
                int header = WriteHeader(PduType.HostData, bits, PduHeader.TransferSize, part.Span);
                await socket.SendAsync(_pdu.AsMemory(0, header));
                await socket.SendAsync(part);
                await socket.SendAsync(_digest.AsMemory(0, WriteDigest(_digest, part.Span)));
            }
            finally
            {
                _sending.Release();
            }

            sent += part.Length;
        }
    }

    public void Dispose() => _sending.Dispose();

    // Puts the common header before the rest of the header, and the digest behind it. Returns where data goes.
    private int WriteHeader(PduType type, PduBits bits, int length, ReadOnlySpan<byte> data)
    {
        int offset = length + (DigestsHeaders ? PduHeader.DigestSize : 0);
        bool digestsData = DigestsData && data.Length > 0;
        bits |= (DigestsHeaders ? PduBits.HeaderDigest : 0) | (digestsData ? PduBits.DataDigest : 0);
        int whole = offset + data.Length + (digestsData ? PduHeader.DigestSize : 0);
        new PduHeader(type, bits, (byte)length, data.Length == 0 ? (byte)0 : (byte)offset, (uint)whole).Write(_pdu);
        if (DigestsHeaders)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_pdu.AsSpan(length), Crc32C.Of(_pdu.AsSpan(0, length)));
        }

        return offset;
    }

    private int WriteDigest(Span<byte> target, ReadOnlySpan<byte> data)
    {
        if (!DigestsData)
        {
            return 0;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Of(data));
        return PduHeader.DigestSize;
    }
}
