using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>What a queue did, for the SMART page. Its own thread counts; who reads it may see it a little late.</summary>
internal sealed class IoCounters
{
    internal ulong ReadBlocks { get; set; }

    internal ulong WrittenBlocks { get; set; }

    internal ulong Reads { get; set; }

    internal ulong Writes { get; set; }

    internal void Add(IoCommand command)
    {
        ulong blocks = (ulong)command.Length / NamespaceIdentity.BlockSize;
        if (command.Opcode == IoOpcode.Read)
        {
            (Reads, ReadBlocks) = (Reads + 1, ReadBlocks + blocks);
        }
        else if (command.Opcode == IoOpcode.Write)
        {
            (Writes, WrittenBlocks) = (Writes + 1, WrittenBlocks + blocks);
        }
    }

    internal void Add(IoCounters other)
    {
        ReadBlocks += other.ReadBlocks;
        WrittenBlocks += other.WrittenBlocks;
        Reads += other.Reads;
        Writes += other.Writes;
    }
}
