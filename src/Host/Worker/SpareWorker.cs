namespace EveStorage.Host.Worker;

/// <summary>
/// A worker that a command starts before it knows what it will be asked, so that it gets ready beside what the command does first.
/// A daemon has none: it would only take memory.
/// </summary>
internal sealed class SpareWorker : IDisposable
{
    private IdleWorker? _idle;

    /// <summary>Starts it, where it is wanted.</summary>
    /// <exception cref="StorageException">It can't be started.</exception>
    internal SpareWorker(bool isWanted) => _idle = isWanted ? IdleWorker.Start() : null;

    /// <summary>Takes it; null when there is none any more.</summary>
    internal IdleWorker? Take() => Interlocked.Exchange(ref _idle, null);

    /// <inheritdoc/>
    public void Dispose() => Take()?.Dispose();
}
