namespace EveStorage.Linux;

/// <summary>A call that the kernel lets wait for others for as long as they take, and for no signal: a thread of its own waits with it.</summary>
public sealed class WaitingCall
{
    private readonly Task _call;

    private WaitingCall(Action call)
        => _call = Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Starts it. It goes on also when nobody waits for it any more.</summary>
    public static WaitingCall Start(Action call) => new(call);

    /// <summary>Waits for it for <paramref name="limit"/> at most, and says whether it has ended; what it threw is thrown.</summary>
    public async Task<bool> EndsAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            await _call.WaitAsync(limit, cancellationToken);
            return true;
        }
        catch (TimeoutException) when (!_call.IsCompleted)
        {
            return false;
        }
    }
}
