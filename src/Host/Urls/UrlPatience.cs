using System.Net.Http;
using System.Security.Authentication;

namespace EveStorage.Host.Urls;

/// <summary>Ends an attempt in which nothing is heard for too long.</summary>
internal sealed class UrlStall(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken) : IDisposable
{
    private readonly CancellationTokenSource _silence = new(limit, time);
    private CancellationTokenSource? _either;

    /// <summary>Ends the attempt.</summary>
    internal CancellationToken Token => (_either ??= CancellationTokenSource.CreateLinkedTokenSource(_silence.Token, cancellationToken)).Token;

    /// <summary>Something was heard.</summary>
    internal void Heard() => _silence.CancelAfter(limit);

    /// <inheritdoc/>
    public void Dispose()
    {
        _either?.Dispose();
        _silence.Dispose();
    }
}

/// <summary>Tries again what a network or a busy server failed at, each time after a longer pause, until patience ends.</summary>
internal sealed class UrlPatience(string name, UrlLimits limits, TimeProvider time)
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(30);

    /// <summary>Told each time that it waits, in words for a person.</summary>
    internal Action<string> Waiting { get; set; } = static _ => { };

    /// <summary>Runs <paramref name="attempt"/> until it succeeds, or fails for good.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: patience has ended. Others: what trying again does not change.</exception>
    internal async Task<T> RunAsync<T>(Func<UrlStall, Task<T>> attempt, TimeSpan patience, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        TimeSpan pause = s_firstPause;
        for (int tries = 1; ; tries++)
        {
            string reason;
            try
            {
                using UrlStall stall = new(limits.Stall, time, cancellationToken);
                return await attempt(stall);
            }
            catch (HttpRequestException e) when (e.InnerException is AuthenticationException untrusted)
            {
                throw new StorageException(StorageErrorKind.Unavailable, name, $"is on a server that could be anybody: {UrlTrouble.Of(untrusted)}", e);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                reason = $"its server sent nothing for {limits.Stall.TotalSeconds:0.#} s";
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                reason = UrlTrouble.Of(e);
            }

            if (time.GetElapsedTime(start) + pause > patience)
            {
                throw new StorageException(StorageErrorKind.Unavailable, name, $"can't be fetched: {reason}; it was tried {tries} times: check the network and the server, and run it again");
            }

            Waiting($"wait for the server of {name}: {reason} (attempt {tries})");
            await Task.Delay(pause, time, cancellationToken);
            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }
    }
}
