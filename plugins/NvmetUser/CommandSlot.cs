using System.Runtime.CompilerServices;

namespace EveStorage.NvmetUser;

/// <summary>What a command waits for.</summary>
internal enum SlotState
{
    /// <summary>It is free.</summary>
    Free,

    /// <summary>Its turn under the export's limit.</summary>
    Turn,

    /// <summary>Memory.</summary>
    Memory,

    /// <summary>Data from the host.</summary>
    HostData,

    /// <summary>The volume.</summary>
    Volume,
}

/// <summary>A command that did not end at once. A queue has as many as commands may be outstanding, and makes no others.</summary>
internal sealed class CommandSlot
{
    private readonly IoQueue _queue;
    private readonly Action _completed;
    private ValueTask _work;

    internal CommandSlot(IoQueue queue, ushort index)
    {
        _queue = queue;
        _completed = Complete;
        Index = index;
    }

    /// <summary>Its place, which is the transfer tag of its data.</summary>
    internal ushort Index { get; }

    internal SlotState State { get; set; }

    internal ushort CommandId { get; set; }

    internal NvmeOf.IoOpcode Opcode { get; set; }

    internal WriteDurability Durability { get; set; }

    internal ServedVolume Volume { get; set; } = null!;

    /// <summary>What limits it; null when nothing does.</summary>
    internal RateLimit? Limit { get; set; }

    /// <summary>The volume as a person types it.</summary>
    internal string Subject { get; set; } = "";

    /// <summary>The first byte in the volume.</summary>
    internal long Offset { get; set; }

    /// <summary>Its bytes.</summary>
    internal long Length { get; set; }

    /// <summary>What of its data has come.</summary>
    internal int Received { get; set; }

    /// <summary>Its data: in <see cref="Buffer"/>, or held in what was received when that is null.</summary>
    internal Memory<byte> Data { get; set; }

    /// <summary>Whether it can't begin without a buffer.</summary>
    internal bool NeedsMemory { get; set; }

    internal PageBuffer? Buffer { get; set; }

    /// <summary>Whether it holds what was received.</summary>
    internal bool Holds { get; set; }

    /// <summary>The ranges of a Dataset Management.</summary>
    internal (long Offset, long Length)[] Ranges { get; set; } = [];

    /// <summary>How many of them are still to be read from its data.</summary>
    internal int RangeCount { get; set; }

    internal NvmeOf.NvmeStatus Status { get; set; }

    /// <summary>Whether what is being done now has to be stable: its failure says that what was written before may be lost.</summary>
    internal bool Syncing { get; set; }

    /// <summary>Runs its work here.</summary>
    internal void Run() => Await(IoWork.RunAsync(this));

    private void Await(ValueTask work)
    {
        _work = work;
        if (_work.IsCompleted)
        {
            Complete();
        }
        else
        {
            _work.GetAwaiter().UnsafeOnCompleted(_completed);
        }
    }

    // A task holds whatever its work failed with, so that every command ends.
    private void Complete()
    {
        Exception? failure = null;
        if (_work.IsCompletedSuccessfully)
        {
            ValueTaskAwaiter work = _work.GetAwaiter();
            work.GetResult();   // gives a pooled one back
        }
        else
        {
            failure = _work.AsTask().Exception?.InnerException ?? new OperationCanceledException();
        }

        _queue.Finish(this, failure);
    }
}
