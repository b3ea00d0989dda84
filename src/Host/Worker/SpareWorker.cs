namespace EveStorage.Host.Worker;

/// <summary>
/// A worker that is started before it is known what it will be asked, so that an image does not wait for it: a command's gets ready beside what
/// the command does first; a daemon has one only where its profile keeps one, since it takes memory as long as it waits.
/// </summary>
internal sealed class SpareWorker : IDisposable
{
    private readonly bool _isReplaced;
    private readonly IReadOnlyList<string> _plugins;
    private readonly Lock _changing = new();
    private IdleWorker? _idle;
    private bool _isDisposed;

    private SpareWorker(bool isReplaced, IReadOnlyList<string> plugins) => (_isReplaced, _plugins) = (isReplaced, plugins);

    /// <summary>The one that waits; null when none does. It stays here.</summary>
    internal IdleWorker? Waiting => _idle;

    /// <summary>Starts one that is used once, where it is wanted.</summary>
    /// <exception cref="StorageException">It can't be started.</exception>
    internal static SpareWorker Once(bool isWanted) => new(isReplaced: false, []) { _idle = isWanted ? IdleWorker.Start() : null };

    /// <summary>Starts one that is replaced after each use, where it is wanted.</summary>
    /// <param name="isWanted">Whether it is.</param>
    /// <param name="plugins">The directories of the plugins whose formats each has loaded when its image comes.</param>
    internal static SpareWorker Always(bool isWanted, params IReadOnlyList<string> plugins)
    {
        SpareWorker spare = new(isWanted, plugins);
        spare.Replace();
        return spare;
    }

    /// <summary>Takes it; null when there is none. One may have been ended meanwhile: when memory runs out a worker is the first to go.</summary>
    internal IdleWorker? Take()
    {
        lock (_changing)
        {
            IdleWorker? idle = _idle;
            _idle = null;
            if (idle is { Child.HasEnded: true })
            {
                idle.Dispose();
                return null;
            }

            return idle;
        }
    }

    /// <summary>
    /// Has another one get ready, where one is always to be there. It is called when an image is done with: earlier, starting it would take
    /// processors from that.
    /// </summary>
    internal void Replace()
    {
        lock (_changing)
        {
            if (!_isReplaced || _isDisposed || _idle is not null)
            {
                return;
            }

            try
            {
                _idle = IdleWorker.Start(_plugins);
            }
            catch (StorageException)
            {
                // The next image starts its own, and tells it when that can't be, either.
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_changing)
        {
            _isDisposed = true;
            _idle?.Dispose();
            _idle = null;
        }
    }
}
