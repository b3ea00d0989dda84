namespace EveStorage.NvmetUser;

/// <summary>What a queue did, for the SMART page. Its own thread counts; who reads it may see it a little late.</summary>
internal sealed class IoCounters
{
    internal ulong ReadBlocks { get; set; }

    internal ulong WrittenBlocks { get; set; }

    internal ulong Reads { get; set; }

    internal ulong Writes { get; set; }

    internal void Add(IoCounters other)
    {
        ReadBlocks += other.ReadBlocks;
        WrittenBlocks += other.WrittenBlocks;
        Reads += other.Reads;
        Writes += other.Writes;
    }
}
