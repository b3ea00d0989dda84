using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>What a PDU from a host has to be before anything of it is used. NVMe/TCP 1.0c, "PDU Definitions" and "Error Handling".</summary>
internal static class PduRules
{
    // Where fields of the common header lie, for the error that names one.
    private const uint TypeAt = 0;
    private const uint BitsAt = 1;
    private const uint HeaderLengthAt = 2;
    private const uint DataOffsetAt = 3;
    private const uint LengthAt = 4;

    /// <summary>What is wrong with a PDU that starts with <paramref name="header"/>; null when nothing is.</summary>
    /// <param name="header">Its common header.</param>
    /// <param name="initialized">Whether ICReq came.</param>
    /// <param name="digests">The digests agreed to.</param>
    /// <param name="inCapsule">How many bytes of data a capsule may have.</param>
    internal static Termination? Check(PduHeader header, bool initialized, PduDigests digests, int inCapsule)
    {
        int size = PduHeader.SizeOf(header.Type);
        if (size == 0 || header.Type is PduType.InitializeResponse or PduType.ControllerTermination or PduType.Response or PduType.ControllerData or PduType.ReadyToTransfer)
        {
            return new(TerminationReason.InvalidHeaderField, TypeAt);
        }

        if (header.Type != PduType.HostTermination && initialized == (header.Type == PduType.InitializeRequest))
        {
            return new(TerminationReason.SequenceError, 0);
        }

        return header.HeaderLength != size
            ? new(TerminationReason.InvalidHeaderField, HeaderLengthAt)
            : header.Type switch
            {
                PduType.InitializeRequest => header.Length == PduHeader.InitializeSize ? null : new(TerminationReason.InvalidHeaderField, LengthAt),
                PduType.HostTermination => header.Length is >= PduHeader.TransferSize and <= Termination.MaxSize ? null : new(TerminationReason.InvalidHeaderField, LengthAt),
                _ => CheckData(header, digests, header.Type == PduType.Command ? inCapsule : Limits.MaxTransfer),
            };
    }

    /// <summary>What is wrong with an H2CData, apart from what its command says; null when nothing is.</summary>
    internal static Termination? Check(PduHeader header, TransferHeader transfer, PduDigests digests)
    {
        uint digest = digests.HasFlag(PduDigests.Data) ? PduHeader.DigestSize : 0u;
        return transfer.Length == 0 || header.Length != header.DataOffset + (ulong)transfer.Length + digest
            ? new(TerminationReason.InvalidHeaderField, LengthAt)
            : transfer.Length > Limits.MaxTransfer ? new(TerminationReason.LimitExceeded, TransferHeader.LengthAt) : null;
    }

    private static Termination? CheckData(PduHeader header, PduDigests digests, int mostData)
    {
        bool digestsHeader = digests.HasFlag(PduDigests.Header);
        uint start = header.HeaderLength + (digestsHeader ? PduHeader.DigestSize : 0u);
        bool hasData = header.Length > start;
        bool digestsData = digests.HasFlag(PduDigests.Data) && hasData;
        uint digest = digestsData ? PduHeader.DigestSize : 0u;
        uint most = start + digest + (uint)mostData;
        if (header.Length < start || header.Length > most || (hasData && header.Length <= start + digest) || (!hasData && header.Type == PduType.HostData))
        {
            return new(TerminationReason.InvalidHeaderField, LengthAt);
        }

        if (header.Bits.HasFlag(PduBits.HeaderDigest) != digestsHeader || header.Bits.HasFlag(PduBits.DataDigest) != digestsData)
        {
            return new(TerminationReason.InvalidHeaderField, BitsAt);
        }

        // CPDA is 0: data follows the header at once.
        return hasData && header.DataOffset != start ? new(TerminationReason.InvalidHeaderField, DataOffsetAt) : null;
    }
}
