namespace EveStorage.Host.Operations;

/// <summary>What a plan uses, let go of once.</summary>
internal sealed class Owned : IAsyncDisposable
{
    private readonly List<object> _all = [];

    /// <summary>Adds one.</summary>
    internal void Add(object? one)
    {
        if (one is not null)
        {
            _all.Add(one);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (object one in _all)
        {
            if (one is IAsyncDisposable waits)
            {
                await waits.DisposeAsync();
            }
            else
            {
                (one as IDisposable)?.Dispose();
            }
        }
    }
}
