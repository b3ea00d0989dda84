using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>What a connection is: not yet a queue, an admin queue or an I/O queue. All runs on the connection's thread.</summary>
internal abstract class CommandQueue
{
    /// <summary>Whether it takes another command now.</summary>
    internal virtual bool HasRoom => true;

    /// <summary>Whether commands are being run elsewhere.</summary>
    internal virtual bool IsBusy => false;

    /// <summary>Whether commands wait for us: they are being run, or there is no memory for them.</summary>
    internal virtual bool HasWork => IsBusy;

    /// <summary>How long until there is something to do though nobody wakes the connection; null when there is not.</summary>
    internal virtual TimeSpan? Pause => null;

    /// <summary>Whether the host owes data.</summary>
    internal virtual bool AwaitsData => false;

    /// <summary>How many bytes of data a capsule may have.</summary>
    internal virtual int InCapsule => Limits.AdminInCapsule;

    /// <summary>How long the connection may be without a command; null for ever.</summary>
    internal virtual TimeSpan? Silence => null;

    /// <summary>Runs a command, or begins it.</summary>
    /// <param name="entry">The submission entry.</param>
    /// <param name="data">The data in its capsule.</param>
    internal abstract void Execute(SubmissionEntry entry, ReadOnlyMemory<byte> data);

    /// <summary>Someone woke the connection: does what can be done now.</summary>
    internal virtual void TakeNews()
    {
    }

    /// <summary>Where the data of an H2CData goes; an error when nothing asked for it.</summary>
    internal virtual Termination? BeginData(TransferHeader transfer, out Memory<byte> target)
    {
        target = default;
        return new(TerminationReason.SequenceError, 0);
    }

    /// <summary>The data of an H2CData has come, whole or damaged.</summary>
    internal virtual void EndData(TransferHeader transfer, bool damaged)
    {
    }

    /// <summary>The connection ends. Nothing is being run any more.</summary>
    internal abstract void End();
}
