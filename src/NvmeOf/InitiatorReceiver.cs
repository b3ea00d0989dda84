using System.Buffers.Binary;
using System.Threading.Channels;

namespace EveStorage.NvmeOf;

/// <summary>Receives a queue's PDUs: data goes to where its command wants it, completions end their command.</summary>
internal sealed class InitiatorReceiver(
    string subject, InitiatorSocket socket, PendingCommand[] commands, PduDigests digests, ChannelWriter<TransferHeader> transfers)
{
    private int HeaderDigest => digests.HasFlag(PduDigests.Header) ? PduHeader.DigestSize : 0;

    /// <summary>Runs until the connection is lost.</summary>
    internal async Task RunAsync()
    {
        while (true)
        {
            await socket.FillAsync(PduHeader.Size);
            PduHeader header = PduHeader.Read(socket.Available);
            if (header.Type == PduType.ControllerTermination)
            {
                await socket.FillAsync(PduHeader.TransferSize);
                Termination end = Termination.Read(socket.Available);
                throw Broken($"ended the connection: {end.Reason} ({end.Information})");
            }

            int length = header.HeaderLength + HeaderDigest;
            if (header.HeaderLength != PduHeader.SizeOf(header.Type) || header.Length < length || (header.Type != PduType.ControllerData && header.Length != length))
            {
                throw Broken($"sent a {header.Type} of {header.HeaderLength} and {header.Length} bytes");
            }

            await socket.FillAsync(length);
            CheckHeader(header);
            await TakeAsync(header, length);
        }
    }

    private async ValueTask TakeAsync(PduHeader header, int length)
    {
        switch (header.Type)
        {
            case PduType.Response:
                CompletionEntry completion = CompletionEntry.Read(socket.Available[PduHeader.Size..]);
                socket.Skip(length);
                Find(completion.CommandId).End(completion);
                break;
            case PduType.ReadyToTransfer:
                TransferHeader asked = TransferHeader.Read(socket.Available);
                socket.Skip(length);
                if (!Find(asked.CommandId).TryAsk(asked))
                {
                    throw Broken("asked for data that the command has not, or twice");
                }

                transfers.TryWrite(asked);
                break;
            case PduType.ControllerData:
                TransferHeader data = TransferHeader.Read(socket.Available);
                uint digest = header.Bits.HasFlag(PduBits.DataDigest) ? PduHeader.DigestSize : 0u;
                if (header.DataOffset < length || header.Length != header.DataOffset + (ulong)data.Length + digest)
                {
                    throw Broken($"sent data from byte {header.DataOffset} of a PDU of {header.Length} bytes");
                }

                await socket.FillAsync(header.DataOffset);
                socket.Skip(header.DataOffset);
                await TakeDataAsync(header, data);
                break;
            default:
                throw Broken($"sent a {header.Type}");
        }
    }

    private async ValueTask TakeDataAsync(PduHeader header, TransferHeader data)
    {
        PendingCommand command = Find(data.CommandId);
        if (command.Destination.Length - (long)data.Offset < data.Length)
        {
            throw Broken("sent more data than was asked for");
        }

        Memory<byte> destination = command.Destination.Slice((int)data.Offset, (int)data.Length);
        await socket.ReadAsync(destination);
        if (header.Bits.HasFlag(PduBits.DataDigest))
        {
            await socket.FillAsync(PduHeader.DigestSize);
            command.Damaged |= BinaryPrimitives.ReadUInt32LittleEndian(socket.Available) != Crc32C.Of(destination.Span);
            socket.Skip(PduHeader.DigestSize);
        }

        if (header.Bits.HasFlag(PduBits.Success))
        {
            command.End(new CompletionEntry(0, 0, data.CommandId, NvmeStatus.Success));
        }
    }

    private PendingCommand Find(ushort id)
        => id < commands.Length && commands[id].IsActive ? commands[id] : throw Broken($"answered command {id}, which is not on its way");

    private void CheckHeader(PduHeader header)
    {
        ReadOnlySpan<byte> pdu = socket.Available;
        if (HeaderDigest > 0 && BinaryPrimitives.ReadUInt32LittleEndian(pdu[header.HeaderLength..]) != Crc32C.Of(pdu[..header.HeaderLength]))
        {
            throw Broken("sent a header with a wrong digest");
        }
    }

    private StorageException Broken(string what) => new(StorageErrorKind.Corrupt, subject, what);
}
