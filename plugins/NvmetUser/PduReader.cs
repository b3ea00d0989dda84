using System.Buffers.Binary;
using EveStorage.Linux;
using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>Takes a connection's PDUs apart, checks each and hands it on. Data that was asked for goes from the socket straight to its command.</summary>
internal sealed class PduReader(QueueConnection connection)
{
    private bool _initialized;
    private bool _blocked;
    private bool _awaitsDigest;
    private PduDigests _digests;
    private TransferHeader _transfer;
    private Memory<byte> _target;   // of the transfer
    private int _remaining;   // of the transfer

    /// <summary>Whether no PDU has come in part.</summary>
    internal bool IsBetweenPdus => _remaining == 0 && !_awaitsDigest && (_blocked || connection.Input.Available.IsEmpty);

    /// <summary>Whether more from the host could be handled now.</summary>
    internal bool WantsInput => !_blocked && (_remaining > 0 || connection.Input.HasRoom);

    /// <summary>Receives what has come: see <see cref="PolledSocket.Receive"/>.</summary>
    internal int Receive(PolledSocket socket)
    {
        if (_blocked)
        {
            return PolledSocket.Again;
        }

        if (_remaining == 0 || !connection.Input.Available.IsEmpty)
        {
            return connection.Input.Receive(socket);
        }

        int received = socket.Receive(_target.Span[^_remaining..]);
        _remaining -= Math.Max(received, 0);
        EndTarget();
        return received;
    }

    /// <summary>Handles all PDUs that are whole; false when the connection must end.</summary>
    internal bool HandleAll()
    {
        _blocked = false;
        while (TakeData())
        {
            ReadOnlyMemory<byte> available = connection.Input.Available;
            if (available.Length < PduHeader.Size)
            {
                return true;
            }

            PduHeader header = PduHeader.Read(available.Span);
            if (PduRules.Check(header, _initialized, _digests, connection.Queue.InCapsule) is Termination wrong)
            {
                return Terminate(wrong, available.Span[..Math.Min(available.Length, Math.Max((int)header.HeaderLength, PduHeader.Size))]);
            }

            // A command is handled whole, so that its data can be used in place; of data the header is enough.
            int headerLength = header.HeaderLength + (_digests.HasFlag(PduDigests.Header) ? PduHeader.DigestSize : 0);
            int needed = header.Type == PduType.HostData ? headerLength : (int)header.Length;
            if (available.Length < needed)
            {
                return true;
            }

            _blocked = header.Type == PduType.Command && !connection.Queue.HasRoom;
            if (_blocked)
            {
                return true;
            }

            if (!Handle(header, available[..needed]))
            {
                return false;
            }
        }

        return true;
    }

    private bool Handle(PduHeader header, ReadOnlyMemory<byte> pdu)
    {
        ReadOnlySpan<byte> bytes = pdu.Span[..header.HeaderLength];
        if (_digests.HasFlag(PduDigests.Header))
        {
            uint digest = BinaryPrimitives.ReadUInt32LittleEndian(pdu.Span[header.HeaderLength..]);
            if (digest != Crc32C.Of(bytes))
            {
                return Terminate(new(TerminationReason.HeaderDigestError, digest), bytes);
            }
        }

        connection.Input.Skip(pdu.Length);
        switch (header.Type)
        {
            case PduType.InitializeRequest:
                return Initialize(bytes);
            case PduType.Command:
                Execute(header, pdu);
                return true;
            case PduType.HostData:
                _transfer = TransferHeader.Read(bytes);
                if ((PduRules.Check(header, _transfer, _digests) ?? connection.Queue.BeginData(_transfer, out _target)) is Termination wrong)
                {
                    return Terminate(wrong, bytes);
                }

                _remaining = _target.Length;
                return true;
            default:
                return false;   // the host terminates
        }
    }

    private bool Initialize(ReadOnlySpan<byte> pdu)
    {
        InitializeConnection asked = InitializeConnection.Read(pdu);
        if (asked.FormatVersion != 0)
        {
            return Terminate(new(TerminationReason.UnsupportedParameter, 8), pdu);
        }

        if (asked.DataAlignment > InitializeConnection.MaxDataAlignment)
        {
            return Terminate(new(TerminationReason.InvalidHeaderField, 10), pdu);
        }

        (_initialized, _digests) = (true, asked.Digests & (PduDigests.Header | PduDigests.Data));
        Span<byte> answer = stackalloc byte[PduHeader.InitializeSize];
        new InitializeConnection(0, 0, _digests, Limits.MaxTransfer).Write(answer, PduType.InitializeResponse);
        connection.Output.Add(answer);
        connection.Output.Agree(asked with { Digests = _digests });
        return true;
    }

    private void Execute(PduHeader header, ReadOnlyMemory<byte> pdu)
    {
        SubmissionEntry entry = new(pdu.Span[PduHeader.Size..PduHeader.CommandSize]);
        ReadOnlyMemory<byte> data = pdu[(PduHeader.CommandSize + (_digests.HasFlag(PduDigests.Header) ? PduHeader.DigestSize : 0))..];
        if (header.Bits.HasFlag(PduBits.DataDigest))
        {
            data = data[..^PduHeader.DigestSize];
            if (BinaryPrimitives.ReadUInt32LittleEndian(pdu.Span[^PduHeader.DigestSize..]) != Crc32C.Of(data.Span))
            {
                connection.Respond(entry.CommandId, NvmeStatus.TransientTransportError);
                return;
            }
        }

        if (entry.Fuse != 0 || entry.DataPointer != 1)
        {
            connection.Respond(entry.CommandId, NvmeStatus.InvalidField);
            return;
        }

        connection.Queue.Execute(entry, data);
    }

    // Goes on with an H2CData that came in part; false when more of it has to come.
    private bool TakeData()
    {
        if (_remaining > 0)
        {
            ReadOnlyMemory<byte> available = connection.Input.Available;
            int count = Math.Min(_remaining, available.Length);
            available.Span[..count].CopyTo(_target.Span[^_remaining..]);
            connection.Input.Skip(count);
            _remaining -= count;
            EndTarget();
        }

        if (_awaitsDigest && connection.Input.Available.Length >= PduHeader.DigestSize)
        {
            uint digest = BinaryPrimitives.ReadUInt32LittleEndian(connection.Input.Available.Span);
            connection.Input.Skip(PduHeader.DigestSize);
            _awaitsDigest = false;
            connection.Queue.EndData(_transfer, damaged: digest != Crc32C.Of(_target.Span));
        }

        return _remaining == 0 && !_awaitsDigest;
    }

    private void EndTarget()
    {
        if (_remaining == 0)
        {
            _awaitsDigest = _digests.HasFlag(PduDigests.Data);
            if (!_awaitsDigest)
            {
                connection.Queue.EndData(_transfer, damaged: false);
            }
        }
    }

    private bool Terminate(Termination wrong, ReadOnlySpan<byte> fault)
    {
        Span<byte> pdu = stackalloc byte[Termination.MaxSize];
        connection.Output.Add(pdu[..wrong.Write(pdu, PduType.ControllerTermination, fault)]);
        connection.NoteTermination(wrong);
        return false;
    }
}
