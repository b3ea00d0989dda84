using System.Buffers.Binary;
using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>A command that was checked: refused by its status, or to be run on its export; without one there is nothing to do.</summary>
internal readonly record struct IoCommand(NvmeStatus Status, IoOpcode Opcode = default, Export? Export = null)
{
    internal long Offset { get; init; }

    internal long Length { get; init; }

    internal WriteDurability Durability { get; init; }

    internal (long Offset, long Length)[] Ranges { get; init; } = [];

    /// <summary>How many ranges are still to be read, from data that the host sends when asked.</summary>
    internal int RangeCount { get; init; }
}

/// <summary>What an I/O command has to be before anything is done. NVM command set specification 1.0, part 3.</summary>
internal sealed class IoChecks(Controller controller)
{
    private const int RangeSize = 16;
    private const uint Deallocate = 1 << 2;   // AD

    /// <summary>Checks a command with the data in its capsule.</summary>
    internal IoCommand Check(SubmissionEntry entry, ReadOnlyMemory<byte> data)
    {
        IoOpcode opcode = (IoOpcode)entry.Opcode;
        if (opcode is not (IoOpcode.Flush or IoOpcode.Read or IoOpcode.Write or IoOpcode.WriteZeroes or IoOpcode.DatasetManagement))
        {
            return new(NvmeStatus.InvalidOpcode);
        }

        // A Flush for all namespaces is refused too, as VWC says.
        if (controller.Find(entry.NamespaceId) is not Export export)
        {
            return new(NvmeStatus.InvalidNamespace);
        }

        return opcode switch
        {
            IoOpcode.Flush => export.Volume.SyncFailed ? new(NvmeStatus.WriteFault) : new(NvmeStatus.Success, opcode, export),
            IoOpcode.DatasetManagement => CheckRanges(entry, data.Span, export),
            _ => CheckBlocks(opcode, entry, data, export),
        };
    }

    private static IoCommand CheckBlocks(IoOpcode opcode, SubmissionEntry entry, ReadOnlyMemory<byte> data, Export export)
    {
        long length = (long)entry.BlockCount * NamespaceIdentity.BlockSize;
        NvmeStatus status = opcode != IoOpcode.Read && export.Volume.ReadOnly ? NvmeStatus.WriteProtected
            : !Fits(entry.FirstBlock, (ulong)entry.BlockCount, export.Volume) ? NvmeStatus.BlockOutOfRange
            : opcode == IoOpcode.WriteZeroes ? NvmeStatus.Success
            : CheckTransfer(opcode, entry.Sgl, length, data.Length);
        return new(status, opcode, export)
        {
            Offset = (long)entry.FirstBlock * NamespaceIdentity.BlockSize,   // it fits, and so does the product
            Length = length,
            Durability = entry.ForceUnitAccess ? WriteDurability.Stable : WriteDurability.Cached,
        };
    }

    private static NvmeStatus CheckTransfer(IoOpcode opcode, Sgl sgl, long length, int inCapsule)
        => length > Limits.MaxTransfer ? NvmeStatus.InvalidField
        : sgl.Length != length ? NvmeStatus.DataLengthInvalid
        : sgl.Identifier == Sgl.ByTransport ? inCapsule == 0 ? NvmeStatus.Success : NvmeStatus.DataLengthInvalid
        : sgl.Identifier != Sgl.InCapsule || opcode == IoOpcode.Read ? NvmeStatus.SglTypeInvalid
        : sgl.Address != 0 ? NvmeStatus.SglOffsetInvalid
        : inCapsule == length ? NvmeStatus.Success
        : NvmeStatus.DataLengthInvalid;

    // The data may be longer than the ranges: Linux always sends a whole page of 256.
    private static IoCommand CheckRanges(SubmissionEntry entry, ReadOnlySpan<byte> data, Export export)
    {
        int count = (int)(entry.Dword10 & 0xFF) + 1;
        bool byTransport = entry.Sgl.Identifier == Sgl.ByTransport;
        bool deallocate = (entry.Dword11 & Deallocate) != 0;   // else hints on how it is used, which are taken and not followed
        NvmeStatus status = !byTransport && entry.Sgl.Identifier != Sgl.InCapsule ? NvmeStatus.SglTypeInvalid
            : !byTransport && entry.Sgl.Address != 0 ? NvmeStatus.SglOffsetInvalid
            : entry.Sgl.Length < count * RangeSize || data.Length != (byTransport ? 0 : entry.Sgl.Length) ? NvmeStatus.DataLengthInvalid
            : entry.Sgl.Length > Limits.MaxTransfer ? NvmeStatus.InvalidField
            : deallocate && export.Volume.ReadOnly ? NvmeStatus.WriteProtected
            : NvmeStatus.Success;
        if (byTransport || !status.IsSuccess)
        {
            return new(status, IoOpcode.DatasetManagement, export) { Length = entry.Sgl.Length, RangeCount = deallocate ? count : 0 };
        }

        (long, long)[] ranges = [];
        status = deallocate ? ReadRanges(data, count, export.Volume, out ranges) : status;
        return new(status, IoOpcode.DatasetManagement, deallocate ? export : null) { Ranges = ranges };
    }

    /// <summary>Reads ranges out of the data of a Dataset Management, all of them or none.</summary>
    internal static NvmeStatus ReadRanges(ReadOnlySpan<byte> data, int count, ServedVolume volume, out (long Offset, long Length)[] ranges)
    {
        ranges = new (long, long)[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> range = data.Slice(i * RangeSize, RangeSize);
            uint blocks = BinaryPrimitives.ReadUInt32LittleEndian(range[4..]);
            ulong first = BinaryPrimitives.ReadUInt64LittleEndian(range[8..]);
            if (!Fits(first, blocks, volume))
            {
                ranges = [];
                return NvmeStatus.BlockOutOfRange;
            }

            ranges[i] = ((long)first * NamespaceIdentity.BlockSize, (long)blocks * NamespaceIdentity.BlockSize);
        }

        return NvmeStatus.Success;
    }

    // Without an overflow: the count is below 2^32, and the size is no negative number.
    private static bool Fits(ulong first, ulong count, ServedVolume volume)
    {
        ulong size = (ulong)volume.Blocks;
        return count <= size && first <= size - count;
    }
}
